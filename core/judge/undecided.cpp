// SPDX-License-Identifier: Apache-2.0
// A tolerance admits an interval around each value of the run, so the ends of an enclosure decide.
#include "core/judge/undecided.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/judge/dump.hpp"

namespace ulpscope::judge {
namespace {

/// Doubles at or beyond both ends.
struct Ends {
  double low;
  double high;
};
Ends ends_of(const Enclosure& truth, std::size_t i) {
  const double value = truth.value[i];
  const double tail = truth.tail.empty() ? 0 : truth.tail[i];
  const double radius = truth.radius.empty() ? 0 : truth.radius[i];
  if (!std::isfinite(value) || (tail == 0 && radius == 0)) return {value, value};
  const double reach = (std::fabs(tail) + radius) * (1 + 0x1p-50);
  constexpr double endless = HUGE_VAL;
  return {std::nextafter(tail > 0 && radius == 0 ? value : value - reach, -endless),
          std::nextafter(tail < 0 && radius == 0 ? value : value + reach, endless)};
}

}  // namespace

Enclosure cropped(const Enclosure& enclosure, const compressor::Shape& shape) {
  Enclosure part{shape, {}, {}, {}};
  const auto crop = [&](const std::vector<double>& values) {
    if (values.empty()) return values;
    return compressor::to_doubles(cropped(compressor::Tensor{enclosure.shape, values, io::DType::f64}, shape));
  };
  part.value = crop(enclosure.value);
  part.tail = crop(enclosure.tail);
  part.radius = crop(enclosure.radius);
  return part;
}

Radii radii_of(const Enclosure& enclosure) {
  Radii radii;
  for (const double radius : enclosure.radius) {
    const bool bounded = radius < HUGE_VAL;
    radii.unbounded += bounded ? 0 : 1;
    if (bounded) radii.max_radius = std::fmax(radii.max_radius, radius);
  }
  return radii;
}

void leave_undecided(Row& row, const Radii& radii) {
  if (radii.unbounded == 0) return;
  row.metrics.reset();
  row.undecided = radii.unbounded;
  row.status = Status::undecided;
  row.reason = fmt::format(
      "the truth of {} elements is not known: they overflow double, or a class is not decided (--truth mpfr may know)",
      radii.unbounded);
}

void leave_open(Row& row, const Judged& judged, std::size_t count) {
  if (judged.undecided == 0) return;
  row.undecided = judged.undecided;
  row.status = Status::undecided;
  row.reason = fmt::format("the radius of the truth leaves {} of {} elements open", judged.undecided, count);
}

Judged judge_tolerance(const compressor::Tensor& found, const Enclosure& truth, const Tolerance& tolerance,
                       const Ruler& ruler) {
  constexpr double least_normal = 0x1p-1022;
  Judged judged;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double have = found.at(i);
    const Ends ends = ends_of(truth, i);
    if (have == 0 && ends.low > -least_normal && ends.high < least_normal) continue;
    const bool low = within(have, ends.low, tolerance, ruler), high = within(have, ends.high, tolerance, ruler);
    if (low && high) continue;
    if (low || high || (have > ends.low && have < ends.high)) {
      ++judged.undecided;
    } else {
      judged.failing.push_back(i);
    }
  }
  return judged;
}

}  // namespace ulpscope::judge
