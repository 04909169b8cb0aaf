// SPDX-License-Identifier: Apache-2.0
// Managed memory: the host's and the device's, at one address. And CUDA's error codes, as errors.cpp believes them to
// be.
#include <cuda_runtime_api.h>

#include "gpu/error_codes.hpp"
#include "gpu/executor.cuh"

namespace ulpscope::gpu {
namespace {

static_assert(cudaErrorMemoryAllocation == codes::memory_allocation && cudaErrorStubLibrary == codes::stub_library);
static_assert(cudaErrorInsufficientDriver == codes::insufficient_driver && cudaErrorNoDevice == codes::no_device);
static_assert(cudaErrorDevicesUnavailable == codes::devices_unavailable);
static_assert(cudaErrorNoKernelImageForDevice == codes::no_kernel_image);
static_assert(cudaErrorUnsupportedPtxVersion == codes::unsupported_ptx);
static_assert(cudaErrorIllegalAddress == codes::illegal_address && cudaErrorNotPermitted == codes::not_permitted);

void* allocate(std::size_t bytes) {
  void* memory = nullptr;
  check(cudaMallocManaged(&memory, bytes == 0 ? 1 : bytes), "when it was asked for memory", bytes);
  return memory;
}
void release(void* memory) noexcept { cudaFree(memory); }  // after a failure there is nothing left to say
constexpr compressor::Memory managed{allocate, release};

}  // namespace

const compressor::Memory& device_memory() { return managed; }

}  // namespace ulpscope::gpu
