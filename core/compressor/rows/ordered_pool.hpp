// SPDX-License-Identifier: Apache-2.0
// The passes of softmax_pool.hpp with all packs of a frame side by side, a few rows of each at a time: they follow
// memory, where a pack's rows alone are far apart. Same operations, order and bits.
#pragma once

#include "core/compressor/rows/softmax_pool.hpp"
#include "precision/native.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// Arithmetics that pool so: their operations are so few that memory is what counts.
template <class A>
inline constexpr bool follows_memory = false;
template <class V>
inline constexpr bool follows_memory<precision::Native<V>> = (precision::lanes_v<V> > 1);

/// Rows of a pack that a pass takes before it turns to the next pack: not more than a processor follows at a time.
inline constexpr int rows_at_a_time = 8;

struct RowRange {
  int begin = 0;
  int end = 0;
};

/// One window without pads, all packs of a frame: its tokens as they lie, and scratch, `count` rows for each pack.
template <class A>
struct OrderedWindow {
  using T = typename A::scalar_type;
  int count = 0;
  int packs = 0;
  const Ops<A>& bias;
  TokenRows<A> gate, ape, values;
  T* scratch = nullptr;

  /// Scratch of some rows of a pack: one behind the other in the order of passes.
  ULPSCOPE_INLINE Rows<A> rows(RowRange range, int p) const {
    const std::ptrdiff_t before = std::ptrdiff_t{range.begin} * packs + std::ptrdiff_t{range.end - range.begin} * p;
    return {scratch + before * A::lanes, A::lanes};
  }
  /// pass(rows) for ranges of all rows.
  template <class Pass>
  ULPSCOPE_INLINE void for_each_range(Pass pass) const {
    for (int first = 0; first < count;) {
      const int whole = first < gate.split ? gate.split : count;  // rows of one range are equally far apart
      const RowRange range{first, whole < first + rows_at_a_time ? whole : first + rows_at_a_time};
      pass(range);
      first = range.end;
    }
  }
  /// pass(rows, p) for all rows and packs in the order of memory.
  template <class Pass>
  ULPSCOPE_INLINE void in_memory_order(Pass pass) const {
    for_each_range([&](RowRange range) ULPSCOPE_INLINED {
      for (int p = 0; p < packs; ++p) pass(range, p);
    });
  }
};

/// Rows of a range, row(0) its first, join the sum of the rows before them, in order; a window's first row begins it.
template <class A, class F>
ULPSCOPE_INLINE typename A::value_type sum_on(const A& accumulate, RowRange range, typename A::value_type sum, F row) {
  int r = 0;
  if (range.begin == 0) sum = accumulate.round(row(r++));
  for (; r < range.end - range.begin; ++r) sum = accumulate.add(sum, row(r));
  return sum;
}
/// The same for products that reach their sum unrounded.
template <class A, class F, class G>
ULPSCOPE_INLINE typename A::value_type dot_on(const A& accumulate, RowRange range, typename A::value_type sum, F a,
                                              G b) {
  int r = 0;
  if (range.begin == 0) sum = accumulate.mul(a(0), b(0)), ++r;
  for (; r < range.end - range.begin; ++r) sum = accumulate.fma(a(r), b(r), sum);
  return sum;
}

/// A value for each pack: max, sum or result so far.
template <class A>
struct OrderedResults {
  Rows<A> maximum, total, pooled;
};

/// Asks for rows of packs that will be needed, as they lie, a pack a step: evenly, while a pass computes. A pack's last
/// value stands for it: rows begin where they like, and the line of the first value is that of another pack's last.
template <class A>
class Fetcher {
 public:
  using T = typename A::scalar_type;
  /// `ahead`: values from the rows to what is needed in their place.
  ULPSCOPE_INLINE Fetcher(const TokenRows<A>& rows, int packs, std::ptrdiff_t ahead)
      : rows_(rows), packs_(packs), ahead_(static_cast<std::uintptr_t>(ahead) * sizeof(T)) {
    begin_row();
  }
  ULPSCOPE_INLINE void step() {
    __builtin_prefetch(reinterpret_cast<const void*>(at_), 0, 2);
    at_ += sizeof(typename A::value_type);
    if (++pack_ < packs_) return;
    pack_ = 0;
    ++row_;
    begin_row();
  }

