// SPDX-License-Identifier: Apache-2.0
// Managed memory: the host's and the device's, at one address. And CUDA's error codes, as errors.cpp believes them to
// be.
#include <cuda_runtime_api.h>

#include <mutex>
#include <unordered_map>

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

/// What is lent of the memory that the device had free before. CUDA would lend more than there is, and page: a problem
/// that does not fit is refused instead.
class Loans {
 public:
  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (limit_ == 0) {
      std::size_t total = 0;
      check(cudaMemGetInfo(&limit_, &total), "when it was asked for its free memory");
    }
    if (bytes > limit_ - lent_) check(cudaErrorMemoryAllocation, "when it was asked for memory", bytes);
    void* memory = nullptr;
    check(cudaMallocManaged(&memory, bytes == 0 ? 1 : bytes), "when it was asked for memory", bytes);
    loans_.emplace(memory, bytes);
    lent_ += bytes;
    return memory;
  }
  void give_back(void* memory) {
    const std::lock_guard lock(mutex_);
    if (const auto loan = loans_.find(memory); loan != loans_.end()) {
      lent_ -= loan->second;
      loans_.erase(loan);
    }
    cudaFree(memory);  // after a failure there is nothing left to say
  }

 private:
  std::mutex mutex_;
  std::size_t limit_ = 0, lent_ = 0;  ///< bytes; limit_ 0: not asked yet
  std::unordered_map<const void*, std::size_t> loans_;
};

Loans& loans() {
  static Loans all;
  return all;
}

void* allocate(std::size_t bytes) { return loans().take(bytes); }
void release(void* memory) noexcept { loans().give_back(memory); }
constexpr compressor::Memory managed{allocate, release};

}  // namespace

const compressor::Memory& device_memory() { return managed; }

}  // namespace ulpscope::gpu
