// SPDX-License-Identifier: Apache-2.0
// Launches by hand: items, limits of blocks, scratch that does not fit.
#include "gpu/grid.hpp"

#include <vector>

#include "tests/support/catch.hpp"

using namespace ulpscope::gpu;

TEST_CASE("a grid has a thread for every item, in whole blocks") {
  const GridLimits limits{128, 1000, 0};
  CHECK(plan_grid(1, 0, limits).blocks == 1);
  CHECK(plan_grid(128, 0, limits).blocks == 1);
  CHECK(plan_grid(129, 0, limits).blocks == 2);
  CHECK(plan_grid(129, 0, limits).threads == 128);
  CHECK(plan_grid(0, 0, limits).blocks == 1);
}

TEST_CASE("a grid keeps to the limit of blocks, and its threads take several items") {
  const Grid grid = plan_grid(1000000, 0, {64, 10, 0});
  CHECK(grid.blocks == 10);
  CHECK(grid.size() == 640);
}

TEST_CASE("a grid has as many blocks as have scratch, then fewer threads, and at least one") {
  CHECK(plan_grid(100000, 100, {128, 1000, 128 * 100 * 7 + 50}).blocks == 7);
  const Grid small = plan_grid(100000, 100, {128, 1000, 3300});
  CHECK(small.blocks == 1);
  CHECK(small.threads == 32);
  const Grid none = plan_grid(100000, 100, {128, 1000, 10});
  CHECK(none.blocks == 1);
  CHECK(none.threads == 1);
}

TEST_CASE("every value of scratch is one thread's") {
  const Grid grid{3, 4};
  constexpr std::size_t rows = 5;
  std::vector<int> owners(grid.size() * rows, 0);
  for (unsigned block = 0; block < grid.blocks; ++block) {
    for (unsigned lane = 0; lane < grid.threads; ++lane) {
      const std::size_t first = scratch_place(grid, {block, lane}, rows);
      for (std::size_t row = 0; row < rows; ++row) ++owners.at(first + row * grid.threads);
    }
  }
  CHECK(owners == std::vector<int>(grid.size() * rows, 1));
}

TEST_CASE("every item is one thread's") {
  const Grid grid{3, 4};
  std::vector<int> visits(29, 0);
  for (unsigned block = 0; block < grid.blocks; ++block) {
    for (unsigned lane = 0; lane < grid.threads; ++lane) {
      for (std::size_t i = grid.index({block, lane}); i < visits.size(); i += grid.size()) ++visits[i];
    }
  }
  CHECK(visits == std::vector<int>(29, 1));
}
