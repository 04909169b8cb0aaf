// SPDX-License-Identifier: Apache-2.0
// Kernels of formats carried in double for devices, and for their rehearsal on the host.
#include "gpu/kernel_set.cuh"
#include "gpu/kinds.hpp"
#include "precision/emulated.hpp"

namespace ulpscope::gpu {

const compressor::kernels::KernelSet<double>& emulated_double_on_device() {
  static const auto set = Kernels<precision::Emulated<double>, OnDevice>::set("cuda");
  return set;
}
const compressor::kernels::KernelSet<double>& emulated_double_rehearsed() {
  static const auto set = Kernels<precision::Emulated<double>, Rehearsed>::set("rehearsal");
  return set;
}

}  // namespace ulpscope::gpu
