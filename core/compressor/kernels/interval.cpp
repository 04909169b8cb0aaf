// SPDX-License-Identifier: Apache-2.0
// Kernels in intervals over MPFR.
#include "core/compressor/kernels/interval_set.hpp"
#include "core/compressor/kernels/kernel_set.hpp"

namespace ulpscope::compressor::kernels {

const KernelSet<precision::Interval>& interval_kernels() {
  using precision::IntervalArithmetic;
  static const KernelSet<precision::Interval> set = make_kernel_set<IntervalArithmetic, IntervalArithmetic>("mpfi");
  return set;
}

}  // namespace ulpscope::compressor::kernels
