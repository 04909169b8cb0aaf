// SPDX-License-Identifier: Apache-2.0
// Rounding by integers, and exp by the C library and MPFR.
#include "precision/selftest_reference.hpp"

#include <mpfr.h>

#include <bit>
#include <cmath>

namespace ulpscope::precision {
namespace {

constexpr std::uint32_t sign_bit = 0x80000000u, infinity_bits = 0x7f800000u, quiet_nan = 0x7fc00000u;

float exp_by_mpfr(float x) {
  mpfr_t value;
  mpfr_init2(value, 24);
  mpfr_set_flt(value, x, MPFR_RNDN);
  const int ternary = mpfr_exp(value, value, MPFR_RNDN);
  const mpfr_exp_t lowest = mpfr_get_emin();
  mpfr_set_emin(-148);  // binary32's subnormals: 2^-149 has MPFR exponent -148
  mpfr_subnormalize(value, mpfr_check_range(value, ternary, MPFR_RNDN), MPFR_RNDN);
  mpfr_set_emin(lowest);
  const float result = mpfr_get_flt(value, MPFR_RNDN);
  mpfr_clear(value);
  return result;
}

}  // namespace

IntegerRounder::IntegerRounder(const Format& format)
    : precision_(format.precision),
      emin_(format.emin),
      max_bits_(std::bit_cast<std::uint32_t>(static_cast<float>(format.max_finite))) {
  const bool clamps = format.saturate || format.special == Special::none;
  overflow_bits_ = clamps ? max_bits_ : format.special == Special::ieee ? infinity_bits : quiet_nan;
}

std::uint32_t IntegerRounder::operator()(std::uint32_t bits) const {
  const std::uint32_t sign = bits & sign_bit, magnitude = bits & ~sign_bit;
  if (magnitude > infinity_bits) return sign | quiet_nan;
  if (magnitude == infinity_bits) return sign | overflow_bits_;
  const int field = static_cast<int>(magnitude >> 23);
  const std::uint32_t fraction = magnitude & 0x7fffffu;
  // |x| = significand 2^exponent
  const std::uint64_t significand = field == 0 ? fraction : fraction | 0x800000u;
  const int exponent = (field == 0 ? 1 : field) - 150;
  const int leading = exponent + static_cast<int>(std::bit_width(significand)) - 1;
  const int last_place = (leading > emin_ ? leading : emin_) - precision_ + 1;
  const int drop = last_place - exponent;
  if (drop <= 0) return magnitude > max_bits_ ? sign | overflow_bits_ : bits;
  if (drop > 40) return sign;  // far below half the smallest subnormal
  const std::uint64_t half = std::uint64_t{1} << (drop - 1);
  const std::uint64_t kept = significand >> drop, rest = significand - (kept << drop);
  const std::uint64_t rounded = kept + ((rest > half || (rest == half && (kept & 1) != 0)) ? 1 : 0);
  // rounded 2^last_place, exact in double and then in float.
  const double scale = std::bit_cast<double>(static_cast<std::uint64_t>(last_place + 1023) << 52);
  const std::uint32_t result = std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<double>(rounded) * scale));
  return sign | (result > max_bits_ ? overflow_bits_ : result);
}

float reference_exp(float x) {
  if (std::isnan(x)) return x;
  // Far below the threshold of underflow, and above that of overflow, there is nothing to decide.
  if (x < -200) return 0;
  if (x > 200) return INFINITY;
  // The C library's double exp errs by less than 1 ulp, 2^-52: outside that, both ends must round alike.
  const double y = std::exp(static_cast<double>(x));
  const float low = static_cast<float>(y * (1 - 0x1p-51)), high = static_cast<float>(y * (1 + 0x1p-51));
  return low == high ? low : exp_by_mpfr(x);
}

}  // namespace ulpscope::precision
