// SPDX-License-Identifier: Apache-2.0
// A sum of products of doubles without any rounding: a fixed-point number that covers all of them [Kulisch02].
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ulpscope::precision {

/// A real number within `radius` of high + low.
struct Enclosure {
  double high = 0;
  double low = 0;
  double radius = 0;
};

/// Holds up to 2^30 finite doubles and products of two, each exactly, whatever their exponents.
class ExactAccumulator {
 public:
  void add(double x) { add_product(x, 1); }
  void add_product(double x, double y);
  /// high: the sum rounded to nearest; low: the rest, rounded to nearest; radius: what is then left, rounded up, 0
  /// where nothing is. A sum that rounds to infinity: the largest double of its sign, radius infinite.
  Enclosure total() const;

 private:
  // Digits of 32 bits, the last worth 2^-2148; each takes 2^30 additions before its carry is due.
  static constexpr int lowest = -2148;
  static constexpr std::size_t digits = 136;

  struct Number;
  void add_bits(std::uint64_t bits, std::size_t place, std::int64_t sign);
  void carry();

  std::array<std::int64_t, digits> digit_{};
};

}  // namespace ulpscope::precision
