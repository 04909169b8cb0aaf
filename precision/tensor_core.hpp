// SPDX-License-Identifier: Apache-2.0
// The tensor core model T(F, K): align, truncate, add exactly, round toward zero [MMA-Sim].
#pragma once

#include "precision/summation_exact.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace detail {

/// A summand with the exponent that the hardware aligns by: of a product the sum of its factors' exponents (its
/// significand, in [1, 4), is not normalised).
struct Summand {
  double value;
  int exponent;
};

/// Of 0, infinities and NaN (which aligned_sum treats apart) a small number, so that exponents can be added.
ULPSCOPE_HD inline int exponent_of(double x) {
  return x != 0 && __builtin_fabs(x) < infinity() ? __builtin_ilogb(x) : -4096;
}

/// Toward zero to binary32; beyond its range infinity.
ULPSCOPE_HD inline double toward_zero_to_fp32(double x) {
  if (!(__builtin_fabs(x) >= 0x1p-126)) return __builtin_trunc(x * 0x1p149) * 0x1p-149;  // NaN stays
  if (__builtin_fabs(x) >= 0x1p128) return x < 0 ? -infinity() : infinity();
  return __builtin_bit_cast(double, __builtin_bit_cast(std::uint64_t, x) & ~((std::uint64_t{1} << 29) - 1));
}

/// One instruction for one output: truncates each of `count` summands to `fraction_bits` bits below the largest
/// exponent and adds. The result is exact in double (parse_summation bounds F and K).
ULPSCOPE_OUTLINE_ON_DEVICE inline double aligned_sum(const Summand* summands, int count, int fraction_bits) {
  int top = -4096;
  double special = 0;  // becomes infinite or NaN with the first summand that is
  for (int i = 0; i < count; ++i) {
    const bool finite = __builtin_fabs(summands[i].value) < infinity();
    if (!finite) special += summands[i].value;
    if (finite && summands[i].value != 0 && summands[i].exponent > top) top = summands[i].exponent;
  }
  if (special != 0) return special;
  double units = 0;
  for (int i = 0; i < count; ++i) units += __builtin_trunc(__builtin_ldexp(summands[i].value, fraction_bits - top));
  return units == 0 ? 0 : __builtin_ldexp(units, top - fraction_bits);
}

template <class Source>
ULPSCOPE_HD Summand summand(const Source& source, int i, int which_lane) {
  if constexpr (Source::are_products) {
    const double x = static_cast<double>(lane(source.a(i), which_lane));
    const double y = static_cast<double>(lane(source.b(i), which_lane));
    return {x * y, exponent_of(x) + exponent_of(y)};
  } else {
    const double x = static_cast<double>(lane(source.term(i), which_lane));
    return {x, exponent_of(x)};
  }
}

/// Accumulators of 24 or more bits are the hardware's: toward zero to fp32. Narrower ones round the exact block sum as
/// their own format does (fp16 output to nearest even).
template <class A, class Source>
ULPSCOPE_HD double tensor_core_lane(const A& accumulate, int n, const Summation& summation, const Source& source,
                                    int which_lane) {
  constexpr int most = 256;
  Summand summands[most + 1];
  const int block = summation.sizes[1] < most ? summation.sizes[1] : most;
  double accumulator = 0;
  for (int begin = 0; begin < n; begin += block) {
    const int count = begin + block < n ? block : n - begin;
    for (int i = 0; i < count; ++i) summands[i] = summand(source, begin + i, which_lane);
    summands[count] = {accumulator, exponent_of(accumulator)};
    const double exact = aligned_sum(summands, count + 1, summation.sizes[0]);
    const bool hardware = accumulate.significand_bits() >= 24;
    accumulator = hardware ? toward_zero_to_fp32(exact) : accumulate.round_scalar(exact);
  }
  return accumulator;
}

template <class A, class Source>
ULPSCOPE_HD typename A::value_type tensor_core_sum(const A& accumulate, int n, const Summation& summation,
                                                   const Source& source) {
  using V = typename A::value_type;
  V result{};
  for (int i = 0; i < lanes_v<V>; ++i) {
    const double total = tensor_core_lane(accumulate, n, summation, source, i);
    set_lane(result, i, static_cast<scalar_t<V>>(total));
  }
  return result;
}

}  // namespace detail
}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
