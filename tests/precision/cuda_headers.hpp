// SPDX-License-Identifier: Apache-2.0
// CUDA's own conversions, host versions, where the toolkit's headers are on the include path.
#pragma once

#if __has_include(<cuda_fp8.h>) && __has_include(<nv/target>)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#define ULPSCOPE_HAS_CUDA_HEADERS 1
#if __has_include(<cuda_fp4.h>)
#include <cuda_fp4.h>
#include <cuda_fp6.h>
#define ULPSCOPE_HAS_CUDA_SMALL_FORMATS 1
#endif
#endif
