// SPDX-License-Identifier: Apache-2.0
// From a plan's formats to the arithmetic objects that row functions take.
#pragma once

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/rows/rows.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

template <class A>
rows::Ops<A> make_ops(const SlotArithmetic& slot) {
  using Storage = typename rows::Ops<A>::Storage;
  return rows::Ops<A>{A(slot.compute),  A(slot.accumulate), Storage(slot.storage),
                      A(slot.branches), slot.compute_exact, slot.summation,
                      slot.exp,         slot.division,      slot.rsqrt,
                      slot.softmax_vjp, slot.max_gradient,  slot.norm_vjp};
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
