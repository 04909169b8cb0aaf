// SPDX-License-Identifier: Apache-2.0
// Kernels of plain doubles: the text that every pack must agree with, bit for bit.
#include "core/compressor/kernels/kernel_set.hpp"
#include "core/compressor/kernels/kernel_sets.hpp"
#include "precision/emulated.hpp"
#include "precision/native.hpp"

namespace ulpscope::compressor::kernels {

KernelSet<double> native_double_scalar() {
  return make_kernel_set<precision::Native<double>, precision::Native<double>>("scalar");
}
KernelSet<double> emulated_double_scalar() {
  return make_kernel_set<precision::Emulated<double>, precision::Emulated<double>>("scalar");
}

}  // namespace ulpscope::compressor::kernels