 private:
  ULPSCOPE_INLINE void begin_row() { at_ = reinterpret_cast<std::uintptr_t>(rows_.at(row_) + (A::lanes - 1)) + ahead_; }
  const TokenRows<A>& rows_;
  int packs_;
  std::uintptr_t ahead_;
  int row_ = 0;
  int pack_ = 0;
  std::uintptr_t at_ = 0;  ///< there may be nothing: a hint is all it is for
};

/// From tokens to the pooled entries; sums in sequential order.
template <class A, class Exp>
struct OrderedPool {
  using V = typename A::value_type;
  const PoolOps<A>& ops;
  Exp exponential;

  ULPSCOPE_INLINE void operator()(const OrderedWindow<A>& window, const OrderedResults<A>& out) const {
    window.in_memory_order([&](RowRange range, int p) ULPSCOPE_INLINED {
      const V before = range.begin == 0 ? A::constant(-precision::infinity()) : out.maximum[p];
      out.maximum.set(p, keep_logits(window, range, p, before));
    });
    bool replaced = false;
    without_doubt<A>(exponential, [&](const auto& exp) ULPSCOPE_INLINED {
      if (replaced) again(window, out);
      replaced = true;
      Fetcher<A> values(window.values, window.packs, 0);
      Fetcher<A> gate(window.gate, window.packs, window.gate.ahead);
      window.in_memory_order([&](RowRange range, int p) ULPSCOPE_INLINED {
        const V maximum = ops.row_max.storage.round(out.maximum[p]);
        const Rows<A> rows = window.rows(range, p);
        const auto exponentials = [&](int r) ULPSCOPE_INLINED {
          values.step();
          gate.step();
          return kept(rows, r, exp(ops.exp, shifted(ops.shifted, rows[r], maximum)));
        };
        out.total.set(p, sum_on(ops.denominator.accumulate, range, out.total[p], exponentials));
      });
      return V{};
    });
    for (int p = 0; p < window.packs; ++p) {
      out.maximum.set(p, ops.row_max.storage.round(out.maximum[p]));
      out.total.set(p, ops.denominator.storage.round(out.total[p]));
    }
    window.in_memory_order([&](RowRange range, int p)
                               ULPSCOPE_INLINED { out.pooled.set(p, pool(window, range, p, out)); });
    for (int p = 0; p < window.packs; ++p) out.pooled.set(p, ops.pooled.storage.round(out.pooled[p]));
  }

 private:
  /// Logits to scratch; their maximum, and that of the rows before.
  ULPSCOPE_INLINE static V keep_logits(const OrderedWindow<A>& window, RowRange range, int p, V best) {
    const Rows<A> gate = window.gate.from(range.begin, p * A::lanes);
    const Rows<A> ape = window.ape.from(range.begin, p * A::lanes);
    const Rows<A> logits = window.rows(range, p);
    for (int r = 0; r < range.end - range.begin; ++r) {
      best = A::max(best, kept(logits, r, biased(window.bias, gate[r], ape[r])));
    }
    return best;
  }

  /// Logits, where exponentials have taken their places.
  ULPSCOPE_INLINE static void again(const OrderedWindow<A>& window, const OrderedResults<A>& out) {
    window.in_memory_order([&](RowRange range, int p)
                               ULPSCOPE_INLINED { keep_logits(window, range, p, out.maximum[p]); });
  }

  /// The pooled sum with some rows more.
  ULPSCOPE_INLINE V pool(const OrderedWindow<A>& window, RowRange range, int p, const OrderedResults<A>& so_far) const {
    const Rows<A> exponentials = window.rows(range, p);
    const Rows<A> values = window.values.from(range.begin, p * A::lanes);
    const Quotient<A> softmax(ops.softmax, so_far.total[p]);
    const auto weights = [&](int r) ULPSCOPE_INLINED { return weight(ops.weights, softmax(exponentials[r])); };
    const auto value = [&](int r) ULPSCOPE_INLINED { return values[r]; };
    if (ops.exact_products) return dot_on(ops.pooled.accumulate, range, so_far.pooled[p], weights, value);
    return sum_on(ops.pooled.accumulate, range, so_far.pooled[p],
                  [&](int r) ULPSCOPE_INLINED { return product(ops.products, weights(r), value(r)); });
  }
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
