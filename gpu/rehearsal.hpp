// SPDX-License-Identifier: Apache-2.0
// The device's kernels as nvcc compiles them for the host: index, planning and row code without a device.
#pragma once

#include "core/compressor/kernels/job.hpp"
#include "core/compressor/workspace.hpp"
#include "gpu/grid.hpp"

namespace ulpscope::gpu {

/// Kernel sets that run each launch thread by thread on the host. Needs nvcc at build time: null without it.
const compressor::kernels::Provider* rehearsal();

/// The limits of this thread's rehearsals, to be set by who asks for others.
GridLimits& rehearsal_limits();
/// Memory apart from all other: what is not copied there, a rehearsed kernel does not find.
const compressor::Memory& rehearsal_memory();
/// Managed memory of the device. Throws as `raise` does.
const compressor::Memory& device_memory();

}  // namespace ulpscope::gpu
