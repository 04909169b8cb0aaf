// SPDX-License-Identifier: Apache-2.0
// Sums without rounding error before the last: a three-term expansion of doubles, then one rounding.
#pragma once

#include "precision/error_free.hpp"
#include "precision/summation_orders.hpp"
#include "precision/to_odd.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace detail {

/// Arithmetics whose values are floats or doubles, and which round doubles to their format.
template <class A>
concept HasCarrier = requires(const A& arithmetic) {
  { arithmetic.significand_bits() } -> std::convertible_to<int>;
};

/// The double pack that holds half the lanes of a float pack, or the lanes of a double pack.
template <class V>
using wide_t = std::conditional_t<is_double_v<V>, V, half_t<V, double>>;

template <int part, class V>
ULPSCOPE_INLINE wide_t<V> widen(V a) {
  if constexpr (is_double_v<V>) {
    return a;
  } else {
    return convert<wide_t<V>>(half<part>(a));
  }
}

/// a + b + c with |c| about 2^-106 |a|: adding n doubles loses less than n 2^-150 of the largest partial sum. `plain`,
/// the ordinary sum, is the answer where it is infinite or NaN.
template <class W>
struct Expansion {
  W a{}, b{}, c{}, plain{};

  ULPSCOPE_INLINE void add(W x) {
    const TwoTerm<W> first = two_sum(a, x);
    const TwoTerm<W> second = two_sum(b, first.low);
    a = first.high;
    b = second.high;
    c = c + second.low;
    plain = plain + x;
  }
  ULPSCOPE_INLINE void add_product(W x, W y) {
    const TwoTerm<W> p = two_prod(x, y);
    add(p.high);
    add(p.low);
  }
  /// The sum as high + low, low rounded to odd.
  ULPSCOPE_INLINE TwoTerm<W> total() const {
    const TwoTerm<W> tail = two_sum(b, c);
    const TwoTerm<W> head = two_sum(a, tail.high);
    return two_sum(head.high, sum_to_odd(head.low, tail.low));
  }
};

/// Lanes whose plain sum is finite take `exact`.
template <class W>
ULPSCOPE_INLINE W finite_or(W plain, W exact) {
  return select(abs(plain) < splat<W>(infinity()), exact, plain);
}

/// x as the accumulator takes an operand: zero where it is subnormal and the format flushes those.
template <class A>
ULPSCOPE_INLINE typename A::value_type operand(const A& accumulate, typename A::value_type x) {
  if constexpr (requires { accumulate.operand(x); }) return accumulate.operand(x);
  return x;
}

template <int part, class A, class Source>
ULPSCOPE_HD auto expand_part(const A& accumulate, int n, const Source& source) {
  using W = wide_t<typename A::value_type>;
  Expansion<W> expansion;
  for (int i = 0; i < n; ++i) {
    if constexpr (Source::are_products) {
      expansion.add_product(widen<part>(operand(accumulate, source.a(i))),
                            widen<part>(operand(accumulate, source.b(i))));
    } else {
      expansion.add(widen<part>(operand(accumulate, source.term(i))));
    }
  }
  return expansion;
}

template <int part, class A, class Source>
ULPSCOPE_HD auto exact_part(const A& accumulate, int n, const Source& source) {
  const auto expansion = expand_part<part>(accumulate, n, source);
  const auto total = expansion.total();
  // binary64 itself: high is the nearest double. Narrower formats round again, from the odd neighbour.
  const auto value = accumulate.is_fp64() ? total.high : to_odd(total.high, total.low);
  return finite_or(expansion.plain, value);
}

template <class A, class Source>
ULPSCOPE_HD typename A::value_type exact_sum(const A& accumulate, int n, const Source& source) {
  const auto low = exact_part<0>(accumulate, n, source);
  if constexpr (is_double_v<typename A::value_type> || lanes_v<typename A::value_type> == 1) {
    return accumulate.round_wide(low, low);
  } else {
    return accumulate.round_wide(low, exact_part<1>(accumulate, n, source));
  }
}

}  // namespace detail
}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
