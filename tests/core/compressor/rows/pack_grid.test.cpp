// SPDX-License-Identifier: Apache-2.0
// Packs displaced to the lines of memory, by hand.
#include "core/compressor/rows/pack_grid.hpp"

#include <vector>

#include "precision/native.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor::rows;

namespace {
struct FourLanes {
  static constexpr int lanes = 4;
};
}  // namespace

TEST_CASE("each channel is stored by one pack, and whole packs begin where lines do") {
  for (const int channels : {4, 8, 12, 64}) {
    for (int shift = 0; shift < 4; ++shift) {
      const PackGrid<FourLanes> grid(channels, shift);
      std::vector<int> stored(static_cast<std::size_t>(channels), 0);
      for (int p = 0; p < grid.packs(); ++p) {
        INFO(channels << " channels, shift " << shift << ", pack " << p);
        const int first = grid.channel(p);
        REQUIRE((first >= 0 && first + 4 <= channels));
        const LaneRange own = grid.own(p);
        for (int lane = own.begin; lane < own.end; ++lane) ++stored.at(static_cast<std::size_t>(first + lane));
        if (grid.is_whole(p)) {
          CHECK(first % 4 == shift);
          CHECK(own.end - own.begin == 4);
        }
      }
      CHECK(stored == std::vector<int>(stored.size(), 1));
    }
  }
}

TEST_CASE("a displaced grid by hand: 12 channels whose lines begin at 3, 7 and 11") {
  const PackGrid<FourLanes> grid(12, 3);
  CHECK(grid.packs() == 4);
  CHECK(std::vector<int>{grid.channel(0), grid.channel(1), grid.channel(2), grid.channel(3)} ==
        std::vector<int>{0, 3, 7, 8});
  CHECK((grid.own(0).begin == 0 && grid.own(0).end == 3));
  CHECK((grid.own(3).begin == 3 && grid.own(3).end == 4));
}

TEST_CASE("some lanes of a pack are stored, and no others") {
  using V = precision::Pack<float, 8>;
  const V value{1, 2, 3, 4, 5, 6, 7, 8};
  for (int begin = 0; begin <= 8; ++begin) {
    for (int end = begin; end <= 8; ++end) {
      std::vector<float> values(8, 0);
      store_lanes(values.data(), value, {begin, end});
      for (int i = 0; i < 8; ++i) {
        const float expected = i >= begin && i < end ? static_cast<float>(i + 1) : 0;
        CHECK(values.at(static_cast<std::size_t>(i)) == expected);
      }
    }
  }
}
