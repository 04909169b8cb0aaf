// SPDX-License-Identifier: Apache-2.0
// Arithmetic in any format, carried in float or double: every operation rounded once, all modes, DAZ, FTZ, saturation.
#pragma once

#include <string_view>

#include "precision/arithmetic.hpp"
#include "precision/error_free.hpp"
#include "precision/exp_binary64.hpp"
#include "precision/exp_correct.hpp"
#include "precision/operands.hpp"
#include "precision/rounding.hpp"
#include "precision/to_odd.hpp"

namespace ulpscope::precision {

/// Throws std::invalid_argument: the carrier cannot hold the format.
[[noreturn]] void refuse_carrier(const Format& format, std::string_view carrier);

inline namespace ULPSCOPE_LEVEL {

/// V = float, double or packs of them. Carrier float: formats with p <= 24; carrier double: p <= 50 and plain fp64.
/// Where the plain carrier operation would round twice, operations run in double (halves of the pack) and to odd.
template <class V>
class Emulated : public LaneOperations<V> {
 public:
  using scalar = scalar_t<V>;
  static constexpr bool carried_in_double = is_double_v<V>;

  Emulated() = default;
  explicit Emulated(const Format& format, Operands operands = Operands::any);

  ULPSCOPE_INLINE_ON_HOST V add(V a, V b) const {
    flush_operands(a, b);
    if (wide_) [[unlikely]]
      return odd_sums_ ? narrow_(sum_to_odd(a, b)) : wide_add(a, b);
    return narrow_(a + b);
  }
  ULPSCOPE_INLINE V sub(V a, V b) const { return add(a, -b); }
  ULPSCOPE_INLINE_ON_HOST V mul(V a, V b) const {
    flush_operands(a, b);
    if (wide_) [[unlikely]]
      return wide_mul(a, b);
    return narrow_(a * b);
  }
  ULPSCOPE_INLINE_ON_HOST V div(V a, V b) const {
    flush_operands(a, b);
    if (wide_) [[unlikely]]
      return wide_div(a, b);
    return narrow_(a / b);
  }
  ULPSCOPE_INLINE_ON_HOST V sqrt(V a) const {
    flush_operand(a);
    if (wide_) [[unlikely]]
      return wide_sqrt(a);
    return narrow_(precision::sqrt(a));
  }
  /// a b + c rounded once: the carrier's own fused operation only where the carrier is the format.
  ULPSCOPE_INLINE_ON_HOST V fma(V a, V b, V c) const {
    flush_operands(a, b);
    flush_operand(c);
    if (plain_) return narrow_(precision::fma(a, b, c));
    return wide_fma(a, b, c);
  }
  ULPSCOPE_INLINE_ON_HOST V exp(V a) const {
    flush_operand(a);
    return rounded_exp(a);
  }
  /// a as every operation here takes it: a zero of its sign where it is subnormal and the format flushes operands.
  ULPSCOPE_INLINE V operand(V a) const {
    flush_operand(a);
    return a;
  }
  /// x, any carrier value, rounded to the format (no DAZ: it is not yet a value of the format).
  ULPSCOPE_INLINE_ON_HOST V round(V x) const {
    if (round_wide_) [[unlikely]]
      return wide_round(x);
    return narrow_(x);
  }
  /// The constant rounded once to the format.
  ULPSCOPE_HD V from(double x) const { return splat<V>(static_cast<scalar>(round_scalar(x))); }
  ULPSCOPE_HD double round_scalar(double x) const { return random_ ? scalar_(x, random_bits(next())) : scalar_(x); }

  /// The double pack in which wide operations run: half the lanes of a float pack, or the pack itself.
  using W = std::conditional_t<carried_in_double, V, half_t<V, double>>;
  /// Doubles, the lower and upper halves of a float pack (or the pack of doubles itself, twice), rounded once.
  ULPSCOPE_HD V round_wide(W low, W high) const;

  ULPSCOPE_HD bool is_fp64() const { return carried_in_double && plain_; }
  ULPSCOPE_HD int significand_bits() const { return precision_; }

  /// The same arithmetic, drawing its stochastic roundings from this counter on: lane i draws for element + i, and each
  /// operation advances the counter's operation. No effect in other modes.
  ULPSCOPE_HD Emulated at(const Counter& counter) const {
    Emulated copy = *this;
    copy.counter_ = counter;
    return copy;
  }

 private:
  ULPSCOPE_INLINE void flush_operand(V& a) const {
    if (!flush_inputs_) return;
    a = precision::select(abs(a) < splat<V>(least_normal_), from_bits<V>(sign_bits(a)), a);
  }
  ULPSCOPE_INLINE void flush_operands(V& a, V& b) const {
    flush_operand(a);
    flush_operand(b);
  }
  ULPSCOPE_HD Counter next() const { return {counter_.key, counter_.element, counter_.operation++}; }

  template <class F>
  ULPSCOPE_HD V through_wide(F operation, V a, V b, V c) const;
  ULPSCOPE_INLINE static V narrow(W low, W high) {
    if constexpr (carried_in_double) {
      return low;
    } else if constexpr (lanes_v<V> == 1) {
      return static_cast<V>(low);
    } else {
      return join<V>(convert<half_t<V>>(low), convert<half_t<V>>(high));
    }
  }
  /// Rounds one half of the lanes with that half's random bits.
  struct PartRounding {
    const Emulated& arithmetic;
    const Counter& counter;
    int part;
    ULPSCOPE_INLINE W operator()(W exact) const { return arithmetic.round_part(exact, counter, part); }
  };
  template <int part>
  ULPSCOPE_INLINE static W widen(V a) {
    if constexpr (carried_in_double) {
      return a;
    } else {
      return convert<W>(half<part>(a));
    }
  }
  ULPSCOPE_HD W round_part(W exact, const Counter& counter, int part) const;
  [[gnu::noinline]] ULPSCOPE_HD V wide_add(V a, V b) const;
  [[gnu::noinline]] ULPSCOPE_HD V wide_mul(V a, V b) const;
  [[gnu::noinline]] ULPSCOPE_HD V wide_div(V a, V b) const;
  [[gnu::noinline]] ULPSCOPE_HD V wide_sqrt(V a) const;
  [[gnu::noinline]] ULPSCOPE_HD V wide_fma(V a, V b, V c) const;
  [[gnu::noinline]] ULPSCOPE_HD V wide_round(V x) const;
  [[gnu::noinline]] ULPSCOPE_HD V rounded_exp(V x) const;

  Rounder<V> narrow_;
  Rounder<W> wide_rounder_;
  Rounder<double> scalar_;
  bool plain_ = true, wide_ = false, round_wide_ = false, odd_sums_ = false, flush_inputs_ = false, random_ = false;
  int precision_ = Carrier<scalar>::precision;
  scalar least_normal_ = 0;
  mutable Counter counter_;
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision

#include "precision/emulated_detail.hpp"  // IWYU pragma: export
