// SPDX-License-Identifier: Apache-2.0
// The sizes of launches.
#include "gpu/grid.hpp"

#include <algorithm>

namespace ulpscope::gpu {

Grid plan_grid(std::size_t items, std::size_t scratch_per_thread, const GridLimits& limits) {
  Grid grid{1, std::max(limits.threads, 1U)};
  const auto scratch = [&] { return scratch_per_thread * grid.threads; };
  while (grid.threads > 1 && scratch() > limits.scratch) grid.threads /= 2;
  const std::size_t wanted = (items + grid.threads - 1) / grid.threads;
  const std::size_t fitting = scratch() == 0 ? wanted : limits.scratch / scratch();
  const std::size_t blocks = std::min({wanted, fitting, std::size_t{limits.blocks}});
  grid.blocks = static_cast<unsigned>(std::max<std::size_t>(blocks, 1));
  return grid;
}

}  // namespace ulpscope::gpu
