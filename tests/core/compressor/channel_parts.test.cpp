// SPDX-License-Identifier: Apache-2.0
// Rows in parts by hand, and a run whose channels say which part they are in.
#include "core/compressor/channel_parts.hpp"

#include <string>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/run.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

namespace {

SlotArithmetic slot_with(const char* summation, const char* exp) {
  SlotArithmetic slot;
  slot.summation = precision::parse_summation(summation);
  slot.exp = precision::parse_exp_choice(exp);
  return slot;
}

/// "[0,64) cascade:1; [64,80) cascade:4"
std::string told(const std::vector<ColumnPart>& parts) {
  std::string text;
  for (const ColumnPart& part : parts) {
    text += (text.empty() ? "[" : "; [") + std::to_string(part.first) + "," + std::to_string(part.last) + ") " +
            precision::to_string(part.arithmetic.summation);
  }
  return text;
}

}  // namespace

TEST_CASE("columns have one part where their order is one, else two, wherever they stand in their row") {
  const SlotArithmetic blocked = slot_with("blocked:16,16", "correct"), torch = slot_with("torch_rows:8", "correct");
  CHECK(told(column_parts(blocked, {0, 80}, 80)) == "[0,80) blocked:16,16");
  CHECK(told(column_parts(torch, {0, 80}, 80)) == "[0,64) cascade:1; [64,80) cascade:4");
  CHECK(told(column_parts(torch, {0, 64}, 64)) == "[0,64) cascade:1");
  CHECK(told(column_parts(torch, {0, 20}, 20)) == "[0,20) cascade:4");
  CHECK(told(column_parts(torch, {40, 60}, 80)) == "[40,60) cascade:1");
  CHECK(told(column_parts(torch, {60, 80}, 80)) == "[60,64) cascade:1; [64,80) cascade:4");
}

TEST_CASE("channels have a part for every change of what the slots of a phase do") {
  SlotArithmetics all;
  const std::vector<Slot> slots{forward(Name::exp), forward(Name::pooled)};
  all[slots[0].index()] = slot_with("sequential", "sleef_u10:16:glibc");
  all[slots[1].index()] = slot_with("torch_rows:16", "correct");
  const auto parts = channel_parts(all, slots, 90);
  REQUIRE(parts.size() == 3);
  const auto check = [&](std::size_t i, const ColumnPart& expected) {
    CHECK(parts[i].first == expected.first);
    CHECK(parts[i].last == expected.last);
    CHECK(parts[i].arithmetic[slots[1].index()].summation == expected.arithmetic.summation);
    CHECK(parts[i].arithmetic[slots[0].index()].exp == expected.arithmetic.exp);
  };
  check(0, {{0, 64}, slot_with("cascade:1", "sleef_u10")});
  check(1, {{64, 80}, slot_with("cascade:4", "sleef_u10")});
  check(2, {{80, 90}, slot_with("cascade:4", "glibc")});
  CHECK(channel_parts(all, {slots.data(), 1}, 96).size() == 1);
}

TEST_CASE("a run's channels take the order and the exponential of their part, on any number of threads") {
  Config config = test::small_problems().front().problem.config;
  config.head_dim = 90;
  config.rope.reset();
  const Problem problem = make_problem(config, {});
  const Recipe by_width =
      test::with_settings(load_recipe("fp32"), {"pool.summation=torch_rows:8", "softmax.exp=sleef_u10:16:cuda_fast"});
  const auto run = [&](const std::vector<std::string>& settings, int threads) {
    RunOptions options;
    options.threads = threads;
    return run_traced(problem, test::with_settings(load_recipe("fp32"), settings), options);
  };
  RunOptions options;
  options.threads = 2;
  const Run mixed = run_traced(problem, by_width, options);
  const auto same_channels = [&](const Run& other, Slot slot, const Columns& channels) {
    const Tensor& ours = mixed.tape.find(slot)->tensor;
    const Tensor& theirs = other.tape.find(slot)->tensor;
    for (std::size_t row = 0; row < element_count(ours.shape) / 90; ++row) {
      for (std::size_t c = channels.first; c < channels.last; ++c) {
        if (ours.at(row * 90 + c) != theirs.at(row * 90 + c)) return false;
      }
    }
    return true;
  };
  const Run whole = run({"pool.summation=cascade:1", "softmax.exp=sleef_u10"}, 1);
  const Run beyond = run({"pool.summation=cascade:4", "softmax.exp=sleef_u10"}, 1);
  const Run last = run({"pool.summation=cascade:4", "softmax.exp=cuda_fast"}, 1);
  const Slot pooled = forward(Name::pooled), exp = forward(Name::exp);
  CHECK(same_channels(whole, pooled, {0, 64}));
  CHECK(same_channels(beyond, pooled, {64, 80}));
  CHECK(same_channels(last, pooled, {80, 90}));
  CHECK(same_channels(whole, exp, {0, 80}));
  CHECK(same_channels(last, exp, {80, 90}));
  CHECK(!same_channels(whole, exp, {80, 90}));
}
