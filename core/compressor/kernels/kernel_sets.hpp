// SPDX-License-Identifier: Apache-2.0
// The kernel sets that are compiled: kinds times SIMD levels, and the choice at run time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/compressor/kernels/job.hpp"

#define ULPSCOPE_JOIN_(a, b) a##_##b
#define ULPSCOPE_JOIN(a, b) ULPSCOPE_JOIN_(a, b)
/// native_float -> native_float_v4 in a source compiled for x86-64-v4.
#define ULPSCOPE_AT_LEVEL(name) ULPSCOPE_JOIN(name, ULPSCOPE_LEVEL)
#define ULPSCOPE_TEXT_(a) #a
#define ULPSCOPE_TEXT(a) ULPSCOPE_TEXT_(a)
#define ULPSCOPE_LEVEL_NAME ULPSCOPE_TEXT(ULPSCOPE_LEVEL)

namespace ulpscope::compressor::kernels {

/// Whether this machine runs what is compiled for a level: "v3" and "v4" may be beyond it.
bool runs_here(std::string_view level);

/// Compiled levels that this machine runs, slowest first: "scalar", "v2", ...
std::vector<std::string> simd_levels();

/// Kernels of a kind at a level; "" is the best one. Throws InputError naming the levels this machine has.
/// T must carry the kind: float for native_float and emulated_float, double for the others.
template <class T>
const KernelSet<T>& kernel_set(Kind kind, const std::string& level);

}  // namespace ulpscope::compressor::kernels
