// SPDX-License-Identifier: Apache-2.0
// Rotary embedding of the last channels, interleaved pairs, and its VJP (the inverse rotation). See rope.md.
#pragma once

#include "core/compressor/rows/rows.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

template <class V>
struct Pair {
  V even;
  V odd;
};

/// (x0 cos - x1 sin, x1 cos + x0 sin); each product rounded to `branches`, then added.
template <class A>
ULPSCOPE_HD Pair<typename A::value_type> rotate(const Ops<A>& ops, const Pair<typename A::value_type>& x,
                                                const typename A::value_type& cos, const typename A::value_type& sin) {
  const A& f = ops.compute;
  using V = typename A::value_type;
  const auto branch = [&](const V& a, const V& b) { return ops.branches.round(f.mul(a, b)); };
  const V even_cos = branch(x.even, cos);
  const V odd_sin = branch(x.odd, sin);
  const V even = ops.storage.round(f.sub(even_cos, odd_sin));
  const V odd_cos = branch(x.odd, cos);
  const V even_sin = branch(x.even, sin);
  return {even, ops.storage.round(f.add(odd_cos, even_sin))};
}

/// Forward: rotation by the angle. So the cotangent rotates by its negative.
template <class A>
ULPSCOPE_HD Pair<typename A::value_type> rotate_vjp(const Ops<A>& ops, const Pair<typename A::value_type>& g,
                                                    const typename A::value_type& cos,
                                                    const typename A::value_type& sin) {
  return rotate(ops, g, cos, ops.compute.neg(sin));
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
