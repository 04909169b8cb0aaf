// SPDX-License-Identifier: Apache-2.0
// Kernels that enclose: the same row functions as the runs', every result with the radius of what it may miss.
#include "core/compressor/kernels/enclosed_set.hpp"
#include "core/compressor/kernels/kernel_set.hpp"
#include "core/compressor/kernels/kernel_sets.hpp"
#include "core/compressor/kernels/quantize_enclosed.hpp"

namespace ulpscope::compressor::kernels {

KernelSet<precision::Enclosed> ULPSCOPE_AT_LEVEL(enclosed)() {
  using precision::EnclosedArithmetic;
  return make_kernel_set<EnclosedArithmetic, EnclosedArithmetic>(ULPSCOPE_LEVEL_NAME);
}

}  // namespace ulpscope::compressor::kernels
