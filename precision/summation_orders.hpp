// SPDX-License-Identifier: Apache-2.0
// The orders of summation, each written once, over terms or over products.
#pragma once

#include "precision/arithmetic.hpp"
#include "precision/summation_spec.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace detail {

/// Terms of a plain sum: how one begins a partial sum, and how one joins it.
template <class A, class Term>
struct Terms {
  using value_type = typename A::value_type;
  const A& accumulate;
  const Term& term;
  static constexpr bool are_products = false;
  ULPSCOPE_INLINE value_type first(int i) const { return accumulate.round(term(i)); }
  ULPSCOPE_INLINE value_type join(value_type s, int i) const { return accumulate.add(s, term(i)); }
};

/// Terms a(i) b(i) of a dot product, which join by FMA.
template <class A, class F, class G>
struct Products {
  using value_type = typename A::value_type;
  const A& accumulate;
  const F& a;
  const G& b;
  static constexpr bool are_products = true;
  ULPSCOPE_INLINE value_type first(int i) const { return accumulate.mul(a(i), b(i)); }
  ULPSCOPE_INLINE value_type join(value_type s, int i) const { return accumulate.fma(a(i), b(i), s); }
};

/// Terms begin, begin + step, ... below end.
struct Range {
  int begin, end, step;
};

template <class Source>
ULPSCOPE_INLINE auto sequential_sum(Range range, const Source& source) {
  auto s = source.first(range.begin);
  for (int i = range.begin + range.step; i < range.end; i += range.step) s = source.join(s, i);
  return s;
}

template <class A, class Source>
ULPSCOPE_HD typename A::value_type pairwise_sum(const A& accumulate, Range range, const Source& source) {
  const int n = range.end - range.begin;
  if (n == 1) return source.first(range.begin);
  int left = 1;
  while (2 * left < n) left *= 2;
  const auto low = pairwise_sum(accumulate, Range{range.begin, range.begin + left, 1}, source);
  // A right half of one term joins as terms do: a product by FMA.
  if (n - left == 1) return source.join(low, range.begin + left);
  return accumulate.add(low, pairwise_sum(accumulate, Range{range.begin + left, range.end, 1}, source));
}

/// `blocked` and `lanes` as a tree: level 0 are the n terms, level k groups level k - 1 by sizes[k - 1], and the root
/// adds what is left sequentially.
struct SumTree {
  int n;
  const Summation& summation;

  ULPSCOPE_HD int items(int level) const {
    int below = n;
    for (int k = 0; k < level; ++k) {
      const int size = summation.sizes[static_cast<std::size_t>(k)];
      below = summation.kind == Summation::Kind::blocked ? (below + size - 1) / size : below < size ? below : size;
    }
    return below;
  }
  /// Items of level - 1 that make item `index` of `level`; level count + 1 is the root.
  ULPSCOPE_HD Range children(int level, int index) const {
    const int below = items(level - 1);
    if (level > summation.count) return {0, below, 1};
    const int size = summation.sizes[static_cast<std::size_t>(level - 1)];
    if (summation.kind != Summation::Kind::blocked) return {index, below, size};
    return {index * size, (index + 1) * size < below ? (index + 1) * size : below, 1};
  }
};

template <class A, class Source>
ULPSCOPE_HD typename A::value_type tree_sum(const A& accumulate, const SumTree& tree, Range range, int level,
                                            const Source& source) {
  if (level == 0) return sequential_sum(range, source);
  auto s = tree_sum(accumulate, tree, tree.children(level, range.begin), level - 1, source);
  for (int i = range.begin + range.step; i < range.end; i += range.step) {
    s = accumulate.add(s, tree_sum(accumulate, tree, tree.children(level, i), level - 1, source));
  }
  return s;
}

/// The sums of whole lanes, as the terms of a pairwise sum.
template <class A, class Source>
struct LaneSums {
  using value_type = typename A::value_type;
  const A& accumulate;
  const SumTree& tree;
  const Source& source;
  ULPSCOPE_HD value_type first(int i) const { return sequential_sum(tree.children(1, i), source); }
  ULPSCOPE_HD value_type join(value_type s, int i) const { return accumulate.add(s, first(i)); }
};

template <class A, class Source>
ULPSCOPE_HD typename A::value_type lanes_pairwise_sum(const A& accumulate, const SumTree& tree, const Source& source) {
  return pairwise_sum(accumulate, Range{0, tree.items(1), 1}, LaneSums<A, Source>{accumulate, tree, source});
}

/// Compensated summation: c carries what the last addition lost [Kahan65; Higham02, algorithm 4.2].
template <class A, class Source>
ULPSCOPE_HD typename A::value_type kahan_sum(const A& accumulate, int n, const Source& source) {
  auto s = source.first(0);
  auto c = accumulate.from(0);
  for (int i = 1; i < n; ++i) {
    const auto y = source.join(accumulate.neg(c), i);
    const auto t = accumulate.add(s, y);
    c = accumulate.sub(accumulate.sub(t, s), y);
    s = t;
  }
  return s;
}

}  // namespace detail
}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
