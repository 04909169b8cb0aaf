// SPDX-License-Identifier: Apache-2.0
// Who runs a body over a grid: a device, or the host thread by thread. Both compile the same text by the same compiler.
#pragma once

#include <cuda_runtime_api.h>

#include "core/compressor/workspace.hpp"
#include "gpu/errors.hpp"
#include "gpu/grid.hpp"
#include "gpu/rehearsal.hpp"

namespace ulpscope::gpu {

inline void check(cudaError_t code, std::string_view doing, std::size_t bytes = 0) {
  if (code != cudaSuccess) raise({code, cudaGetErrorName(code), cudaGetErrorString(code), doing, bytes});
}

inline namespace ULPSCOPE_LEVEL {

template <class Body>
__global__ void run_body(Grid grid, Body body) {
  body(grid, Thread{blockIdx.x, threadIdx.x});
}

/// The device's threads. Every launch is waited for, so that the host may read what it wrote, and an error has its
/// place.
struct OnDevice {
  static const compressor::Memory& memory() { return device_memory(); }
  static GridLimits limits() { return {}; }
  template <class Body>
  static void launch(const Grid& grid, const Body& body) {
    run_body<<<grid.blocks, grid.threads>>>(grid, body);
    check(cudaGetLastError(), "when a kernel was started");
    check(cudaDeviceSynchronize(), "while a kernel ran");
  }
};

/// The host, one thread of the grid after the other.
struct Rehearsed {
  static const compressor::Memory& memory() { return rehearsal_memory(); }
  static GridLimits limits() { return rehearsal_limits(); }
  template <class Body>
  static void launch(const Grid& grid, const Body& body) {
    for (unsigned block = 0; block < grid.blocks; ++block) {
      for (unsigned lane = 0; lane < grid.threads; ++lane) body(grid, Thread{block, lane});
    }
  }
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::gpu
