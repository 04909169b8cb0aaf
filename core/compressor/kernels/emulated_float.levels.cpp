// SPDX-License-Identifier: Apache-2.0
// Kernels of formats carried in float, at one SIMD level; the build compiles this source once per level.
#include "core/compressor/kernels/kernel_set.hpp"
#include "core/compressor/kernels/kernel_sets.hpp"
#include "precision/emulated.hpp"

namespace ulpscope::compressor::kernels {

KernelSet<float> ULPSCOPE_AT_LEVEL(emulated_float)() {
  using precision::Emulated;
  return make_kernel_set<Emulated<precision::NativePack<float>>, Emulated<float>>(ULPSCOPE_LEVEL_NAME);
}

}  // namespace ulpscope::compressor::kernels
