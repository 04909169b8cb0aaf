// SPDX-License-Identifier: Apache-2.0
// Sweeps: a block of float patterns at a time, blocks dealt to threads; the first fault of the lowest pattern is told.
#include "app/selftest_floats.hpp"

#include <fmt/format.h>

#include <atomic>
#include <bit>
#include <cmath>
#include <future>
#include <thread>
#include <vector>

#include "precision/array_operations.hpp"
#include "precision/round_array.hpp"
#include "precision/rounding.hpp"
#include "precision/simd_level.hpp"
#include "precision/ulp.hpp"

namespace ulpscope::app {
namespace {

using Failure = std::optional<std::string>;
constexpr std::uint64_t all_patterns = std::uint64_t{1} << 32;
constexpr std::uint64_t block = 1 << 16;

/// The patterns first, first + stride, ...: with a large odd stride every binade is met.
std::vector<float> floats(std::uint64_t first, std::uint64_t stride, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = std::bit_cast<float>(static_cast<std::uint32_t>(first + stride * i));
  return values;
}

bool same(float a, double b) {
  return std::isnan(a) ? std::isnan(b) : static_cast<double>(a) == b && std::signbit(a) == std::signbit(b);
}

/// Runs `test` on every block, on all threads; gives the failure of the lowest block.
template <class Test>
Failure sweep(Thoroughness thoroughness, const Progress& progress, Test test) {
  const bool exhaustive = thoroughness == Thoroughness::exhaustive;
  const std::uint64_t blocks = exhaustive ? all_patterns / block : 4;
  const std::uint64_t stride = exhaustive ? 1 : 16381;  // odd: 4 * 2^16 * 16381 is about 2^32
  std::atomic<std::uint64_t> next = 0;
  const auto work = [&]() -> std::pair<std::uint64_t, Failure> {
    for (std::uint64_t b = next++; b < blocks; b = next++) {
      if (Failure failure = test(floats(b * block * stride, stride, block))) return {b, failure};
    }
    return {blocks, std::nullopt};
  };
  std::vector<std::future<std::pair<std::uint64_t, Failure>>> workers;
  for (unsigned t = 1; t < std::max(1U, std::thread::hardware_concurrency()); ++t)
    workers.push_back(std::async(std::launch::async, work));
  std::pair<std::uint64_t, Failure> first{blocks, std::nullopt};
  if (progress) progress(fmt::format("{} floats", blocks * block));
  const auto keep = [&](std::pair<std::uint64_t, Failure> found) {
    if (found.first < first.first) first = std::move(found);
  };
  keep(work());
  for (auto& worker : workers) keep(worker.get());
  return first.second;
}

}  // namespace

Failure rounding_of_floats(Thoroughness thoroughness, const Progress& progress) {
  for (const precision::Format& format : precision::formats()) {
    if (format.precision >= 24) continue;
    const auto test = [&](const std::vector<float>& from) -> Failure {
      std::vector<float> to(from.size());
      precision::round_array(from, to, format);
      for (std::size_t i = 0; i < from.size(); ++i) {
        const double expected = precision::round(static_cast<double>(from[i]), format);
        if (!same(to[i], expected))
          return fmt::format("{} of {:a} gives {:a}, expected {:a}", format.name, from[i], to[i], expected);
      }
      return std::nullopt;
    };
    if (auto failure = sweep(thoroughness, progress, test)) return failure;
  }
  return std::nullopt;
}

Failure exp_of_floats(Thoroughness thoroughness, const Progress& progress) {
  const auto level = precision::best_simd_level();
  const auto test = [&](const std::vector<float>& from) -> Failure {
    std::vector<float> to(from.size());
    precision::exp_array(level, from, to, precision::Exp::correct);
    for (std::size_t i = 0; i < from.size(); ++i) {
      // 64 bits of a library within 1 ulp decide, but where both ends round apart: then either neighbour passes.
      const long double exact = std::exp(static_cast<long double>(from[i]));
      const auto low = static_cast<float>(exact * (1 - 0x1p-62L));
      const auto high = static_cast<float>(exact * (1 + 0x1p-62L));
      const bool right = std::isnan(from[i]) ? std::isnan(to[i]) : to[i] == low || to[i] == high;
      if (!right) return fmt::format("exp({:a}) gives {:a}, expected {:a}", from[i], to[i], static_cast<float>(exact));
    }
    return std::nullopt;
  };
  return sweep(thoroughness, progress, test);
}

}  // namespace ulpscope::app
