// SPDX-License-Identifier: Apache-2.0
// Kernels in dual numbers over double: values with their derivatives along one direction, nothing rounded to a format.
#include <cmath>

#include "core/compressor/kernels/dual_set.hpp"
#include "core/compressor/kernels/kernel_set.hpp"
#include "precision/native.hpp"

namespace ulpscope::compressor::kernels {
namespace {

/// double with the logarithm that dual numbers ask for; alone, rows take it from the C library themselves.
class DoubleWithLog : public precision::Native<double> {
 public:
  using precision::Native<double>::Native;
  double log(double x) const { return std::log(x); }
};

}  // namespace

const KernelSet<DoubleDual>& double_dual_kernels() {
  using Arithmetic = precision::Dual<DoubleWithLog>;
  static const KernelSet<DoubleDual> set = make_kernel_set<Arithmetic, Arithmetic>("double, dual");
  return set;
}

}  // namespace ulpscope::compressor::kernels
