// SPDX-License-Identifier: Apache-2.0
// Cheaper arithmetics with the bits of an emulated one, where formats and operands allow; chosen outside the loops.
#pragma once

#include "core/compressor/arithmetic_plan.hpp"
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

/// Sums and products of values of one format in which the carrier's operation and one rounding suffice: no branches.
template <class V, typename precision::Rounder<V>::Path path>
class OneStep : public precision::LaneOperations<V> {
 public:
  using Storage = precision::Emulated<V>;
  explicit OneStep(const precision::Format& format) : rounder_(format) {}
  ULPSCOPE_INLINE V add(V a, V b) const { return round(a + b); }
  ULPSCOPE_INLINE V mul(V a, V b) const { return round(a * b); }
  ULPSCOPE_INLINE V round(V x) const { return rounder_.template apply<path>(x); }

 private:
  precision::Rounder<V> rounder_;
};

/// Primary: an arithmetic without cheaper variants.
template <class A>
struct Variants {
  static constexpr bool exist = false;
};
template <class V>
struct Variants<precision::Emulated<V>> {
  static constexpr bool exist = true;
  using Path = typename precision::Rounder<V>::Path;
  using PlainArithmetic = Plain<V>;
  using ByInteger = OneStep<V, Path::integer>;
  using ByAddition = OneStep<V, Path::add_subtract>;

  static bool is_carrier(const precision::Format& format) {
    return precision::is_double_v<V> ? precision::is_plain_fp64(format) : precision::is_plain_fp32(format);
  }
  /// Every operation is the carrier's own.
  static bool is_plain(const SlotArithmetic& slot) {
    return is_carrier(slot.compute) && is_carrier(slot.accumulate) && is_carrier(slot.branches);
  }
  /// How OneStep rounds to a format; identity: it cannot.
  static Path one_step(const precision::Format& format) {
    using Rounder = precision::Rounder<V>;
    const bool once = precision::detail::double_rounding_is_innocuous<precision::scalar_t<V>>(format);
    if (!once || format.flush_inputs || format.flush_results || !Rounder::supports(format)) return Path::identity;
    const Rounder rounder(format);
    const bool alone = rounder.path_is_all() && rounder.path() != Path::any_mode;
    return alone ? rounder.path() : Path::identity;
  }
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
