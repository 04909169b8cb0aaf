// SPDX-License-Identifier: Apache-2.0
// From a plan's formats to the arithmetic objects that row functions take.
#pragma once

#include "core/compressor/rows/rows.hpp"
#include "core/compressor/slot_arithmetic.hpp"
#include "precision/random.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

template <class A>
rows::Ops<A> make_ops(const SlotArithmetic& slot) {
  using Storage = typename rows::Ops<A>::Storage;
  return rows::Ops<A>{A(slot.compute),    A(slot.accumulate), Storage(slot.storage), A(slot.branches),
                      slot.compute_exact, slot.summation,     slot.exp.full,         slot.division,
                      slot.rsqrt,         slot.softmax_vjp,   slot.max_gradient,     slot.norm_vjp};
}

/// Where a slot's draws start: its key, and the element that the operations compute.
struct Draws {
  std::uint64_t key = 0;
  std::uint64_t element = 0;
};

/// The same operations, drawing for one element: each role counts its own. Arithmetics that draw nothing stay as they
/// are.
template <class A>
ULPSCOPE_HD rows::Ops<A> draw_from(const rows::Ops<A>& ops, const Draws& draws) {
  rows::Ops<A> drawing = ops;
  const auto key = [&](std::uint64_t role) { return precision::Counter{draws.key + role, draws.element, 0}; };
  if constexpr (requires(const A& a) { a.at(precision::Counter{}); }) {
    drawing.compute = ops.compute.at(key(0));
    drawing.accumulate = ops.accumulate.at(key(1));
    drawing.branches = ops.branches.at(key(2));
  }
  if constexpr (requires { ops.storage.at(precision::Counter{}); }) drawing.storage = ops.storage.at(key(3));
  return drawing;
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
