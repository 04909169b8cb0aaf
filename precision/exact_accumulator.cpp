// SPDX-License-Identifier: Apache-2.0
// The fixed-point accumulator, and its rounding to high + low.
#include "precision/exact_accumulator.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace ulpscope::precision {
namespace {

constexpr std::int64_t base = std::int64_t{1} << 32;

/// |x| = significand 2^exponent, exponent >= -1074.
struct Decoded {
  std::uint64_t significand;
  int exponent;
};
Decoded decode(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const int field = static_cast<int>(bits >> 52 & 0x7ff);
  const std::uint64_t fraction = bits & ((std::uint64_t{1} << 52) - 1);
  if (field == 0) return {fraction, -1074};
  return {fraction | std::uint64_t{1} << 52, field - 1075};
}

}  // namespace

void ExactAccumulator::add_bits(std::uint64_t bits, std::size_t place, std::int64_t sign) {
  const std::size_t first = place / 32;
  const unsigned __int128 shifted = static_cast<unsigned __int128>(bits) << (place % 32);
  for (std::size_t i = 0; i < 3; ++i)
    digit_[first + i] += sign * static_cast<std::int64_t>(static_cast<std::uint32_t>(shifted >> (32 * i)));
}

void ExactAccumulator::add_product(double x, double y) {
  if (x == 0 || y == 0) return;
  const Decoded a = decode(x);
  const Decoded b = decode(y);
  const auto product = static_cast<unsigned __int128>(a.significand) * b.significand;
  const std::int64_t sign = std::signbit(x) == std::signbit(y) ? 1 : -1;
  const auto place = static_cast<std::size_t>(a.exponent + b.exponent - lowest);
  add_bits(static_cast<std::uint64_t>(product), place, sign);
  add_bits(static_cast<std::uint64_t>(product >> 64), place + 64, sign);
}

/// All digits but the first in [0, 2^32).
void ExactAccumulator::carry() {
  for (std::size_t i = 0; i + 1 < digits; ++i) {
    const std::int64_t over = digit_[i] >> 32;  // toward minus infinity
    digit_[i] -= over * base;
    digit_[i + 1] += over;
  }
}

/// Sign and magnitude of an accumulator, to be read bit by bit.
struct ExactAccumulator::Number {
  explicit Number(ExactAccumulator sum) {
    sum.carry();
    negative = sum.digit_[digits - 1] < 0;
    if (negative) {
      for (std::int64_t& digit : sum.digit_) digit = -digit;
      sum.carry();
    }
    magnitude = sum.digit_;
    for (std::size_t i = digits; i-- > 0 && length == 0;) {
      if (magnitude[i] != 0)
        length = static_cast<int>(32 * i) + static_cast<int>(std::bit_width(static_cast<std::uint64_t>(magnitude[i])));
    }
  }
  bool bit(int place) const {
    return place >= 0 && (magnitude[static_cast<std::size_t>(place / 32)] >> (place % 32) & 1) != 0;
  }
  bool any_below(int place) const {
    for (int i = 0; i < place; ++i) {
      if (i % 32 == 0 && i + 32 <= place && magnitude[static_cast<std::size_t>(i / 32)] == 0) {
        i += 31;
      } else if (bit(i)) {
        return true;
      }
    }
    return false;
  }
  /// The place of the last bit of a double of this size.
  int last_place() const { return std::max(length - 53, -1074 - lowest); }
  std::uint64_t leading() const {
    std::uint64_t bits = 0;
    for (int place = length - 1; place >= last_place(); --place) bits = bits << 1 | (bit(place) ? 1 : 0);
    return bits;
  }
  double value(std::uint64_t bits) const {
    const double size = std::ldexp(static_cast<double>(bits), last_place() + lowest);
    return negative ? -size : size;
  }
  double nearest() const {
    const int last = last_place();
    const std::uint64_t bits = leading();
    const bool up = bit(last - 1) && ((bits & 1) != 0 || any_below(last - 1));
    return value(bits + (up ? 1 : 0));
  }
  double size_rounded_up() const { return std::fabs(value(leading() + (any_below(last_place()) ? 1 : 0))); }

  std::array<std::int64_t, digits> magnitude{};
  bool negative = false;
  int length = 0;
};

Enclosure ExactAccumulator::total() const {
  Enclosure result;
  result.high = Number(*this).nearest();
  if (std::isinf(result.high)) {
    return {std::copysign(std::numeric_limits<double>::max(), result.high), 0, std::numeric_limits<double>::infinity()};
  }
  ExactAccumulator rest = *this;
  rest.add(-result.high);
  result.low = Number(rest).nearest();
  rest.add(-result.low);
  result.radius = Number(rest).size_rounded_up();
  return result;
}

}  // namespace ulpscope::precision
