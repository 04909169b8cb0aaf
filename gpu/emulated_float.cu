// SPDX-License-Identifier: Apache-2.0
// Kernels of formats carried in float for devices, and for their rehearsal on the host.
#include "gpu/kernel_set.cuh"
#include "gpu/kinds.hpp"
#include "precision/emulated.hpp"

namespace ulpscope::gpu {

const compressor::kernels::KernelSet<float>& emulated_float_on_device() {
  static const auto set = Kernels<precision::Emulated<float>, OnDevice>::set("cuda");
  return set;
}
const compressor::kernels::KernelSet<float>& emulated_float_rehearsed() {
  static const auto set = Kernels<precision::Emulated<float>, Rehearsed>::set("rehearsal");
  return set;
}

}  // namespace ulpscope::gpu
