// SPDX-License-Identifier: Apache-2.0
// Rounding in exact integer arithmetic, written independently of precision/: what the tests compare with.
#pragma once

#include <mpfr.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "precision/format.hpp"

namespace ulpscope::test {

using precision::Format;
using precision::RoundingMode;
using precision::Special;
using Wide = unsigned __int128;

/// A real number: (-1)^negative (integer 2^exponent), plus something positive below one unit if `sticky`.
struct Exact {
  bool negative = false;
  Wide integer = 0;
  int exponent = 0;
  bool sticky = false;
};

inline Exact exact_of(double x) {
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(x), &exponent);
  return {std::signbit(x), static_cast<Wide>(std::ldexp(fraction, 53)), exponent - 53, false};
}

inline int bit_length(Wide x) {
  const auto high = static_cast<std::uint64_t>(x >> 64);
  return static_cast<int>(high != 0 ? 64 + std::bit_width(high) : std::bit_width(static_cast<std::uint64_t>(x)));
}

/// Whether the integer part `units` of |x| in ulps becomes units + 1; `half` compares the rest with half an ulp.
inline bool oracle_steps_up(const Exact& x, RoundingMode mode, Wide units, int half) {
  const bool is_odd = (units & 1) != 0;
  switch (mode) {
    case RoundingMode::nearest_even:
      return half > 0 || (half == 0 && is_odd);
    case RoundingMode::nearest_away:
      return half >= 0;
    case RoundingMode::toward_zero:
      return false;
    case RoundingMode::down:
      return x.negative;
    case RoundingMode::up:
      return !x.negative;
    case RoundingMode::odd:
      return !is_odd;
    case RoundingMode::stochastic:
      return false;
  }
  return false;
}

inline double oracle_infinite(const Format& f) {
  if (f.saturate || f.special == Special::none) return f.max_finite;
  return f.special == Special::ieee ? std::numeric_limits<double>::infinity()
                                    : std::numeric_limits<double>::quiet_NaN();
}

inline double oracle_overflow(const Exact& x, const Format& f) {
  const bool cuts = f.mode == RoundingMode::toward_zero || f.mode == RoundingMode::odd ||
                    (f.mode == RoundingMode::down && !x.negative) || (f.mode == RoundingMode::up && x.negative);
  return cuts ? f.max_finite : oracle_infinite(f);
}

/// x rounded once to the format (all modes but stochastic).
inline double oracle_round(const Exact& x, const Format& f) {
  const double sign = x.negative ? -1.0 : 1.0;
  if (x.integer == 0) return std::copysign(0.0, sign);
  const int top = bit_length(x.integer) - 1 + x.exponent;
  const int last = (top < f.emin ? f.emin : top) - f.precision + 1;  // exponent of the last place
  const int shift = last - x.exponent;
  Wide units = 0;
  int half = -1;
  bool inexact = true;
  if (shift <= 0) {
    units = x.integer << -shift;
    inexact = x.sticky;
  } else if (shift < 128) {
    units = x.integer >> shift;
    const Wide rest = x.integer - (units << shift);
    const Wide middle = static_cast<Wide>(1) << (shift - 1);
    half = rest > middle ? 1 : rest < middle ? -1 : x.sticky ? 1 : 0;
    inexact = rest != 0 || x.sticky;
  }
  if (inexact && oracle_steps_up(x, f.mode, units, half)) units += 1;
  double result = std::ldexp(static_cast<double>(units), last);
  if (result > f.max_finite) result = oracle_overflow(x, f);
  if (f.flush_results && result < std::ldexp(1.0, f.emin)) result = 0;
  return std::copysign(result, sign);
}

inline double oracle_round(double x, const Format& f) {
  if (std::isnan(x)) return x;
  if (std::isinf(x)) return std::copysign(oracle_infinite(f), x);
  return oracle_round(exact_of(x), f);
}

/// Same value and sign of zero, or both NaN.
inline bool same(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

/// A number of 120 bits, cut toward zero, that knows whether anything was cut.
class Mp {
 public:
  Mp() { mpfr_init2(value_, 120); }
  Mp(const Mp&) = delete;
  Mp& operator=(const Mp&) = delete;
  ~Mp() { mpfr_clear(value_); }
  mpfr_t& get() { return value_; }

  /// The value with the sticky bit of the operation whose MPFR return value is `ternary`.
  Exact exact(int ternary) const {
    Exact x;
    x.negative = mpfr_signbit(value_) != 0;
    x.sticky = ternary != 0;
    if (mpfr_zero_p(value_) != 0) return x;
    mpz_t z;
    mpz_init(z);
    x.exponent = static_cast<int>(mpfr_get_z_2exp(z, value_));
    mpz_abs(z, z);
    std::uint64_t words[2] = {0, 0};
    std::size_t count = 0;
    mpz_export(words, &count, -1, 8, 0, 0, z);
    mpz_clear(z);
    x.integer = (static_cast<Wide>(words[1]) << 64) | words[0];
    return x;
  }

 private:
  mpfr_t value_;
};

/// Values of every binade of float, with significands near every tie of every format: random high bits followed by a
/// run of zeros or ones, then a random tail.
inline std::vector<float> stratified_floats(std::size_t count, std::uint64_t seed) {
  std::vector<float> values = {0.0f,
                               -0.0f,
                               1.0f,
                               -1.0f,
                               std::numeric_limits<float>::infinity(),
                               -std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::max(),
                               std::numeric_limits<float>::denorm_min(),
                               std::numeric_limits<float>::quiet_NaN(),
                               std::bit_cast<float>(0x7f800001u),
                               std::bit_cast<float>(0xffffffffu),
                               std::bit_cast<float>(0x7fffffffu)};
  std::uint64_t state = seed;
  const auto next = [&state] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state >> 32);
  };
  while (values.size() < count) {
    std::uint32_t bits = next();
    const std::uint32_t kind = next();
    const std::uint32_t mask = (1u << (kind % 24)) - 1;
    if ((kind & 0x100) != 0) bits &= ~mask;
    if ((kind & 0x200) != 0) bits = (bits & ~mask) | (mask >> 1) | ((kind & 0x400) != 0 ? 1u : 0u);
    if ((kind & 0x800) != 0) bits += (next() % 3) - 1;
    values.push_back(std::bit_cast<float>(bits));
  }
  return values;
}

/// Every table format in every deterministic mode, with and without saturation and flushing.
inline std::vector<Format> format_variants() {
  std::vector<Format> variants;
  for (const Format& format : precision::formats()) {
    for (const char* suffix :
         {"", ":sat", ":ftz", ":sat:ftz", ":ra", ":rz", ":rd", ":ru", ":odd", ":sat:rd", ":ftz:ru"}) {
      variants.push_back(precision::parse_format(format.name + suffix));
    }
  }
  return variants;
}

}  // namespace ulpscope::test
