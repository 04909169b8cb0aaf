// SPDX-License-Identifier: Apache-2.0
// Emulated's set-up and its operations in the wider carrier.
#pragma once

#include "precision/emulated.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

namespace detail {
// Nearest modes after the plain carrier operation on values of the format are rounded once in effect if the carrier has
// 2p + 2 bits [Figueroa95], and if products in the format's subnormal range keep all their bits: their last one is
// worth at least 2^(emin - 3p + 1), to be no smaller than the carrier's least.
template <class T>
bool double_rounding_is_innocuous(const Format& format) {
  const int p = format.precision;
  const bool nearest = format.mode == RoundingMode::nearest_even || format.mode == RoundingMode::nearest_away;
  const int least = Carrier<T>::emin - Carrier<T>::precision + 1;
  return nearest && 2 * p + 2 <= Carrier<T>::precision && format.emin - 3 * p + 1 >= least;
}
}  // namespace detail

template <class V>
Emulated<V>::Emulated(const Format& format, Operands operands)
    : flush_inputs_(format.flush_inputs),
      random_(format.mode == RoundingMode::stochastic),
      precision_(format.precision),
      least_normal_(detail::power_of_two<scalar>(format.emin)) {
  const bool nearest = format.mode == RoundingMode::nearest_even;
  const bool carrier_is_format = format.precision == Carrier<scalar>::precision && format.emin == Carrier<scalar>::emin;
  plain_ = carrier_is_format && nearest;
  if (plain_) {
    narrow_ = Rounder<V>(format);
    wide_rounder_ = Rounder<W>(format);
    scalar_ = Rounder<double>(format);
    return;
  }
  const int most = carried_in_double ? 50 : 24;
  if (format.precision > most || !Rounder<W>::supports(format)) {
    refuse_carrier(format, carried_in_double ? "double" : "float");
  }
  const bool innocuous = detail::double_rounding_is_innocuous<scalar>(format);
  wide_ = operands == Operands::any || !innocuous;
  round_wide_ = random_ || !Rounder<V>::supports(format) || carrier_is_format;
  if (!round_wide_) narrow_ = Rounder<V>(format);
  // To nearest, an overflow of the carrier's own sum is an overflow of every format in it, so the carrier may sum to
  // odd.
  const bool any_nearest = nearest || format.mode == RoundingMode::nearest_away;
  odd_sums_ = any_nearest && !round_wide_ && format.precision <= Carrier<scalar>::precision - 2;
  wide_rounder_ = Rounder<W>(format);
  scalar_ = Rounder<double>(format);
}

template <class V>
ULPSCOPE_HD auto Emulated<V>::round_part(W exact, const Counter& counter, int part) const -> W {
  if (!random_) return wide_rounder_(exact);
  Counter mine = counter;
  mine.element += static_cast<std::uint64_t>(part * lanes_v<W>);
  return wide_rounder_(exact, random_lanes<W>(mine));
}

/// operation(a, b, c) -> double pack, exact or to odd; rounded once to the format and brought back to the carrier.
template <class V>
template <class F>
ULPSCOPE_HD V Emulated<V>::through_wide(F operation, V a, V b, V c) const {
  const Counter counter = random_ ? next() : Counter{};
  const W low = round_part(operation(widen<0>(a), widen<0>(b), widen<0>(c)), counter, 0);
  if constexpr (carried_in_double || lanes_v<V> == 1) {
    return narrow(low, low);
  } else {
    return narrow(low, round_part(operation(widen<1>(a), widen<1>(b), widen<1>(c)), counter, 1));
  }
}

template <class V>
ULPSCOPE_HD V Emulated<V>::round_wide(W low, W high) const {
  const Counter counter = random_ ? next() : Counter{};
  const W rounded = round_part(low, counter, 0);
  if constexpr (carried_in_double || lanes_v<V> == 1) {
    return narrow(rounded, rounded);
  } else {
    return narrow(rounded, round_part(high, counter, 1));
  }
}

namespace detail {
// The operations in double, as function objects (nvcc has no host-and-device lambdas by default). From float operands
// (24 bits) products are exact in double, and quotients and roots that are inexact stay away from every value of up to
// 25 bits by more than double's rounding error: only sums need the step to odd. `doubles`: operands are any doubles.
template <bool doubles>
struct WideSum {
  template <class W>
  ULPSCOPE_INLINE W operator()(W a, W b, W) const {
    return sum_to_odd(a, b);
  }
};
template <bool doubles>
struct WideProduct {
  template <class W>
  ULPSCOPE_INLINE W operator()(W a, W b, W) const {
    if constexpr (doubles) return product_to_odd(a, b);
    return a * b;
  }
};
template <bool doubles>
struct WideQuotient {
  template <class W>
  ULPSCOPE_INLINE W operator()(W a, W b, W) const {
    if constexpr (doubles) return quotient_to_odd(a, b);
    return a / b;
  }
};
template <bool doubles>
struct WideRoot {
  template <class W>
  ULPSCOPE_INLINE W operator()(W a, W, W) const {
    if constexpr (doubles) return root_to_odd(a);
    return sqrt(a);
  }
};
template <bool doubles>
struct WideFma {
  template <class W>
  ULPSCOPE_INLINE W operator()(W a, W b, W c) const {
    if constexpr (doubles) return fma_to_odd(a, b, c);
    return sum_to_odd(a * b, c);
  }
};
struct WideIdentity {
  template <class W>
  ULPSCOPE_INLINE W operator()(W a, W, W) const {
    return a;
  }
};
}  // namespace detail

template <class V>
ULPSCOPE_HD V Emulated<V>::wide_add(V a, V b) const {
  return through_wide(detail::WideSum<carried_in_double>{}, a, b, b);
}
template <class V>
ULPSCOPE_HD V Emulated<V>::wide_mul(V a, V b) const {
  return through_wide(detail::WideProduct<carried_in_double>{}, a, b, b);
}
template <class V>
ULPSCOPE_HD V Emulated<V>::wide_div(V a, V b) const {
  return through_wide(detail::WideQuotient<carried_in_double>{}, a, b, b);
}
template <class V>
ULPSCOPE_HD V Emulated<V>::wide_sqrt(V a) const {
  return through_wide(detail::WideRoot<carried_in_double>{}, a, a, a);
}
template <class V>
ULPSCOPE_HD V Emulated<V>::wide_fma(V a, V b, V c) const {
  return through_wide(detail::WideFma<carried_in_double>{}, a, b, c);
}
template <class V>
ULPSCOPE_HD V Emulated<V>::wide_round(V x) const {
  return through_wide(detail::WideIdentity{}, x, x, x);
}

template <class V>
ULPSCOPE_HD V Emulated<V>::rounded_exp(V x) const {
  if constexpr (carried_in_double) {
    if (plain_) return narrow_(exp_binary64(x));
  } else {
    if (plain_) return narrow_(exp_binary32(x));
  }
  const Counter counter = random_ ? next() : Counter{};
  const W low = exp_rounded(widen<0>(x), PartRounding{*this, counter, 0});
  if constexpr (carried_in_double || lanes_v<V> == 1) {
    return narrow(low, low);
  } else {
    return narrow(low, exp_rounded(widen<1>(x), PartRounding{*this, counter, 1}));
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
