// SPDX-License-Identifier: Apache-2.0
// Float kernels for devices, and for their rehearsal on the host.
#include "gpu/kernel_set.cuh"
#include "gpu/kinds.hpp"
#include "precision/native.hpp"

namespace ulpscope::gpu {

const compressor::kernels::KernelSet<float>& native_float_on_device() {
  static const auto set = Kernels<precision::Native<float>, OnDevice>::set("cuda");
  return set;
}
const compressor::kernels::KernelSet<float>& native_float_rehearsed() {
  static const auto set = Kernels<precision::Native<float>, Rehearsed>::set("rehearsal");
  return set;
}

}  // namespace ulpscope::gpu
