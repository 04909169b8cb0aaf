// SPDX-License-Identifier: Apache-2.0
// Kernels in dual numbers over MPFR: values with their derivatives along one direction.
#include "core/compressor/kernels/kernel_set.hpp"
#include "core/compressor/kernels/real_sets.hpp"

namespace ulpscope::compressor::kernels {

const KernelSet<RealDual>& real_dual_kernels() {
  using Arithmetic = precision::Dual<precision::RealArithmetic>;
  static const KernelSet<RealDual> set = make_kernel_set<Arithmetic, Arithmetic>("mpfr, dual");
  return set;
}

}  // namespace ulpscope::compressor::kernels
