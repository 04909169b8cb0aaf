// SPDX-License-Identifier: Apache-2.0
// Backend `cuda`: a traced run whose kernels are a device's. Its bits are the host's.
#pragma once

#include "core/compressor/run.hpp"

namespace ulpscope::gpu {

/// Every slot on the tape, as run_traced has them. Throws InputError where the recipe asks for a library's function
/// that no device has, or the problem is too large for the device; Unavailable without a device; DeviceFailure where it
/// fails.
compressor::Run run_cuda(const compressor::Problem& problem, const compressor::Recipe& recipe,
                         const compressor::RunOptions& options);

/// The same kernels thread by thread on the host. Throws Unavailable where they were not built.
compressor::Run run_rehearsed(const compressor::Problem& problem, const compressor::Recipe& recipe,
                              const compressor::RunOptions& options);

/// Throws InputError: softmax log_softmax and exp libm call the C library, whose bits no device has.
void require_device_text(const compressor::Recipe& recipe, const compressor::Config& config);

}  // namespace ulpscope::gpu
