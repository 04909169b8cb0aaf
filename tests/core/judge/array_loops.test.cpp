// SPDX-License-Identifier: Apache-2.0
// Loops over arrays against plain ones, and level by level: the same numbers.
#include "core/judge/array_loops.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using judge::ArrayLoops;
using precision::SimdLevel;

namespace {

template <class T>
std::vector<const ArrayLoops<T>*> every_level() {
  std::vector<const ArrayLoops<T>*> all;
  for (const SimdLevel level : {SimdLevel::v2, SimdLevel::v3, SimdLevel::v4}) {
    if (level <= precision::best_simd_level()) all.push_back(&judge::array_loops<T>(level));
  }
  return all;
}

/// Ordinary, small, zero and clamped values, infinities and NaN.
template <class T>
std::vector<T> mixed_values(std::size_t count, T small, T clamp) {
  std::vector<T> values = test::normal_values<T>(count, 31);
  const T odd[] = {0,
                   -T{0},
                   small / 2,
                   -small / 2,
                   small,
                   clamp,
                   -clamp,
                   std::numeric_limits<T>::infinity(),
                   std::numeric_limits<T>::quiet_NaN()};
  for (std::size_t i = 0; i < count; i += 3) values[i] = odd[i / 3 % std::size(odd)];
  return values;
}

template <class T>
judge::Bits<T> bits_of(T value) {
  return std::bit_cast<judge::Bits<T>>(value);
}

}  // namespace

TEMPLATE_TEST_CASE("parts of lines are multiplied and added in lanes, those of some lines together", "", float,
                   double) {
  const std::size_t others = 5;
  const auto line = test::normal_values<TestType>(judge::part_terms, 1);
  const auto values = test::normal_values<TestType>(others * judge::part_terms, 2);
  const std::vector<std::uint8_t> places{0, 2, 4, 1, 3};
  std::vector<TestType> expected(places.size() * judge::sum_lanes, 1);
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::array<TestType, judge::part_lanes> lanes{};
    for (std::size_t k = 0; k < judge::part_terms; ++k)
      lanes[k % lanes.size()] += line[k] * values[places[i] * judge::part_terms + k];
    for (std::size_t half = lanes.size() / 2; half >= judge::sum_lanes; half /= 2) {
      for (std::size_t k = 0; k < half; ++k) lanes[k] += lanes[k + half];
    }
    for (std::size_t k = 0; k < judge::sum_lanes; ++k) expected[i * judge::sum_lanes + k] += lanes[k];
  }
  for (const auto* loops : every_level<TestType>()) {
    for (std::size_t count = 1; count <= places.size(); ++count) {
      std::vector<TestType> sums(expected.size(), 1);
      loops->add_parts({line.data(), values.data(), places.data(), count}, sums.data());
      const auto end = expected.begin() + static_cast<std::ptrdiff_t>(count * judge::sum_lanes);
      CHECK(std::equal(expected.begin(), end, sums.begin()));
      CHECK(std::all_of(sums.begin() + (end - expected.begin()), sums.end(), [](TestType x) { return x == 1; }));
    }
  }
}

TEMPLATE_TEST_CASE("a square is turned", "", float, double) {
  const std::size_t row = judge::turned_side + 3;
  std::vector<TestType> from(judge::turned_side * row);
  std::iota(from.begin(), from.end(), TestType{0});
  for (const auto* loops : every_level<TestType>()) {
    std::vector<TestType> to(judge::turned_side * judge::part_terms, -1);
    loops->turn(from.data(), row, to.data());
    for (std::size_t i = 0; i < judge::turned_side; ++i) {
      for (std::size_t k = 0; k < judge::part_terms; ++k) {
        const TestType expected = k < judge::turned_side ? from[k * row + i] : TestType{-1};
        if (to[i * judge::part_terms + k] != expected) FAIL(i << ", " << k);
      }
    }
  }
}

TEMPLATE_TEST_CASE("kinds of magnitudes are counted and flagged", "", float, double) {
  const TestType small = static_cast<TestType>(0x1p-14);
  for (const TestType clamp : {TestType{448}, std::numeric_limits<TestType>::infinity()}) {
    const auto values = mixed_values<TestType>(judge::count_block, small, clamp);
    judge::BlockCount expected;
    std::vector<std::uint8_t> flags;
    for (const TestType value : values) {
      const TestType magnitude = std::fabs(value);
      const bool clamped = std::isfinite(value) && magnitude >= clamp;
      expected.zero += magnitude == 0;
      expected.small += magnitude < small;
      expected.clamped += clamped;
      flags.push_back(magnitude < small || clamped ? 1 : 0);
    }
    CHECK(expected.clamped == (clamp == 448 ? 18 : 0));
    for (const auto* loops : every_level<TestType>()) {
      const judge::BlockCount found = loops->count(values.data(), {bits_of(small), bits_of(clamp)});
      CHECK(found.zero == expected.zero);
      CHECK(found.small == expected.small);
      CHECK(found.clamped == expected.clamped);
      CHECK_FALSE(found.is_ordinary());
      std::vector<std::uint8_t> own(judge::count_block, 7);
      loops->flag(values.data(), {bits_of(small), bits_of(clamp)}, own.data());
      CHECK(own == flags);
      const std::vector<TestType> ones(judge::count_block, 1);
      CHECK(loops->count(ones.data(), {bits_of(small), bits_of(clamp)}).is_ordinary());
    }
  }
}

TEMPLATE_TEST_CASE("squares of finite values are added in doubles, those of rows and columns in their own format", "",
                   float, double) {
  const std::size_t count = 3 * judge::square_lanes;
  const auto values = mixed_values<TestType>(count, static_cast<TestType>(0x1p-14), TestType{448});
  std::vector<double> expected(judge::square_lanes, 0.5);
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<double>(values[i]);
    if (std::isfinite(value)) expected[i % expected.size()] += value * value;
  }
  const auto row = test::normal_values<TestType>(count, 3);
  std::vector<TestType> columns(count, 2);
  std::vector<TestType> lanes(judge::row_lanes, 0);
  for (std::size_t i = 0; i < count; ++i) {
    columns[i] += row[i] * row[i];
    lanes[i % lanes.size()] += row[i] * row[i];
  }
  for (const auto* loops : every_level<TestType>()) {
    std::vector<double> sums(judge::square_lanes, 0.5);
    loops->add_squares(values.data(), count, sums.data());
    CHECK(sums == expected);
    std::vector<TestType> own_columns(count, 2);
    std::vector<TestType> own_lanes(judge::row_lanes, 0);
    loops->add_row_squares(row.data(), count, own_columns.data(), own_lanes.data());
    CHECK(own_columns == columns);
    CHECK(own_lanes == lanes);
  }
}
