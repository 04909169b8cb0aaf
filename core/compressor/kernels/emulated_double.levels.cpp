// SPDX-License-Identifier: Apache-2.0
// Kernels of formats carried in double, at one SIMD level; the build compiles this source once per level.
#include "core/compressor/kernels/kernel_set.hpp"
#include "core/compressor/kernels/kernel_sets.hpp"
#include "precision/emulated.hpp"

namespace ulpscope::compressor::kernels {

KernelSet<double> ULPSCOPE_AT_LEVEL(emulated_double)() {
  using precision::Emulated;
  return make_kernel_set<Emulated<precision::NativePack<double>>, Emulated<double>>(ULPSCOPE_LEVEL_NAME);
}

}  // namespace ulpscope::compressor::kernels
