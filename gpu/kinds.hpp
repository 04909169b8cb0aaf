// SPDX-License-Identifier: Apache-2.0
// The kernel sets that nvcc compiles, a kind a source.
#pragma once

#include "core/compressor/kernels/job.hpp"

namespace ulpscope::gpu {

const compressor::kernels::KernelSet<float>& native_float_on_device();
const compressor::kernels::KernelSet<float>& native_float_rehearsed();
const compressor::kernels::KernelSet<double>& native_double_on_device();
const compressor::kernels::KernelSet<double>& native_double_rehearsed();
const compressor::kernels::KernelSet<float>& emulated_float_on_device();
const compressor::kernels::KernelSet<float>& emulated_float_rehearsed();
const compressor::kernels::KernelSet<double>& emulated_double_on_device();
const compressor::kernels::KernelSet<double>& emulated_double_rehearsed();

}  // namespace ulpscope::gpu
