// SPDX-License-Identifier: Apache-2.0
// Who rehearses, and with which grids.
#include "gpu/rehearsal.hpp"

#include <new>

#if defined(ULPSCOPE_HAVE_CUDA)
#include "gpu/kinds.hpp"
#else
#include "gpu/device.hpp"
#include "gpu/errors.hpp"
#endif

namespace ulpscope::gpu {
namespace {

void* allocate(std::size_t bytes) { return ::operator new(bytes); }
void release(void* memory) noexcept { ::operator delete(memory); }
constexpr compressor::Memory heap{allocate, release};

#if defined(ULPSCOPE_HAVE_CUDA)
using compressor::Kind;
const compressor::kernels::KernelSet<float>& in_float(Kind kind) {
  return kind == Kind::native_float ? native_float_rehearsed() : emulated_float_rehearsed();
}
const compressor::kernels::KernelSet<double>& in_double(Kind kind) {
  return kind == Kind::native_double ? native_double_rehearsed() : emulated_double_rehearsed();
}
constexpr compressor::kernels::Provider provider{"rehearsal", in_float, in_double};
#endif

}  // namespace

const compressor::Memory& rehearsal_memory() { return heap; }

GridLimits& rehearsal_limits() {
  thread_local GridLimits limits;
  return limits;
}

const compressor::kernels::Provider* rehearsal() {
#if defined(ULPSCOPE_HAVE_CUDA)
  return &provider;
#else
  return nullptr;
#endif
}

#if !defined(ULPSCOPE_HAVE_CUDA)
const compressor::Memory& device_memory() { throw Unavailable(availability().why_not); }
#endif

}  // namespace ulpscope::gpu
