// SPDX-License-Identifier: Apache-2.0
// What one look at a product's factors tells: whether they are values of a format, and how large and small they are.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/compressor/kernels/job.hpp"
#include "core/compressor/rows/rows.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

/// Calls visit(pack) for `count` values, the last pack filled up with zeros, until it says false.
template <class V, class F>
bool each_pack_of(const precision::scalar_t<V>* values, std::size_t count, F visit) {
  constexpr auto lanes = static_cast<std::size_t>(precision::lanes_v<V>);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    if (!visit(precision::load<V>(values + i))) return false;
  }
  precision::scalar_t<V> tail[lanes] = {};
  std::copy(values + i, values + count, tail);
  return visit(precision::load<V>(tail));
}

/// Rows [begin, end) of the left factor, contiguous along one axis, pack by pack.
template <class V, class F>
bool each_left(const MultiplyJob<precision::scalar_t<V>>& job, std::size_t begin, std::size_t end, F visit) {
  const bool along_depth = job.a_depth == 1;
  const std::size_t first = along_depth ? begin : 0;
  const std::size_t last = along_depth ? end : job.depth;
  for (std::size_t i = first; i < last; ++i) {
    const auto* start = along_depth ? job.a + static_cast<std::ptrdiff_t>(i) * job.a_row
                                    : job.a + static_cast<std::ptrdiff_t>(i) * job.a_depth + begin;
    if (!each_pack_of<V>(start, along_depth ? job.depth : end - begin, visit)) return false;
  }
  return true;
}

/// The right factor's panels, `width` columns each.
template <class V, class F>
bool each_right(const MultiplyJob<precision::scalar_t<V>>& job, std::size_t width, F visit) {
  return each_pack_of<V>(job.panels, (job.columns + width - 1) / width * width * job.depth, visit);
}

/// The largest and the least nonzero magnitude, by encodings: NaN is larger than infinity.
template <class V>
class Magnitudes {
 public:
  bool operator()(V x) {
    const ints_t magnitude = __builtin_bit_cast(ints_t, precision::abs(x));
    most_ = magnitude > most_ ? magnitude : most_;
    const ints_t nonzero = magnitude == splat(0) ? splat(endless) : magnitude;
    least_ = nonzero < least_ ? nonzero : least_;
    return true;
  }
  double most() const {
    return extreme(most_, [](scalar a, scalar b) { return std::max(a, b); });
  }
  double least() const {
    return extreme(least_, [](scalar a, scalar b) { return std::min(a, b); });
  }

 private:
  using ints_t = precision::ints_t<V>;
  using scalar = precision::scalar_t<ints_t>;
  static constexpr scalar endless = static_cast<scalar>(precision::Carrier<precision::scalar_t<V>>::exponent);
  static ints_t splat(scalar x) { return precision::splat<ints_t>(x); }
  template <class F>
  static double extreme(ints_t lanes, F better) {
    scalar found = precision::lane(lanes, 0);
    for (int i = 1; i < precision::lanes_v<V>; ++i) found = better(found, precision::lane(lanes, i));
    return static_cast<double>(__builtin_bit_cast(precision::scalar_t<V>, found));
  }
  ints_t most_ = splat(0);
  ints_t least_ = splat(endless);
};

/// Whether no product and no sum of products, each rounded to `format`, can leave the normal range in which adding and
/// subtracting 2^(dropped bits) of x's own power of two rounds x: sums are multiples of the least product's last place.
template <class V>
bool stays_normal(const MultiplyJob<precision::scalar_t<V>>& job, const Magnitudes<V>& left,
                  const Magnitudes<V>& right) {
  using Carrier = precision::Carrier<precision::scalar_t<V>>;
  const precision::Format& format = job.arithmetic->compute;
  const double most = left.most() * right.most() * 2 * static_cast<double>(job.depth);  // 2: the roundings' growth
  const double least = left.least() * right.least();
  return most < std::ldexp(1.0, Carrier::emax - Carrier::precision + format.precision - 1) &&
         least >= std::ldexp(1.0, Carrier::emin + format.precision);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
