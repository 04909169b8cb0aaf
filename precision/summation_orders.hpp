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
ULPSCOPE_INLINE_ON_HOST auto sequential_sum(Range range, const Source& source) {
  auto s = source.first(range.begin);
  for (int i = range.begin + range.step; i < range.end; i += range.step) s = source.join(s, i);
  return s;
}

/// Halving, the left half the largest power of two below n, without recursion (a device has little stack): sums of
/// whole powers of two wait in `sums`, larger ones first, and two of one size are added at once. A right half of one
/// term joins as terms do: a product by FMA.
template <class A, class Source>
ULPSCOPE_OUTLINE_ON_DEVICE typename A::value_type pairwise_sum(const A& accumulate, int n, const Source& source) {
  typename A::value_type sums[32];
  int depth = 0;
  for (int i = 0; i + 1 < n; i += 2) {
    sums[depth++] = source.join(source.first(i), i + 1);
    for (int pairs = i / 2; pairs % 2 == 1; pairs /= 2, --depth) {
      sums[depth - 2] = accumulate.add(sums[depth - 2], sums[depth - 1]);
    }
  }
  if (n % 2 == 1 && depth == 0) return source.first(0);
  if (n % 2 == 1) sums[depth - 1] = source.join(sums[depth - 1], n - 1);
  for (; depth > 1; --depth) sums[depth - 2] = accumulate.add(sums[depth - 2], sums[depth - 1]);
  return sums[0];
}

/// `blocked` and `lanes` as a tree: level 0 are the n terms, level k groups level k - 1 by sizes[k - 1], and the root
/// adds what is left sequentially.
struct SumTree {
  int n;
  const Summation& summation;

  ULPSCOPE_OUTLINE_ON_DEVICE int items(int level) const {
    int below = n;
    for (int k = 0; k < level; ++k) {
      const int size = summation.sizes[static_cast<std::size_t>(k)];
      below = summation.kind == Summation::Kind::blocked ? (below + size - 1) / size : below < size ? below : size;
    }
    return below;
  }
  /// Items of level - 1 that make item `index` of `level`; level count + 1 is the root.
  ULPSCOPE_OUTLINE_ON_DEVICE Range children(int level, int index) const {
    const int below = items(level - 1);
    if (level > summation.count) return {0, below, 1};
    const int size = summation.sizes[static_cast<std::size_t>(level - 1)];
    if (summation.kind != Summation::Kind::blocked) return {index, below, size};
    return {index * size, (index + 1) * size < below ? (index + 1) * size : below, 1};
  }
};

/// Items of `level`, at most `most`: each depth is a function of its own, so that a device sees no recursion.
template <int most = 4, class A, class Source>
ULPSCOPE_HD typename A::value_type tree_sum(const A& accumulate, const SumTree& tree, Range range, int level,
                                            const Source& source) {
  if constexpr (most > 0) {
    if (level > 0) {
      auto s = tree_sum<most - 1>(accumulate, tree, tree.children(level, range.begin), level - 1, source);
      for (int i = range.begin + range.step; i < range.end; i += range.step) {
        s = accumulate.add(s, tree_sum<most - 1>(accumulate, tree, tree.children(level, i), level - 1, source));
      }
      return s;
    }
  }
  return sequential_sum(range, source);
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
  return pairwise_sum(accumulate, tree.items(1), LaneSums<A, Source>{accumulate, tree, source});
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
