// SPDX-License-Identifier: Apache-2.0
// Kernels in MPFR: the same row functions as the runs', every rounding the identity.
#include "precision/real.hpp"

#include "core/compressor/kernels/kernel_set.hpp"
#include "core/compressor/kernels/real_sets.hpp"

namespace ulpscope::compressor::kernels {

const KernelSet<precision::Real>& real_kernels() {
  using precision::RealArithmetic;
  static const KernelSet<precision::Real> set = make_kernel_set<RealArithmetic, RealArithmetic>("mpfr");
  return set;
}

}  // namespace ulpscope::compressor::kernels
