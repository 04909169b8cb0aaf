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
  const auto branch = [&](const auto& a, const auto& b) { return ops.branches.round(f.mul(a, b)); };
  return {ops.storage.round(f.sub(branch(x.even, cos), branch(x.odd, sin))),
          ops.storage.round(f.add(branch(x.odd, cos), branch(x.even, sin)))};
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
