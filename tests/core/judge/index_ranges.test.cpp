// SPDX-License-Identifier: Apache-2.0
// Index ranges against lists of indices.
#include "core/judge/index_ranges.hpp"

#include "tests/support/catch.hpp"

using namespace ulpscope;

TEST_CASE("neighbours are joined; size, first, membership and order are those of the list") {
  judge::IndexRanges set;
  CHECK(set.empty());
  CHECK_FALSE(set.contains(0));
  for (const std::size_t i : {2, 3, 7}) set.add(i);
  set.add(8, 12);
  REQUIRE(set.ranges().size() == 2);
  CHECK(set.size() == 7);
  CHECK(set.front() == 2);
  const std::vector<std::size_t> expected{2, 3, 7, 8, 9, 10, 11};
  std::vector<std::size_t> seen;
  set.for_each([&](std::size_t i) { seen.push_back(i); });
  CHECK(seen == expected);
  for (std::size_t i = 0; i < 14; ++i)
    CHECK(set.contains(i) == (std::find(expected.begin(), expected.end(), i) != expected.end()));
  const judge::IndexRanges odd = set.where([](std::size_t i) { return i % 2 == 1; });
  CHECK(odd.size() == 4);
  CHECK(odd.ranges().size() == 4);
  CHECK(odd.contains(11));
  CHECK_FALSE(odd.contains(10));
}
