// SPDX-License-Identifier: Apache-2.0
// Sums and dot products whose order and algorithm are data.
#pragma once

#include "precision/summation_cascade.hpp"
#include "precision/summation_exact.hpp"
#include "precision/summation_orders.hpp"
#include "precision/summation_spec.hpp"
#include "precision/tensor_core.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace detail {

template <Arithmetic A, class Source>
ULPSCOPE_OUTLINE_ON_DEVICE typename A::value_type accumulate_terms(const A& accumulate, int n,
                                                                   const Summation& summation, const Source& source) {
  using Kind = Summation::Kind;
  const Range all{0, n, 1};
  if (n <= 0) return accumulate.from(0);
  switch (summation.kind) {
    case Kind::pairwise:
      return pairwise_sum(accumulate, n, source);
    case Kind::blocked:
    case Kind::lanes: {
      const SumTree tree{n, summation};
      return tree_sum(accumulate, tree, tree.children(summation.count + 1, 0), summation.count, source);
    }
    case Kind::lanes_pairwise:
      return lanes_pairwise_sum(accumulate, SumTree{n, summation}, source);
    case Kind::cascade:
      return cascades_sum(accumulate, all, summation.sizes[0], source);
    case Kind::torch_rows:
      return cascade_sum(accumulate, all, source);
    case Kind::torch_channels:
      return channels_sum(accumulate, n, vector_elements(summation), source);
    case Kind::kahan:
      return kahan_sum(accumulate, n, source);
    // A kind of numbers that is not carried in float or double (MPFR, dual) has no hardware to imitate.
    case Kind::tensor_core:
      if constexpr (HasCarrier<A>) return tensor_core_sum(accumulate, n, summation, source);
      break;
    case Kind::exact:
      if constexpr (HasCarrier<A>) return exact_sum(accumulate, n, source);
      break;
    case Kind::sequential:
    case Kind::blas:
      break;
  }
  return sequential_sum(all, source);
}

}  // namespace detail

/// Sum of term(0) .. term(n - 1), every partial sum rounded to the accumulate format. n = 0 gives 0.
template <Arithmetic A, class Term>
ULPSCOPE_HD typename A::value_type sum(const A& accumulate, int n, const Summation& summation, Term term) {
  return detail::accumulate_terms(accumulate, n, summation, detail::Terms<A, Term>{accumulate, term});
}

/// Sum of a(i) b(i). Products are not rounded on their own: each joins its sum by FMA, and the first of a sum is
/// rounded once with it. `exact` rounds the whole dot product once.
template <Arithmetic A, class F, class G>
ULPSCOPE_HD typename A::value_type dot(const A& accumulate, int n, const Summation& summation, F a, G b) {
  return detail::accumulate_terms(accumulate, n, summation, detail::Products<A, F, G>{accumulate, a, b});
}

/// Both in sequential order only, n > 0, inlined: each term is read once, so reading may compute it.
template <Arithmetic A, class Term>
ULPSCOPE_INLINE typename A::value_type sum_in_order(const A& accumulate, int n, Term term) {
  return detail::sequential_sum(detail::Range{0, n, 1}, detail::Terms<A, Term>{accumulate, term});
}
template <Arithmetic A, class F, class G>
ULPSCOPE_INLINE typename A::value_type dot_in_order(const A& accumulate, int n, F a, G b) {
  return detail::sequential_sum(detail::Range{0, n, 1}, detail::Products<A, F, G>{accumulate, a, b});
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
