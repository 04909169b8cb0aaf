// SPDX-License-Identifier: Apache-2.0
// Double kernels for devices, and for their rehearsal on the host.
#include "gpu/kernel_set.cuh"
#include "gpu/kinds.hpp"
#include "precision/native.hpp"

namespace ulpscope::gpu {

const compressor::kernels::KernelSet<double>& native_double_on_device() {
  static const auto set = Kernels<precision::Native<double>, OnDevice>::set("cuda");
  return set;
}
const compressor::kernels::KernelSet<double>& native_double_rehearsed() {
  static const auto set = Kernels<precision::Native<double>, Rehearsed>::set("rehearsal");
  return set;
}

}  // namespace ulpscope::gpu
