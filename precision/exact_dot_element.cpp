// SPDX-License-Identifier: Apache-2.0
// One element of exact_dot: the class of a sum with NaN or infinities, else an exact accumulator.
#include "precision/exact_dot_element.hpp"

#include <cmath>
#include <limits>

namespace ulpscope::precision {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Enclosure number_of(const DotMatrix& matrix, std::size_t row, std::size_t k) {
  const std::size_t at = row * matrix.row_step + k * matrix.depth_step;
  if (matrix.low == nullptr) return {matrix.high[at], 0, 0};
  const double radius = matrix.radius[at];
  return {matrix.high[at], matrix.low[at], radius >= 0 ? radius : inf};  // what is no radius bounds nothing
}

/// A low part that is no number leaves none.
double class_of(const Enclosure& x) { return std::isfinite(x.low) ? x.high : nan; }
bool is_unknown(const Enclosure& x) { return std::isnan(class_of(x)) && x.radius == inf; }
bool is_finite(const Enclosure& x) { return std::isfinite(x.high) && std::isfinite(x.low); }
bool is_zero(const Enclosure& x) { return x.high == 0 && x.low == 0 && x.radius == 0; }
/// Its sign is not known, nor whether it is zero; |high + low| rounds below a larger radius at the most by an ulp.
bool may_be_zero(const Enclosure& x) {
  return is_finite(x) && !is_zero(x) && !(std::fabs(x.high + x.low) * (1 - 0x1p-52) > x.radius);
}

/// The class of a sum in which NaN and infinities occur, in any order.
class Classes {
 public:
  void add(double term) {
    nan_ |= std::isnan(term);
    up_ |= term == inf;
    down_ |= term == -inf;
  }
  void add_unknown() { unknown_ = true; }
  bool any() const { return nan_ || up_ || down_ || unknown_; }
  Enclosure value() const {
    if (nan_ || (up_ && down_)) return {nan, 0, 0};
    if (unknown_) return {nan, 0, inf};
    return {up_ ? inf : -inf, 0, 0};
  }

 private:
  bool nan_ = false, up_ = false, down_ = false, unknown_ = false;
};

void add_term(Classes& classes, const Enclosure& x, const Enclosure& y) {
  if (is_finite(x) && is_finite(y)) return;
  if (is_unknown(x) || is_unknown(y) || may_be_zero(x) || may_be_zero(y)) {
    // An infinity times what may be zero; but a NaN of the other operand stays one.
    const bool is_nan = (std::isnan(class_of(x)) && !is_unknown(x)) || (std::isnan(class_of(y)) && !is_unknown(y));
    return is_nan ? classes.add(nan) : classes.add_unknown();
  }
  const auto factor = [](const Enclosure& z) { return is_finite(z) ? z.high + z.low : class_of(z); };
  classes.add(factor(x) * factor(y));
}

}  // namespace

DotElementResult dot_element(const DotElement& element) {
  const std::size_t depth = element.a.depth;
  Classes classes;
  if (is_unknown(element.initial)) {
    classes.add_unknown();
  } else if (!is_finite(element.initial)) {
    classes.add(class_of(element.initial));
  }
  for (std::size_t k = 0; k < depth; ++k)
    add_term(classes, number_of(element.a, element.row, k), number_of(element.b, element.column, k));
  if (classes.any()) return {classes.value(), true};

  ExactAccumulator sum;
  sum.add(element.initial.high);
  sum.add(element.initial.low);
  double radius = element.initial.radius;
  for (std::size_t k = 0; k < depth; ++k) {
    const Enclosure x = number_of(element.a, element.row, k);
    const Enclosure y = number_of(element.b, element.column, k);
    sum.add_product(x.high, y.high);
    sum.add_product(x.low, y.high);
    sum.add_product(x.high, y.low);
    // One of them has neither low part nor radius: |x| radius(y) + radius(x) |y|, a zero by an infinite radius being 0.
    if (y.radius > 0 && x.high != 0) radius += std::fabs(x.high) * y.radius + 0x1p-1074;
    if (x.radius > 0 && y.high != 0) radius += x.radius * std::fabs(y.high) + 0x1p-1074;
  }
  Enclosure value = sum.total();
  if (radius > 0) value.radius = (value.radius + radius) * (1 + 0x1p-30);
  return {value, false};
}

}  // namespace ulpscope::precision
