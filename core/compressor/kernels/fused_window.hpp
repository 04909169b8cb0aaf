// SPDX-License-Identifier: Apache-2.0
// Windows of a fused phase: no slot but the results leaves registers and two scratch rows a slot.
#pragma once

#include <algorithm>

#include "core/compressor/kernels/fusion.hpp"
#include "core/compressor/kernels/window_steps.hpp"
#include "core/compressor/rows/ordered_pool_vjp.hpp"
#include "core/compressor/rows/softmax_pool.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

template <class A>
class FusedWindow {
 public:
  using T = typename A::scalar_type;

  explicit FusedWindow(const PhaseJob<T>& job)
      : job_(job),
        biased_(ops(Name::biased)),
        forward_{ops(Name::row_max),     ops(Name::shifted), ops(Name::exp),
                 ops(Name::denominator), ops(Name::softmax), ops(Name::weights),
                 ops(Name::products),    ops(Name::pooled),  job.at(forward(Name::products)).compute_exact},
        backward_{gradient_ops(Name::products), gradient_ops(Name::weights), gradient_ops(Name::values),
                  gradient_ops(Name::logits), job.at(gradient(Name::logits)).saved == Saved::stored},
        follows_memory_(rows::follows_memory<A> && may_follow_memory(job)) {}

  /// Whether this frame is one: whole packs, every slot a token of this problem.
  bool takes(const WindowFrame<A>& frame) const {
    return job_.fusion != Fusion::none && frame.active % static_cast<std::size_t>(A::lanes) == 0 &&
           !(job_.geometry.overlap && frame.is_first_of_row()) &&
           std::none_of(frame.padded, frame.padded + frame.slots, [](std::uint8_t pad) { return pad != 0; });
  }

  /// The usual exponentials are chosen outside the loops.
  void operator()(WindowFrame<A>& frame) const {
    using precision::Exp;
    switch (forward_.exp.exp) {
      case Exp::correct:
        return run(frame, rows::Exponential<Exp::correct>{});
      case Exp::fast:
        return run(frame, rows::Exponential<Exp::fast>{});
      case Exp::sleef_u10:
        return run(frame, rows::Exponential<Exp::sleef_u10>{});
      default:
        return run(frame, rows::AnyExponential{});
    }
  }

 private:
  rows::Ops<A> ops(Name name) const { return make_ops<A>(job_.at(forward(name))); }
  rows::Ops<A> gradient_ops(Name name) const { return make_ops<A>(job_.at(gradient(name))); }

  template <class Exp>
  void run(const WindowFrame<A>& frame, Exp exponential) const {
    if constexpr (rows::follows_memory<A>) {
      if (follows_memory_) return run_in_memory_order(frame, exponential);
    }
    run_packs(frame, exponential);
  }

  /// All packs of the frame side by side.
  template <class Exp>
  [[gnu::noinline]] void run_in_memory_order(const WindowFrame<A>& frame, Exp exponential) const {
    const rows::OrderedWindow<A> window{frame.slots,
                                        static_cast<int>(frame.active) / static_cast<int>(A::lanes),
                                        biased_,
                                        frame.token_rows(forward(Name::gate)),
                                        frame.bias_rows(),
                                        frame.token_rows(forward(Name::kv)),
                                        frame.buffer(index_of(Name::values))};
    const auto row_of = [&](Slot slot) { return rows::Rows<A>{frame.buffer(slot.index()), A::lanes}; };
    const Slot pooled = job_.fusion == Fusion::pool ? forward(Name::pooled) : gradient(Name::pooled);
    const rows::OrderedResults<A> results{row_of(forward(Name::row_max)), row_of(forward(Name::denominator)),
                                          row_of(pooled)};
    if (job_.fusion == Fusion::pool) {
      rows::OrderedPool<A, Exp>{forward_, exponential}(window, results);
    } else {
      const typename rows::OrderedPoolVjp<A, Exp>::Steps steps{
          forward_, backward_, exponential, {window.scratch, frame.buffer(gradient_index(Name::weights))}};
      frame.fetch_next_loads();
      rows::OrderedPoolVjp<A, Exp>(steps, window, results, gradients(frame))();
    }
  }

  rows::PoolGradients<A> gradients(const WindowFrame<A>& frame) const {
    return {frame.token_rows(gradient(Name::kv)), frame.token_rows(gradient(Name::biased)), frame.job.gradient_start};
  }

  /// Pack by pack.
  template <class Exp>
  [[gnu::noinline]] void run_packs(const WindowFrame<A>& frame, Exp exponential) const {
    const rows::TokenRows<A> values = frame.token_rows(forward(Name::kv));
    const rows::TokenRows<A> gate = frame.token_rows(forward(Name::gate));
    const rows::TokenRows<A> ape = frame.bias_rows();
    const Scratch scratch(frame);
    for (int c = 0; c < static_cast<int>(frame.active); c += A::lanes) {
      const rows::TokenRows<A> pack_gate = gate.shifted(c);
      const rows::TokenRows<A> pack_ape = ape.shifted(c);
      const auto logit = [&](int r) ULPSCOPE_INLINED {
        pack_gate.fetch_ahead(r);
        return rows::biased(biased_, pack_gate[r], pack_ape[r]);
      };
      const rows::PoolWindow<A> window{frame.slots, values.shifted(c), scratch.logits, scratch.y, scratch.g};
      if (job_.fusion == Fusion::pool) {
        store(frame, c, rows::softmax_pool(forward_, window, logit, exponential));
      } else {
        const rows::PoolGradients<A> out{frame.token_rows(gradient(Name::kv)).shifted(c),
                                         frame.token_rows(gradient(Name::biased)).shifted(c), frame.job.gradient_start};
        rows::PoolVjp<A, Exp>{forward_, backward_, exponential}(window, logit, saved(frame, c), out);
      }
    }
  }

  /// Rows of one pack, one behind the other: of the frame's places that a fused window needs for nothing else.
  struct Scratch {
    rows::Rows<A> logits, y, g;
    explicit Scratch(const WindowFrame<A>& frame)
        : logits(rows_at(frame, forward(Name::biased))),
          y(rows_at(frame, forward(Name::values))),
          g(rows_at(frame, gradient(Name::weights))) {}
    static rows::Rows<A> rows_at(const WindowFrame<A>& frame, Slot slot) {
      return {frame.buffer(slot.index()), A::lanes};
    }
  };

  void store(const WindowFrame<A>& frame, int c, const rows::PoolResult<A>& result) const {
    frame.rows(index_of(Name::row_max), c).set(0, result.maximum);
    frame.rows(index_of(Name::denominator), c).set(0, result.total);
    frame.rows(index_of(Name::pooled), c).set(0, result.pooled);
  }
  /// What the forward stored, and the cotangent of its result.
  rows::PoolResult<A> saved(const WindowFrame<A>& frame, int c) const {
    return {frame.rows(index_of(Name::row_max), c)[0], frame.rows(index_of(Name::denominator), c)[0],
            frame.rows(gradient_index(Name::pooled), c)[0]};
  }

  const PhaseJob<T>& job_;
  rows::Ops<A> biased_;
  rows::PoolOps<A> forward_;
  rows::PoolGradientOps<A> backward_;
  bool follows_memory_;
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
