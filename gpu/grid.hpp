// SPDX-License-Identifier: Apache-2.0
// How many threads a launch has, and which items are a thread's: results depend on neither.
#pragma once

#include <cstddef>

#include "precision/lanes_core.hpp"

namespace ulpscope::gpu {

/// One thread of a grid.
struct Thread {
  unsigned block = 0;
  unsigned lane = 0;  ///< in its block
};

struct Grid {
  unsigned blocks = 1;
  unsigned threads = 1;  ///< of a block
  ULPSCOPE_HD std::size_t size() const { return std::size_t{blocks} * threads; }
  ULPSCOPE_HD std::size_t index(const Thread& thread) const {
    return std::size_t{thread.block} * threads + thread.lane;
  }
};

/// Where a thread's scratch of `rows` values begins in that of all threads; its next row is `grid.threads` values on,
/// so that neighbours' values are neighbours.
ULPSCOPE_HD inline std::size_t scratch_place(const Grid& grid, const Thread& thread, std::size_t rows) {
  return std::size_t{thread.block} * rows * grid.threads + thread.lane;
}

struct GridLimits {
  unsigned threads = 128;                        ///< of a block, at most; a power of two
  unsigned blocks = 2048;                        ///< at most
  std::size_t scratch = std::size_t{256} << 20;  ///< bytes of all threads together
};

/// A thread for every item where the limits allow it, else fewer, each with several items; whole blocks. Blocks become
/// smaller than 32 threads only where a single one's scratch is beyond the limit.
Grid plan_grid(std::size_t items, std::size_t scratch_per_thread, const GridLimits& limits);

}  // namespace ulpscope::gpu
