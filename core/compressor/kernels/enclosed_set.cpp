// SPDX-License-Identifier: Apache-2.0
// Which level's enclosing kernels this machine runs.
#include "core/compressor/kernels/enclosed_set.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "core/compressor/kernels/kernel_sets.hpp"
#include "kernel_levels.hpp"

namespace ulpscope::compressor::kernels {

using EnclosedSet = KernelSet<precision::Enclosed>;

#define ULPSCOPE_DECLARE_ENCLOSED(level) EnclosedSet enclosed_##level();
ULPSCOPE_EACH_KERNEL_LEVEL(ULPSCOPE_DECLARE_ENCLOSED)
#undef ULPSCOPE_DECLARE_ENCLOSED

const EnclosedSet& enclosed_kernels() {
#define ULPSCOPE_ENCLOSED_SET(level) enclosed_##level(),
  static const std::vector<EnclosedSet> compiled{ULPSCOPE_EACH_KERNEL_LEVEL(ULPSCOPE_ENCLOSED_SET)};
#undef ULPSCOPE_ENCLOSED_SET
  const auto best =
      std::find_if(compiled.rbegin(), compiled.rend(), [](const EnclosedSet& set) { return runs_here(set.level); });
  if (best == compiled.rend()) throw std::runtime_error("enclosures: no compiled SIMD level runs on this machine");
  return *best;
}

}  // namespace ulpscope::compressor::kernels
