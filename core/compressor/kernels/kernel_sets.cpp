// SPDX-License-Identifier: Apache-2.0
// Every compiled kernel set, and which one this machine runs best.
#include "core/compressor/kernels/kernel_sets.hpp"

#include <algorithm>
#include <array>

#include "core/io/error.hpp"
#include "precision/simd_level.hpp"

namespace ulpscope::compressor::kernels {

#define ULPSCOPE_DECLARE_LEVEL(level)        \
  KernelSet<float> native_float_##level();   \
  KernelSet<double> native_double_##level(); \
  KernelSet<float> emulated_float_##level(); \
  KernelSet<double> emulated_double_##level();
ULPSCOPE_DECLARE_LEVEL(scalar)
ULPSCOPE_DECLARE_LEVEL(v2)
ULPSCOPE_DECLARE_LEVEL(v3)
ULPSCOPE_DECLARE_LEVEL(v4)
#undef ULPSCOPE_DECLARE_LEVEL

namespace {

constexpr std::array<const char*, 4> level_names{"scalar", "v2", "v3", "v4"};

template <class T>
using Sets = std::array<KernelSet<T>, 4>;

/// The plain code is below the first of precision's levels.
std::size_t best_level() { return 1 + static_cast<std::size_t>(precision::best_simd_level()); }

std::size_t level_index(const std::string& level) {
  const std::size_t best = best_level();
  if (level.empty()) return best;
  for (std::size_t i = 0; i <= best; ++i) {
    if (level == level_names[i]) return i;
  }
  std::string known;
  for (const std::string& name : simd_levels()) known += (known.empty() ? "" : " ") + name;
  throw InputError("unknown SIMD level '" + level + "'; this machine runs: " + known);
}

}  // namespace

std::vector<std::string> simd_levels() {
  return {level_names.begin(), level_names.begin() + static_cast<std::ptrdiff_t>(best_level()) + 1};
}

template <>
const KernelSet<float>& kernel_set<float>(Kind kind, const std::string& level) {
  static const Sets<float> native{native_float_scalar(), native_float_v2(), native_float_v3(), native_float_v4()};
  static const Sets<float> emulated{emulated_float_scalar(), emulated_float_v2(), emulated_float_v3(),
                                    emulated_float_v4()};
  return (kind == Kind::native_float ? native : emulated)[level_index(level)];
}

template <>
const KernelSet<double>& kernel_set<double>(Kind kind, const std::string& level) {
  static const Sets<double> native{native_double_scalar(), native_double_v2(), native_double_v3(), native_double_v4()};
  static const Sets<double> emulated{emulated_double_scalar(), emulated_double_v2(), emulated_double_v3(),
                                     emulated_double_v4()};
  return (kind == Kind::native_double ? native : emulated)[level_index(level)];
}

}  // namespace ulpscope::compressor::kernels
