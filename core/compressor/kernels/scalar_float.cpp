// SPDX-License-Identifier: Apache-2.0
// Kernels of plain floats: the text that every pack must agree with, bit for bit.
#include "core/compressor/kernels/kernel_set.hpp"
#include "core/compressor/kernels/kernel_sets.hpp"
#include "precision/emulated.hpp"
#include "precision/native.hpp"

namespace ulpscope::compressor::kernels {

KernelSet<float> native_float_scalar() {
  return make_kernel_set<precision::Native<float>, precision::Native<float>>("scalar");
}
KernelSet<float> emulated_float_scalar() {
  return make_kernel_set<precision::Emulated<float>, precision::Emulated<float>>("scalar");
}

}  // namespace ulpscope::compressor::kernels
