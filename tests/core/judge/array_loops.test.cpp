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

TEMPLATE_TEST_CASE("rows are scaled and added in order; such sums have bounds", "", float, double) {
  const std::size_t width = judge::scaled_columns;
  const auto rows = test::normal_values<TestType>(9 * width, 4);
  std::vector<judge::ScaledRow<TestType>> terms;
  for (const std::uint32_t row : {1U, 2U, 5U, 8U})
    terms.push_back({static_cast<TestType>(row) / 3, row * static_cast<std::uint32_t>(width)});
  std::vector<TestType> expected(width, 2);
  for (std::size_t c = 0; c < width; ++c) {
    TestType sum = 0;
    for (const auto& term : terms) sum += term.factor * rows[term.first + c];
    expected[c] += sum;
  }
  for (const auto* loops : every_level<TestType>()) {
    std::vector<TestType> sums(width, 2);
    loops->add_scaled(terms.data(), terms.size(), rows.data(), sums.data());
    CHECK(sums == expected);
    std::vector<double> values(width);
    std::vector<double> errors(width);
    const auto norms = test::normal_values<double>(width, 6);
    loops->estimate({sums.data(), norms.data(), 0.75, 0x1p-20}, values.data(), errors.data());
    for (std::size_t c = 0; c < width; ++c) {
      CHECK(values[c] == static_cast<double>(expected[c]));
      CHECK(errors[c] == 0.75 * norms[c] + 0x1p-20);
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

TEMPLATE_TEST_CASE("kinds of magnitudes are counted and marked", "", float, double) {
  const TestType small = static_cast<TestType>(0x1p-14);
  for (const TestType clamp : {TestType{448}, std::numeric_limits<TestType>::infinity()}) {
    const auto values = mixed_values<TestType>(judge::count_block, small, clamp);
    judge::BlockCount expected;
    std::vector<std::uint64_t> marks(judge::count_block / 64);
    std::size_t place = 0;
    for (const TestType value : values) {
      const TestType magnitude = std::fabs(value);
      const bool clamped = std::isfinite(value) && magnitude >= clamp;
      expected.zero += magnitude == 0;
      expected.small += magnitude < small;
      expected.clamped += clamped;
      marks[place / 64] |= std::uint64_t{magnitude < small || clamped} << place % 64;
      ++place;
    }
    CHECK(expected.clamped == (clamp == 448 ? 18 : 0));
    for (const auto* loops : every_level<TestType>()) {
      const judge::BlockCount found = loops->count(values.data(), {bits_of(small), bits_of(clamp)});
      CHECK(found.zero == expected.zero);
      CHECK(found.small == expected.small);
      CHECK(found.clamped == expected.clamped);
      CHECK_FALSE(found.is_ordinary());
      std::vector<std::uint64_t> own(marks.size(), 7);
      loops->mark(values.data(), {bits_of(small), bits_of(clamp)}, own.data());
      CHECK(own == marks);
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

TEMPLATE_TEST_CASE("what meets a zero is counted and squared, finite or not", "", float, double) {
  const std::size_t count = 40;
  std::vector<TestType> values(count, 1);
  for (std::size_t i = 0; i < count; i += 2) values[i] = i % 4 == 0 ? TestType{0} : -TestType{0};
  auto exact = test::normal_values<double>(count, 5);
  exact[0] = std::nan("");
  exact[2] = std::numeric_limits<double>::infinity();
  exact[4] = 0;
  exact[7] = -std::numeric_limits<double>::infinity();
  judge::LostSums expected;
  for (std::size_t i = 0; i < count; ++i) {
    const double square = std::isfinite(exact[i]) ? exact[i] * exact[i] : 0;
    const std::size_t lane = i % judge::lost_lanes;
    expected.all[lane] += square;
    if (values[i] != 0) continue;
    expected.lost[lane] += square;
    expected.count[lane] += exact[i] != 0 && !std::isnan(exact[i]);
  }
  for (const auto* loops : every_level<TestType>()) {
    judge::LostSums sums;
    loops->add_lost(values.data(), exact.data(), count, sums);
    CHECK(sums.all == expected.all);
    CHECK(sums.lost == expected.lost);
    CHECK(sums.count == expected.count);
  }
}

namespace {

struct Loss {
  double value;
  double error;
  int step;  ///< -1: open; 9: no loss
};

/// A block whose `asked` places hold these; others hold something else.
void check_losses(const std::vector<Loss>& losses, const std::vector<std::size_t>& asked) {
  std::array<double, judge::loss_block> values;
  std::array<double, judge::loss_block> errors;
  values.fill(7);
  errors.fill(2);
  std::array<std::int64_t, judge::loss_steps> from{};
  judge::RareLosses expected;
  double squares = 0;
  std::uint64_t places = 0;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const Loss& loss = losses[i % losses.size()];
    const std::uint64_t bit = std::uint64_t{1} << asked[i];
    values[asked[i]] = loss.value;
    errors[asked[i]] = loss.error;
    places |= bit;
    if (loss.step == 3) expected.last |= bit;
    if (loss.step == -1) expected.open |= bit;
    if (loss.step < 0 || loss.step > 3) continue;
    for (std::size_t k = 0; k <= static_cast<std::size_t>(loss.step); ++k) ++from[k];
    squares += loss.value * loss.value;
  }
  for (const auto* loops : every_level<double>()) {
    judge::LossSums sums;
    sums.from[1][0] = 5;
    const judge::RareLosses rare = loops->tell_losses({values.data(), errors.data(), places}, {1, 2, 4}, sums);
    CHECK(rare.last == expected.last);
    CHECK(rare.open == expected.open);
    for (std::size_t k = 0; k < from.size(); ++k)
      CHECK(std::accumulate(sums.from[k].begin(), sums.from[k].end(), std::int64_t{0}) == from[k] + (k == 1 ? 5 : 0));
    CHECK(std::accumulate(sums.squares.begin(), sums.squares.end(), 0.0) == squares);  // eighths: exact
  }
}

}  // namespace

TEST_CASE("losses are told by their steps where both ends are of one step, of few values and of many") {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<Loss> losses{
      {0.5, 0, 0},   {1, 0, 0},    {1.25, 0, 1},     {-1.25, 0, 1},        {-2.5, 0, 2},      {3, 0.5, 2},
      {3, 1.5, -1},  {5, 0.5, 3},  {-5, 1.5, -1},    {-6, 1, 3},           {0, 0, 9},         {0, 0.125, -1},
      {0.5, 1, -1},  {-0.5, 0, 0}, {infinity, 0, 9}, {std::nan(""), 0, 9}, {1, infinity, -1}, {2, std::nan(""), -1},
      {1.5, 0.5, -1}};
  for (std::size_t turn = 0; turn < losses.size(); ++turn) {
    std::vector<Loss> turned = losses;
    std::rotate(turned.begin(), turned.begin() + static_cast<std::ptrdiff_t>(turn), turned.end());
    for (const std::size_t count : {1, 2, 3, 4, 5, 8, 9, 16, 17, 40, 64}) {
      INFO(count << " from " << turn);
      std::vector<std::size_t> ends;
      for (std::size_t i = 0; i < count; ++i) ends.push_back(i * 63 / std::max<std::size_t>(count - 1, 1));
      check_losses(turned, ends);  // spread over the block, both ends included
    }
  }
}
