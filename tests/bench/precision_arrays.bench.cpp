// SPDX-License-Identifier: Apache-2.0
// Rounding, exponentials and emulated operations on arrays in the L2 cache, at every SIMD level, beside a copy.
// Items per second; each case checks its answer against scalar code before it is timed.
#include <benchmark/benchmark.h>

#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "precision/array_operations.hpp"
#include "precision/elementary.hpp"
#include "precision/emulated.hpp"
#include "precision/round_array.hpp"
#include "tests/support/random.hpp"

namespace {

using namespace ulpscope;
using namespace ulpscope::precision;

constexpr std::size_t count = 65536;

std::vector<SimdLevel> levels() {
  std::vector<SimdLevel> all;
  for (const SimdLevel level : {SimdLevel::v2, SimdLevel::v3, SimdLevel::v4}) {
    if (level <= best_simd_level()) all.push_back(level);
  }
  return all;
}
std::string level_name(SimdLevel level) { return "v" + std::to_string(static_cast<int>(level) + 2); }

/// Times `compute(to)` after comparing its result with `expected`, bit for bit.
template <class F>
void time_checked(benchmark::State& state, const std::vector<float>& expected, F compute) {
  std::vector<float> to(expected.size());
  compute(to);
  if (std::memcmp(to.data(), expected.data(), to.size() * sizeof(float)) != 0)
    return state.SkipWithError("wrong answer");
  for (auto _ : state) {
    compute(to);
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(to.size()));
}

template <class F>
std::vector<float> mapped(const std::vector<float>& from, F f) {
  std::vector<float> to;
  for (const float x : from) to.push_back(f(x));
  return to;
}

void register_copy(const std::vector<float>& from) {
  benchmark::RegisterBenchmark("copy", [&from](benchmark::State& state) {
    time_checked(state, from,
                 [&](std::vector<float>& to) { std::memcpy(to.data(), from.data(), to.size() * sizeof(float)); });
  });
}

void register_rounding(const std::vector<float>& from) {
  for (const char* name : {"tf32", "bf16", "fp16", "e4m3fn", "e5m2", "e2m1", "fp16:rz"}) {
    for (const SimdLevel level : levels()) {
      benchmark::RegisterBenchmark(
          ("round/" + std::string(name) + "/" + level_name(level)).c_str(),
          [&from, name, level](benchmark::State& state) {
            const Format format = parse_format(name);
            const auto expected = mapped(from, [&](float x) { return static_cast<float>(round(double{x}, format)); });
            time_checked(state, expected, [&](std::vector<float>& to) { round_array_at(level, from, to, format); });
          });
    }
  }
}

void register_exponentials(const std::vector<float>& from) {
  for (const std::string_view name : exp_names()) {
    for (const SimdLevel level : levels()) {
      benchmark::RegisterBenchmark(("exp/" + std::string(name) + "/" + level_name(level)).c_str(),
                                   [&from, name, level](benchmark::State& state) {
                                     const Exp variant = parse_exp(name);
                                     const auto expected = mapped(from, [&](float x) { return exp_fp32(x, variant); });
                                     time_checked(state, expected,
                                                  [&](std::vector<float>& to) { exp_array(level, from, to, variant); });
                                   });
    }
  }
}

void register_operations(const std::vector<float>& from) {
  for (const char* name : {"fp32", "bf16", "fp16", "bf16:rz"}) {
    for (const Operands operands : {Operands::of_the_format, Operands::any}) {
      const std::string kind = operands == Operands::any ? "/any" : "/own";
      benchmark::RegisterBenchmark(
          ("add/" + std::string(name) + kind).c_str(), [&from, name, operands](benchmark::State& state) {
            const Format format = parse_format(name);
            const Emulated<float> scalar(format, Operands::any);
            const auto x = mapped(from, [&](float y) { return scalar.round(y); });
            const auto expected = mapped(x, [&](float y) { return scalar.add(y, y); });
            const ArrayOperation<float> sum{Operator::add, x, x, x, format, operands};
            time_checked(state, expected, [&](std::vector<float>& to) { apply(best_simd_level(), sum, to); });
          });
    }
  }
}

const std::vector<float>& normal_data() {
  static const std::vector<float> data = test::normal_values<float>(count, 1, 3.0);
  return data;
}

const bool registered = [] {
  register_copy(normal_data());
  register_rounding(normal_data());
  register_exponentials(normal_data());
  register_operations(normal_data());
  return true;
}();

}  // namespace

BENCHMARK_MAIN();
