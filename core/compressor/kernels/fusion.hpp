// SPDX-License-Identifier: Apache-2.0
// Which phases are a whole pool with nothing kept inside: their windows run in the passes of rows/softmax_pool.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "core/compressor/kernels/job.hpp"

namespace ulpscope::compressor::kernels {
namespace fusion {

using Slots = std::span<const Slot>;

inline bool holds(Slots slots, Slot slot) { return std::find(slots.begin(), slots.end(), slot) != slots.end(); }

/// The steps are `inside` and `kept`, and nothing inside is stored. Products may be absent: an FMA needs none.
template <class T>
bool steps_are(const PhaseJob<T>& job, Slots inside, Slots kept) {
  const auto wanted = [&](Slot slot) { return slot == forward(Name::products) || holds(job.steps, slot); };
  return std::all_of(inside.begin(), inside.end(), wanted) && std::all_of(kept.begin(), kept.end(), wanted) &&
         std::all_of(job.steps.begin(), job.steps.end(), [&](Slot slot) {
           return holds(kept, slot) || (holds(inside, slot) && !(*job.views)[slot.index()]);
         });
}

template <class T>
bool is_pool(const PhaseJob<T>& job) {
  constexpr std::array inside{forward(Name::values),  forward(Name::biased),  forward(Name::logits),
                              forward(Name::shifted), forward(Name::exp),     forward(Name::softmax),
                              forward(Name::weights), forward(Name::products)};
  constexpr std::array kept{forward(Name::row_max), forward(Name::denominator), forward(Name::pooled)};
  const bool sequential = job.at(forward(Name::pooled)).summation.kind == precision::Summation::Kind::sequential;
  return steps_are(job, inside, kept) && (sequential || !job.at(forward(Name::products)).compute_exact);
}

template <class T>
bool is_pool_gradient(const PhaseJob<T>& job) {
  constexpr std::array inside{forward(Name::values),  forward(Name::biased),    forward(Name::logits),
                              forward(Name::shifted), forward(Name::exp),       forward(Name::softmax),
                              forward(Name::weights), gradient(Name::products), gradient(Name::weights),
                              gradient(Name::values), gradient(Name::logits)};
  constexpr std::array kept{gradient(Name::kv), gradient(Name::biased)};
  return is_closed(job.at(gradient(Name::logits)).softmax_vjp) && steps_are(job, inside, kept) &&
         job.moves_unchanged[gradient_index(Name::kv)] && job.moves_unchanged[gradient_index(Name::biased)];
}

}  // namespace fusion

/// bias_first, a softmax in two passes, rows that only move; pads and prior windows are not a fused window's business.
template <class T>
Fusion fusion_of(const PhaseJob<T>& job) {
  const bool two_passes =
      job.softmax != Softmax::naive && job.softmax != Softmax::log_softmax && !is_online(job.softmax);
  const bool moves = job.moves_unchanged[index_of(Name::values)] && job.moves_unchanged[index_of(Name::logits)];
  if (job.pipeline != Pipeline::bias_first || !two_passes || !moves || job.random) return Fusion::none;
  if (fusion::is_pool(job)) return Fusion::pool;
  return fusion::is_pool_gradient(job) ? Fusion::pool_gradient : Fusion::none;
}

/// Fused windows whose sums run in order, so that they may be taken a few rows of each pack at a time: forward only
/// where a window has more rows than a processor follows anyway.
template <class T>
bool may_follow_memory(const PhaseJob<T>& job) {
  constexpr std::size_t short_window = 16;
  const auto in_order = [&](Slot slot) {
    return job.at(slot).summation.kind == precision::Summation::Kind::sequential;
  };
  if (job.fusion == Fusion::pool_gradient) return in_order(gradient(Name::logits));
  return job.fusion == Fusion::pool && job.geometry.window_slots > short_window &&
         in_order(forward(Name::denominator)) && in_order(forward(Name::pooled));
}

}  // namespace ulpscope::compressor::kernels
