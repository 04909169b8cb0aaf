// SPDX-License-Identifier: Apache-2.0
// The window kernel of a host: for each window and block of channels, load, run the steps asked for, store.
#pragma once

#include <algorithm>
#include <type_traits>

#include "core/compressor/kernels/fused_window.hpp"
#include "core/compressor/kernels/variants.hpp"
#include "core/compressor/kernels/window_walk.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

/// Channels of a frame: a block of them, whole packs as long as there are any.
template <class A>
std::size_t frame_channels(std::size_t block, std::size_t left) {
  constexpr auto lanes = static_cast<std::size_t>(A::lanes);
  return left < lanes ? left : std::min(block, left / lanes * lanes);
}

/// Plain scalars go step by step, and packs of every level must have their bits, fused or not.
template <class A>
inline constexpr bool fuses = !std::is_floating_point_v<typename A::value_type>;

/// The steps of a frame; fused where its phase is, and it is whole.
template <class A>
class FrameSteps {
 public:
  explicit FrameSteps(const PhaseJob<typename A::scalar_type>& job) : fused_(job) {}
  void operator()(WindowFrame<A>& frame) const {
    if constexpr (fuses<A>) {
      if (fused_.takes(frame)) return fused_(frame);
    }
    run_steps(frame);
  }

 private:
  struct Nothing {
    explicit Nothing(const PhaseJob<typename A::scalar_type>& /*job*/) {}
  };
  std::conditional_t<fuses<A>, FusedWindow<A>, Nothing> fused_;
};

template <class A>
void walk_windows(const PhaseJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end,
                  typename A::scalar_type* arena) {
  const PreparedPhase<A> phase(job, {job.channels, job.channels});
  WindowFrame<A> frame(phase, arena);
  const auto block = static_cast<std::size_t>(job.channels);
  const FrameSteps<A> steps(job);
  for (std::size_t window = begin; window < end; ++window) {
    for (std::size_t channel = job.first_channel; channel < job.last_channel; channel += frame.active) {
      frame.move_to(window, channel, frame_channels<A>(block, job.last_channel - channel));
      frame.load();
      steps(frame);
      frame.store();
    }
  }
  rows::finish_lines();
}

/// Every operation of the phase is the carrier's own.
template <class A>
bool runs_plain(const PhaseJob<typename A::scalar_type>& job) {
  const auto plain = [&](Slot slot) { return Variants<A>::is_plain(job.at(slot)); };
  const bool state = !is_online(job.softmax) || Variants<A>::is_carrier(job.online->state);
  return state && std::all_of(job.steps.begin(), job.steps.end(), plain);
}

/// Windows [begin, end) of the B*n; `arena` holds job.arena() values that no other thread uses.
template <class A>
void run_windows(const PhaseJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end,
                 typename A::scalar_type* arena) {
  if constexpr (Variants<A>::exist) {
    if (runs_plain<A>(job)) return walk_windows<typename Variants<A>::PlainArithmetic>(job, begin, end, arena);
  }
  walk_windows<A>(job, begin, end, arena);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
