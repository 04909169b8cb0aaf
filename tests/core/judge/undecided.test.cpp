// SPDX-License-Identifier: Apache-2.0
// Tolerances against enclosures, by hand.
#include "core/judge/undecided.hpp"

#include <cmath>

#include "precision/formats.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::judge;
using ulpscope::compressor::Shape;
using ulpscope::compressor::Tensor;
using ulpscope::io::DType;

namespace {

Tensor tensor(std::vector<double> values) {
  const Shape shape{values.size()};
  return {shape, std::move(values), DType::f64};
}
Enclosure enclosure(std::vector<double> value, std::vector<double> radius) {
  const Shape shape{value.size()};
  return {shape, std::move(value), {}, std::move(radius)};
}
const Ruler ruler{ulpscope::precision::parse_format("fp32")};
constexpr double endless = HUGE_VAL;

}  // namespace

TEST_CASE("an element passes for all values of its truth, fails for all, or is undecided") {
  Tolerance tolerance;
  tolerance.atol = 0.5;
  // |1 - t| <= 0.5: t in [0.9, 1.1], [1.4, 1.6], [1.6, 1.8], [-1, 3] (some of it, ends excepted), any real number.
  const Enclosure truth = enclosure({1, 1.5, 1.7, 1, 0}, {0.1, 0.1, 0.05, 2, endless});
  const Judged judged = judge_tolerance(tensor({1, 1, 1, 1, 1}), truth, tolerance, ruler);
  CHECK(judged.failing == std::vector<std::size_t>{2});
  CHECK(judged.undecided == 3);
}

TEST_CASE("a tail moves the truth by less than its value's last place, and decides") {
  Tolerance tolerance;
  tolerance.atol = 0x1p-30;
  Enclosure truth = enclosure({1, 1}, {0, 0});
  truth.tail = {0x1p-60, -0x1p-60};
  CHECK(judge_tolerance(tensor({1, 1 + 0x1p-29}), truth, tolerance, ruler).failing == std::vector<std::size_t>{1});
}

TEST_CASE("classes: equal infinities pass, a NaN fails unless asked for, nothing known of a class is undecided") {
  Tolerance tolerance;
  tolerance.atol = 1;
  const double nan = std::nan("");
  const Judged judged =
      judge_tolerance(tensor({endless, nan, 1}), enclosure({endless, nan, endless}, {0, 0, 0}), tolerance, ruler);
  CHECK(judged.failing == std::vector<std::size_t>{1, 2});
  const Radii radii = radii_of(enclosure({1, 0, nan}, {0.25, endless, endless}));
  CHECK(radii.max_radius == 0.25);
  CHECK(radii.unbounded == 2);
}

TEST_CASE("0 passes for what is positive below every format, whatever the tolerance") {
  Tolerance tolerance;
  tolerance.rtol = 1e-3;
  const Enclosure tiny = enclosure({0x1p-1074, 0x1p-1000}, {0x1p-1074, 0});
  CHECK(judge_tolerance(tensor({0, 0}), tiny, tolerance, ruler).failing == std::vector<std::size_t>{1});
}

TEST_CASE("a row with an element that has no bound keeps no metrics and says why") {
  Row row;
  row.metrics.emplace();
  leave_undecided(row, {});
  CHECK(row.metrics);
  leave_undecided(row, {0, 3});
  CHECK_FALSE(row.metrics);
  CHECK(row.undecided == 3);
  CHECK(row.status == Status::undecided);
  CHECK(row.reason.find("3 elements") != std::string::npos);
}

TEST_CASE("an enclosure is cut to the rows that a partial dump holds") {
  Enclosure whole{{1, 3, 2}, {1, 2, 3, 4, 5, 6}, {}, {6, 5, 4, 3, 2, 1}};
  const Enclosure part = cropped(whole, {1, 2, 2});
  CHECK(part.value == std::vector<double>{1, 2, 3, 4});
  CHECK(part.tail.empty());
  CHECK(part.radius == std::vector<double>{6, 5, 4, 3});
}
