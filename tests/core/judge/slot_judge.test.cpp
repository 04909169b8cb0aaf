// SPDX-License-Identifier: Apache-2.0
// The replay rule by hand: one ulp, the freedom of a sum, and how many elements may lean on it.
#include "core/judge/slot_judge.hpp"

#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;

namespace {

/// 1000 elements of bf16 that should be 1; the first `moved` are `ulps` ulps above, and d admits 4 of them.
std::size_t failing(std::size_t moved, double ulps, double cap) {
  const judge::Ruler ruler(precision::parse_format("bf16"));
  const double ulp = 0x1p-7;
  const compressor::Shape shape{1000};
  std::vector<double> found(1000, 1);
  for (std::size_t i = 0; i < moved; ++i) found[i] += ulps * ulp;
  const std::vector<double> ones(1000, 1);
  judge::Replayed replayed{{shape, ones, io::DType::f64},          {},
                           std::vector<double>(1000, 4 * ulp),     std::vector<double>(1000, 1 - 4 * ulp),
                           std::vector<double>(1000, 1 + 4 * ulp), cap};
  judge::Row row;
  const auto elements = judge::judge_replay(row, {shape, found, io::DType::f64}, replayed, ruler);
  CHECK(row.replay->ambiguous == 1);
  CHECK(row.replay->bits_equal == static_cast<double>(1000 - moved) / 1000);
  return elements.size();
}

}  // namespace

TEST_CASE("at most 1% of a slot may be more than an ulp off by grace of an ambiguous freedom") {
  CHECK(failing(10, 3, 0.01) == 0);
  CHECK(failing(11, 3, 0.01) == 11);
  CHECK(failing(1000, 3, 1) == 0);     // storage as fine as the accumulator: no cap
  CHECK(failing(1000, 1, 0.01) == 0);  // within one ulp nobody leans on the freedom
  CHECK(failing(1, 6, 0.01) == 1);     // beyond one ulp and the freedom
}

TEST_CASE("the cap holds for sums that are stored coarser than they are added") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto cap = [&](const char* name, const char* slot) {
    const auto recipe = compressor::load_recipe(name);
    const auto dump = test::own_dump(problem, recipe);
    return judge::Replayer(problem, recipe, dump.tape, 1).replay(compressor::parse_slot(slot)).leaning_cap;
  };
  CHECK(cap("hf", "kv") == 0.01);
  CHECK(cap("hf", "grad.w_kv") == 0.01);
  CHECK(cap("fp32", "kv") == 1);
}

TEST_CASE("elements of some rows are found in the whole slot") {
  using Elements = std::vector<std::size_t>;
  CHECK(judge::whole_elements({0, 3, 7}, {2, 2, 2}, {2, 2, 2}) == Elements{0, 3, 7});
  CHECK(judge::whole_elements({0, 3, 4, 7}, {2, 2, 2}, {2, 5, 2}) == Elements{0, 3, 10, 13});
  CHECK(judge::whole_elements({0, 3, 4, 7}, {2, 2, 2}, {2, 5, 2}, 3) == Elements{6, 9, 16, 19});
  CHECK(judge::whole_elements({0, 1}, {6}, {6}) == Elements{0, 1});
}
