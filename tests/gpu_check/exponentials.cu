// SPDX-License-Identifier: Apache-2.0
// Every float through expf, __expf and __expf with flushing, beside our models of them.
#include <cuda_runtime_api.h>

#include "gpu/executor.cuh"
#include "precision/exp_libraries.hpp"
#include "tests/gpu_check/exponentials.hpp"

namespace ulpscope::gpu_check {
namespace {

struct Found {
  unsigned long long differing;
  unsigned long long furthest;  ///< distance, then the argument's bits: one atomicMax
  unsigned device_zero;         ///< bits of the smallest magnitude, of a negative argument, whose exponential is 0
  unsigned model_zero;
};

constexpr unsigned sign = 0x80000000U;
constexpr unsigned infinite = 0x7f800000U;
constexpr unsigned first_normal = 0x00800000U;

struct Default {
  static constexpr bool flushes = false;
  static __device__ float device(float x) { return expf(x); }
  static __device__ float model(float x) { return precision::exp_cuda(x); }
};
struct Fast {
  static constexpr bool flushes = false;
  static __device__ float device(float x) { return __expf(x); }
  static __device__ float model(float x) { return precision::exp_cuda_fast(x); }
};
/// What __expf is under -use_fast_math.
struct FastFlushed {
  static constexpr bool flushes = true;
  static __device__ float device(float x) {
    float product = 0;
    float result = 0;
    asm("mul.ftz.f32 %0, %1, 0f3FB8AA3B;" : "=f"(product) : "f"(x));
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(product));
    return result;
  }
  static __device__ float model(float x) {
    const float result = precision::exp_cuda_fast(x);
    return result < 0x1p-126f ? 0 : result;  // keeps NaN
  }
};

/// Steps from 0 to a result, which is never negative.
template <class Exp>
__device__ unsigned steps(float result) {
  const unsigned bits = __float_as_uint(result);
  return Exp::flushes && bits >= first_normal ? bits - (first_normal - 1) : bits;
}

template <class Exp>
__device__ unsigned distance(float device, float model) {
  if (isnan(device) && isnan(model)) return 0;
  if (isnan(device) || isnan(model)) return ~0U;
  const unsigned a = steps<Exp>(device);
  const unsigned b = steps<Exp>(model);
  return a > b ? a - b : b - a;
}

template <class Exp>
__global__ void survey(Found* found) {
  const unsigned long long count = 1ULL << 32;
  const unsigned long long threads = static_cast<unsigned long long>(gridDim.x) * blockDim.x;
  for (unsigned long long i = blockIdx.x * static_cast<unsigned long long>(blockDim.x) + threadIdx.x; i < count;
       i += threads) {
    const auto bits = static_cast<unsigned>(i);
    const float x = __uint_as_float(bits);
    const float device = Exp::device(x);
    const float model = Exp::model(x);
    if (const unsigned apart = distance<Exp>(device, model); apart != 0) {
      atomicAdd(&found->differing, 1ULL);
      atomicMax(&found->furthest, static_cast<unsigned long long>(apart) << 32 | bits);
    }
    const bool is_negative = (bits & sign) != 0 && (bits & ~sign) <= infinite;
    if (is_negative && device == 0) atomicMin(&found->device_zero, bits);
    if (is_negative && model == 0) atomicMin(&found->model_zero, bits);
  }
}

float from_bits(std::uint64_t bits) { return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits)); }

template <class Exp>
ExpSurvey run(const char* name, const char* model) {
  constexpr unsigned threads = 256;
  constexpr unsigned blocks = 1U << 14;
  Found found{0, 0, sign | infinite, sign | infinite};
  Found* there = nullptr;
  gpu::check(cudaMalloc(&there, sizeof found), "when it was asked for memory", sizeof found);
  gpu::check(cudaMemcpy(there, &found, sizeof found, cudaMemcpyHostToDevice), "when it was given data");
  survey<Exp><<<blocks, threads>>>(there);
  gpu::check(cudaGetLastError(), "when a kernel was started");
  gpu::check(cudaMemcpy(&found, there, sizeof found, cudaMemcpyDeviceToHost), "while a kernel ran");
  gpu::check(cudaFree(there), "when memory was given back");
  return {name,
          model,
          from_bits(found.device_zero),
          from_bits(found.model_zero),
          found.differing,
          static_cast<std::uint32_t>(found.furthest >> 32),
          from_bits(found.furthest)};
}

}  // namespace

std::vector<ExpSurvey> survey_exponentials() {
  return {run<Default>("expf", "cuda"), run<Fast>("__expf", "cuda_fast"),
          run<FastFlushed>("__expf with -ftz=true", "cuda_fast:ftz")};
}

}  // namespace ulpscope::gpu_check
