// SPDX-License-Identifier: Apache-2.0
// float and double kernels at one SIMD level; the build compiles this source once per level.
#include "precision/native.hpp"

#include "core/compressor/kernels/kernel_set.hpp"
#include "core/compressor/kernels/kernel_sets.hpp"

namespace ulpscope::compressor::kernels {

using precision::NativePack;

KernelSet<float> ULPSCOPE_AT_LEVEL(native_float)() {
  return make_kernel_set<precision::Native<NativePack<float>>, precision::Native<float>>(ULPSCOPE_LEVEL_NAME);
}
KernelSet<double> ULPSCOPE_AT_LEVEL(native_double)() {
  return make_kernel_set<precision::Native<NativePack<double>>, precision::Native<double>>(ULPSCOPE_LEVEL_NAME);
}

}  // namespace ulpscope::compressor::kernels
