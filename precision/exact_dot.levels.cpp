// SPDX-License-Identifier: Apache-2.0
// The loops of exact_dot, compiled once per SIMD level. Packs have eight lanes at every level: one order of sums.
#include "precision/error_free.hpp"
#include "precision/exact_dot_levels.hpp"
#include "precision/for_each_pack.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace {

using V = Pack<double, 8>;
constexpr std::size_t lanes = 8;
// Numbers far apart in memory are asked for so many steps before they are needed.
constexpr std::size_t ahead = 32;
// Below it a product's rounding error may itself underflow; above it two_prod is exact.
constexpr double safe_product = 0x1p-960;
// More than the error of two_prod where the product underflows, with or without FMA.
constexpr double underflow = 0x1p-1070;

/// A sum with a radius, as a scalar or a pack.
template <class T>
struct Sum {
  T high, low, radius;

  /// What no longer fits high + low joins the radius.
  ULPSCOPE_INLINE void add(T x) {
    const TwoTerm<T> first = two_sum(high, x);
    const TwoTerm<T> second = two_sum(low, first.low);
    const TwoTerm<T> total = two_sum(first.high, second.high);
    high = total.high;
    low = total.low;
    radius = radius + abs(second.low);
  }
  ULPSCOPE_INLINE void add_product(T x, T y) {
    const TwoTerm<T> product = two_prod(x, y);
    add(product.high);
    const T zero = splat<T>(0);
    if (any(product.low != zero)) add(product.low);
    const auto tiny = (abs(product.high) < splat<T>(safe_product)) & (x != zero) & (y != zero);
    radius = radius + select(tiny, splat<T>(underflow), zero);
  }
};

ULPSCOPE_INLINE Sum<V> load_sums(const DotSums& sums, std::size_t i) {
  return {load_padded<V>(sums.high, i, sums.count), load_padded<V>(sums.low, i, sums.count),
          load_padded<V>(sums.radius, i, sums.count)};
}
ULPSCOPE_INLINE void store_sums(const DotSums& sums, std::size_t i, const Sum<V>& sum) {
  store_padded<V>(sums.high, i, sums.count, sum.high);
  store_padded<V>(sums.low, i, sums.count, sum.low);
  store_padded<V>(sums.radius, i, sums.count, sum.radius);
}

double sum_of_squares(const double* x, std::size_t count) {
  V s[4] = {};
  std::size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
#pragma GCC unroll 4
    for (std::size_t part = 0; part < 4; ++part) {
      const V v = load<V>(x + i + part * lanes);
      s[part] = s[part] + v * v;
    }
  }
  for (; i < count; i += lanes) {
    const V v = load_padded<V>(x, i, count);
    s[0] = s[0] + v * v;
  }
  const V total = (s[0] + s[1]) + (s[2] + s[3]);
  double sum = 0;
  for (int k = 0; k < static_cast<int>(lanes); ++k) sum += lane(total, k);
  return sum;
}

std::size_t cut(const DotCutting& cutting) {
  // Beside 1.5 2^52 units every sum is rounded to a multiple of the unit.
  const V anchor = splat<V>(0x1.8p52 * cutting.unit);
  ints_t<V> differ{};
  for (std::size_t i = 0; i < cutting.count; i += lanes) {
    const V x = load_padded<V>(cutting.x, i, cutting.count);
    const V window = (x + anchor) - anchor;
    differ = differ - (x != window);
    store_padded<V>(cutting.window, i, cutting.count, window);
  }
  std::int64_t sum = 0;
  for (int k = 0; k < static_cast<int>(lanes); ++k) sum += lane(differ, k);
  return static_cast<std::size_t>(sum);
}

void add(const DotSums& sums, const double* x) {
  for (std::size_t i = 0; i < sums.count; i += lanes) {
    Sum<V> sum = load_sums(sums, i);
    sum.add(load_padded<V>(x, i, sums.count));
    store_sums(sums, i, sum);
  }
}

ULPSCOPE_INLINE V gather(DotStrided x, std::size_t i, std::size_t count) {
  V v{};
  for (std::size_t k = 0; k < lanes && i + k < count; ++k) {
    v[k] = x.values[(i + k) * x.step];
    if (i + k + ahead < count) __builtin_prefetch(x.values + (i + k + ahead) * x.step);
  }
  return v;
}

void add_multiple(const DotSums& sums, double factor, DotStrided x) {
  for (std::size_t i = 0; i < sums.count; i += lanes) {
    Sum<V> sum = load_sums(sums, i);
    sum.add_product(splat<V>(factor), gather(x, i, sums.count));
    store_sums(sums, i, sum);
  }
}

void add_entries(const DotSums& sums, DotStrided x, DotEntries entries) {
  for (std::size_t i = 0; i < entries.count; ++i) {
    const DotEntry& entry = entries.first[i];
    if (i + ahead < entries.count) __builtin_prefetch(x.values + entries.first[i + ahead].k * x.step);
    Sum<double> sum{sums.high[entry.row], sums.low[entry.row], sums.radius[entry.row]};
    sum.add_product(x.values[entry.k * x.step], entry.value);
    sums.high[entry.row] = sum.high;
    sums.low[entry.row] = sum.low;
    sums.radius[entry.row] = sum.radius;
  }
}

/// The compensated sum of products [Ogita-Rump-Oishi05, Dot2], with the sum of what its corrections amount to.
struct Compensated {
  V sum{}, correction{}, size{};

  ULPSCOPE_INLINE void add_product(V x, V y) {
    const TwoTerm<V> product = two_prod(x, y);
    const TwoTerm<V> total = two_sum(sum, product.high);
    const V rest = total.low + product.low;
    sum = total.high;
    correction = correction + rest;
    size = size + abs(rest);
  }
};

void compensated(const DotTile& tile) {
  Compensated state[compensated_rows];
  for (std::size_t k = 0; k < tile.depth; ++k) {
    const V b = load<V>(tile.panel + k * lanes);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < compensated_rows; ++r) state[r].add_product(splat<V>(tile.a[r][k]), b);
  }
  // exact_dot.md: each of depth corrections is rounded once, and their sum once more per term.
  const auto depth = static_cast<double>(tile.depth);
  const V factor = splat<V>((depth + 4) * 0x1p-53);
  const V absolute = splat<V>(depth * underflow);
  for (std::size_t r = 0; r < tile.rows; ++r) {
    const TwoTerm<V> total = two_sum(state[r].sum, state[r].correction);
    const DotSums& sums = tile.sums;
    const std::size_t at = r * tile.sums_row;
    store_sums({sums.high + at, sums.low + at, sums.radius + at, sums.count}, 0,
               {total.high, total.low, state[r].size * factor + absolute});
  }
}

}  // namespace

const ExactDotKernels& exact_dot_kernels() {
  static constexpr ExactDotKernels kernels{sum_of_squares, cut, add, add_multiple, add_entries, compensated};
  return kernels;
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
