// SPDX-License-Identifier: Apache-2.0
// Every compiled kernel set, and which one this machine runs best.
#include "core/compressor/kernels/kernel_sets.hpp"

#include <algorithm>

#include "core/io/error.hpp"
#include "kernel_levels.hpp"
#include "precision/simd_level.hpp"

namespace ulpscope::compressor::kernels {

#define ULPSCOPE_DECLARE_LEVEL(level)        \
  KernelSet<float> native_float_##level();   \
  KernelSet<double> native_double_##level(); \
  KernelSet<float> emulated_float_##level(); \
  KernelSet<double> emulated_double_##level();
ULPSCOPE_DECLARE_LEVEL(scalar)
ULPSCOPE_EACH_KERNEL_LEVEL(ULPSCOPE_DECLARE_LEVEL)
#undef ULPSCOPE_DECLARE_LEVEL

namespace {

struct Level {
  std::string name;
  KernelSet<float> native_float;
  KernelSet<double> native_double;
  KernelSet<float> emulated_float;
  KernelSet<double> emulated_double;
};

/// Compiled levels that this machine runs, slowest first.
const std::vector<Level>& levels() {
#define ULPSCOPE_LEVEL_SETS(level) \
  Level{#level, native_float_##level(), native_double_##level(), emulated_float_##level(), emulated_double_##level()},
  static const std::vector<Level> runnable = [] {
    std::vector<Level> compiled{ULPSCOPE_LEVEL_SETS(scalar) ULPSCOPE_EACH_KERNEL_LEVEL(ULPSCOPE_LEVEL_SETS)};
    std::erase_if(compiled, [](const Level& level) { return !runs_here(level.name); });
    return compiled;
  }();
#undef ULPSCOPE_LEVEL_SETS
  return runnable;
}

const Level& level_named(const std::string& name) {
  if (name.empty()) return levels().back();
  const auto found =
      std::find_if(levels().begin(), levels().end(), [&](const Level& level) { return level.name == name; });
  if (found != levels().end()) return *found;
  std::string known;
  for (const std::string& level : simd_levels()) known += (known.empty() ? "" : " ") + level;
  throw InputError("unknown SIMD level '" + name + "'; this machine runs: " + known);
}

}  // namespace

bool runs_here(std::string_view level) {
  const precision::SimdLevel best = precision::best_simd_level();
  if (level == "v4") return best >= precision::SimdLevel::v4;
  return level != "v3" || best >= precision::SimdLevel::v3;
}

std::vector<std::string> simd_levels() {
  std::vector<std::string> names;
  for (const Level& level : levels()) names.push_back(level.name);
  return names;
}

template <>
const KernelSet<float>& kernel_set<float>(Kind kind, const std::string& level) {
  const Level& sets = level_named(level);
  return kind == Kind::native_float ? sets.native_float : sets.emulated_float;
}

template <>
const KernelSet<double>& kernel_set<double>(Kind kind, const std::string& level) {
  const Level& sets = level_named(level);
  return kind == Kind::native_double ? sets.native_double : sets.emulated_double;
}

}  // namespace ulpscope::compressor::kernels
