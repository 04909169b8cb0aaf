// SPDX-License-Identifier: Apache-2.0
// Cheaper arithmetics with the bits of an emulated one, where formats and operands allow; chosen outside the loops.
#pragma once

#include <cstdint>

#include "core/compressor/slot_arithmetic.hpp"
#include "precision/emulated.hpp"
#include "precision/native.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

/// Operations in the carrier's own format; only what a slot keeps is rounded to another.
template <class V>
class Plain : public precision::Native<V> {
 public:
  using Storage = precision::Emulated<V>;
  using precision::Native<V>::Native;
};

/// How OneStep rounds.
enum class StepBy : std::uint8_t {
  none,      ///< it cannot
  addition,  ///< Rounder's add_subtract
  integer,   ///< Rounder's path of that name, without its test for NaN
  half,      ///< the processor's conversion to binary16 and back
  fused,     ///< (x + c) - c by two FMAs, c = 2^(dropped bits) times x's power of two: normal x only, and -0 becomes 0
};

#if defined(__FMA__)
inline constexpr bool fast_fma = true;
#else
inline constexpr bool fast_fma = false;
#endif

#if defined(__F16C__)
template <class V>
inline constexpr bool converts_to_half = sizeof(V) == 32 && !precision::is_double_v<V>;
#else
template <class V>
inline constexpr bool converts_to_half = false;
#endif
#if defined(__AVX512F__)
template <class V>
requires(sizeof(V) == 64) inline constexpr bool converts_to_half<V> = !precision::is_double_v<V>;
#endif

/// Sums and products of values of one format in which the carrier's operation and one rounding suffice: no branches.
/// Operands must be values of the format; so the bits below it are 0 in a NaN too, and carry nothing into its sign.
template <class V, StepBy by>
class OneStep : public precision::LaneOperations<V> {
 public:
  using Storage = precision::Emulated<V>;
  /// Where no sum can leave the normal range, and sums start at 0, the sign of a zero product does not show.
  static constexpr bool has_fused = by == StepBy::integer && fast_fma;
  using Fused = OneStep<V, StepBy::fused>;
  using Bits = typename precision::Carrier<precision::scalar_t<V>>::bits;
  explicit OneStep(const precision::Format& format)
      : rounder_(format),
        drop_(precision::Carrier<precision::scalar_t<V>>::precision - format.precision),
        half_below_((Bits{1} << (drop_ - 1)) - 1),
        keep_(~((Bits{1} << drop_) - 1)),
        scale_(precision::detail::power_of_two<precision::scalar_t<V>>(drop_)) {}
  ULPSCOPE_INLINE V add(V a, V b) const { return round(a + b); }
  ULPSCOPE_INLINE V mul(V a, V b) const { return round(a * b); }
  ULPSCOPE_INLINE V round(V x) const {
    if constexpr (by == StepBy::integer) {
      const auto bits = precision::as_bits(x);
      return precision::from_bits<V>((bits + (((bits >> drop_) & 1) + half_below_)) & keep_);
    } else if constexpr (by == StepBy::fused) {
      using Carrier = precision::Carrier<precision::scalar_t<V>>;
      const V power = precision::from_bits<V>(precision::as_bits(x) & (Carrier::exponent | Carrier::sign));
      return precision::fma(power, precision::splat<V>(-scale_), precision::fma(power, precision::splat<V>(scale_), x));
    } else if constexpr (by == StepBy::half) {
      return through_half(x);
    } else {
      return rounder_.template apply<precision::Rounder<V>::Path::add_subtract>(x);
    }
  }

 private:
  ULPSCOPE_INLINE static V through_half(V x) {
#if defined(__AVX512F__)
    if constexpr (sizeof(V) == 64) {
      constexpr __mmask16 all = 0xffff;  // the plain forms read an undefined value, says g++ 12
      return V(_mm512_maskz_cvtph_ps(all, _mm512_maskz_cvtps_ph(all, __m512(x), _MM_FROUND_TO_NEAREST_INT)));
    }
#endif
#if defined(__F16C__)
    if constexpr (sizeof(V) == 32) return V(_mm256_cvtph_ps(_mm256_cvtps_ph(__m256(x), _MM_FROUND_TO_NEAREST_INT)));
#endif
    return x;
  }
  precision::Rounder<V> rounder_;
  int drop_;
  Bits half_below_, keep_;
  precision::scalar_t<V> scale_;
};

/// Primary: an arithmetic without cheaper variants.
template <class A>
struct Variants {
  static constexpr bool exist = false;
};
template <class V>
struct Variants<precision::Emulated<V>> {
  static constexpr bool exist = true;
  using PlainArithmetic = Plain<V>;
  template <StepBy by>
  using Step = OneStep<V, by>;

  static bool is_carrier(const precision::Format& format) {
    return precision::is_double_v<V> ? precision::is_plain_fp64(format) : precision::is_plain_fp32(format);
  }
  /// Every operation is the carrier's own.
  static bool is_plain(const SlotArithmetic& slot) {
    return is_carrier(slot.compute) && is_carrier(slot.accumulate) && is_carrier(slot.branches);
  }
  static StepBy step(const precision::Format& format) {
    using Rounder = precision::Rounder<V>;
    const bool once = precision::detail::double_rounding_is_innocuous<precision::scalar_t<V>>(format);
    if (!once || format.flush_inputs || format.flush_results || !Rounder::supports(format)) return StepBy::none;
    const Rounder rounder(format);
    if (!rounder.path_is_all()) return StepBy::none;
    if (rounder.path() == Rounder::Path::integer) return StepBy::integer;
    if (rounder.path() != Rounder::Path::add_subtract) return StepBy::none;
    const bool binary16 = format.precision == 11 && format.emin == -14 && format.emax == 15 &&
                          format.special == precision::Special::ieee && !format.saturate;
    return converts_to_half<V> && binary16 ? StepBy::half : StepBy::addition;
  }
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
