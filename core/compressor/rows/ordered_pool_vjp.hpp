// SPDX-License-Identifier: Apache-2.0
// The backward passes of softmax_pool.hpp over blocks of a few packs: the second pass of a block runs along with the
// first of the next one, so that memory is read and written all the time. Same operations, order and bits.
#pragma once

#include <array>

#include "core/compressor/rows/ordered_pool.hpp"
#include "core/compressor/rows/pack_grid.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// Bytes of a row in a block, at most.
inline constexpr std::size_t block_bytes = 192;

/// Asks for rows that will be needed in some time. There may be nothing: a hint is all it is.
template <class A>
class RowHint {
 public:
  using T = typename A::scalar_type;
  /// What lies `beyond` so many values from each row.
  ULPSCOPE_INLINE RowHint(const Rows<A>& rows, std::ptrdiff_t beyond)
      : at_(reinterpret_cast<std::uintptr_t>(rows.base) + static_cast<std::uintptr_t>(beyond) * sizeof(T)),
        stride_(static_cast<std::uintptr_t>(rows.stride) * sizeof(T)) {}
  ULPSCOPE_INLINE void read(int r) const { __builtin_prefetch(row(r), 0, 2); }
  ULPSCOPE_INLINE void write(int r) const { __builtin_prefetch(row(r), 1, 3); }

 private:
  ULPSCOPE_INLINE const void* row(int r) const {
    return reinterpret_cast<const void*>(at_ + static_cast<std::uintptr_t>(r) * stride_);
  }
  std::uintptr_t at_;
  std::uintptr_t stride_;
};

/// From cotangents (saved.pooled), the saved maxima and totals, a value for each channel, back to values and logits;
/// sums in sequential order.
template <class A, class Exp>
class OrderedPoolVjp {
 public:
  using T = typename A::scalar_type;
  using V = typename A::value_type;
  /// The arithmetic of the steps; scratch for y of two blocks, each of as many values as the window has.
  struct Steps {
    const PoolOps<A>& forward;
    const PoolGradientOps<A>& ops;
    Exp exponential;
    std::array<T*, 2> scratch;
  };

  ULPSCOPE_INLINE OrderedPoolVjp(const Steps& steps, const OrderedWindow<A>& window, const OrderedResults<A>& saved,
                                 const PoolGradients<A>& out)
      : steps_(steps),
        window_(window),
        saved_(saved),
        out_(out),
        lines_(lines_of(out)),
        grid_(window.packs * A::lanes, lines_.shift),
        step_(std::min(even_share(grid_.packs()), window.packs)) {}

  ULPSCOPE_INLINE void operator()() {
    blocks_[1].count = 0;
    for (int first = 0, half = 0; first < grid_.packs() + step_; first += step_, half = 1 - half) {
      Block& block = blocks_[half];
      const Block& before = blocks_[1 - half];
      begin(block, first);
      bool written = false;
      without_doubt<A>(steps_.exponential, [&](const auto& exp) ULPSCOPE_INLINED {
        window_.for_each_range([&](RowRange range) ULPSCOPE_INLINED {
          const Tokens tokens = tokens_of(range);
          for (int i = 0; i < step_; ++i) {
            if (i < block.count) add_products(exp, tokens, block, i);
            if (!written && i < before.count) write(tokens, before, i);
          }
        });
        written = true;
        return V{};
      });
    }
  }

 private:
  static constexpr int most = static_cast<int>(block_bytes / sizeof(V));
  /// A pack's channels, and what will be read in its place some blocks on: values from a row's first to there.
  struct Place {
    int channel = 0;
    LaneRange own;
    bool is_line = false;
    std::ptrdiff_t next_values = 0;
    std::ptrdiff_t next_gate = 0;
  };
  /// Packs on their way through both passes: y of all rows, and the sums of y g.
  struct Block {
    int count = 0;
    T* y = nullptr;
    Place places[most];
    V sums[most];
  };
  /// Rows of a range, from their first channel.
  struct Tokens {
    RowRange range;
    Rows<A> gate, ape, values, of_values, of_logits;
  };

  static int even_share(int packs) {
    const int blocks = (packs + most - 1) / most;
    return (packs + blocks - 1) / blocks;
  }
  ULPSCOPE_INLINE void begin(Block& block, int first) const {
    block.count = std::max(std::min(step_, grid_.packs() - first), 0);
    block.y = steps_.scratch[&block == blocks_ ? 0 : 1];
    for (int i = 0; i < block.count; ++i) {
      const int p = first + i;
      block.places[i] = {grid_.channel(p), grid_.own(p), lines_.whole && grid_.is_whole(p),
                         ahead(window_.values, p + std::min(2 * step_, grid_.packs())),
                         ahead(window_.gate, p + std::min(3 * step_, grid_.packs()))};
    }
  }
  /// From a row to pack p: of this frame, or beyond its last one, of the next.
  ULPSCOPE_INLINE std::ptrdiff_t ahead(const TokenRows<A>& rows, int p) const {
    const bool here = p < grid_.packs();
    const int q = here ? p : p - grid_.packs();
    return (here ? 0 : rows.ahead) + grid_.channel(q) + grid_.own(q).end - 1;
  }
  ULPSCOPE_INLINE Tokens tokens_of(RowRange range) const {
    const int r = range.begin;
    return {range,
            window_.gate.from(r, 0),
            window_.ape.from(r, 0),
            window_.values.from(r, 0),
            out_.values.from(r, 0),
            out_.logits.from(r, 0)};
  }
  ULPSCOPE_INLINE static Rows<A> from(const Rows<A>& rows, int channel) { return {rows.base + channel, rows.stride}; }
  /// Scratch of some rows of a block's i-th pack.
  ULPSCOPE_INLINE Rows<A> scratch(const Block& block, RowRange range, int i) const {
    const int before = range.begin * step_ + (range.end - range.begin) * i;
    return {block.y + std::ptrdiff_t{before} * A::lanes, A::lanes};
  }
  ULPSCOPE_INLINE V cotangent(int channel) const {
    return steps_.ops.products.storage.round(from(saved_.pooled, channel)[0]);
  }
  /// Lines that are stored in part, or through the caches, are read first.
  ULPSCOPE_INLINE static void fetch_results(const Tokens& tokens, const Place& place) {
    const RowHint<A> values(tokens.of_values, place.channel + place.own.end - 1);
    const RowHint<A> logits(tokens.of_logits, place.channel + place.own.end - 1);
    for (int r = 0; r < tokens.range.end - tokens.range.begin; ++r) values.write(r), logits.write(r);
  }

  /// y of a block's i-th pack to scratch; y g joins the sums.
  template <class Quick>
  ULPSCOPE_INLINE void add_products(const Quick& exp, const Tokens& tokens, Block& block, int i) const {
    const auto& [forward, ops, exponential, both] = steps_;
    const Place& place = block.places[i];
    if (!place.is_line) fetch_results(tokens, place);
    const Rows<A> gate = from(tokens.gate, place.channel);
    const Rows<A> ape = from(tokens.ape, place.channel);
    const Rows<A> values = from(tokens.values, place.channel);
    const Rows<A> rows = scratch(block, tokens.range, i);
    const RowHint<A> next_values(tokens.values, place.next_values);
    const Quotient<A> quotient(forward.softmax, from(saved_.total, place.channel)[0]);
    const V maximum = from(saved_.maximum, place.channel)[0];
    const V factor = cotangent(place.channel);
    const auto softmax = [&](int r) ULPSCOPE_INLINED {
      next_values.read(r);
      const V logit = biased(window_.bias, gate[r], ape[r]);
      const V y = quotient(exp(forward.exp, shifted(forward.shifted, logit, maximum)));
      return kept(rows, r, ops.reads_weights ? weight(forward.weights, y) : y);
    };
    const auto weights = [&](int r) ULPSCOPE_INLINED { return product(ops.weights, factor, values[r]); };
    block.sums[i] = sum(tokens.range, block.sums[i], softmax, weights);
  }
  /// The sum of y g with some rows more.
  template <class Y, class G>
  ULPSCOPE_INLINE V sum(RowRange range, V before, Y y, G g) const {
    const Ops<A>& ops = steps_.ops.logits;
    if (ops.exact_products) return dot_on(ops.accumulate, range, before, y, g);
    return sum_on(ops.accumulate, range, before, [&](int r) ULPSCOPE_INLINED { return ops.compute.mul(y(r), g(r)); });
  }

  /// The gradients of a block's i-th pack.
  ULPSCOPE_INLINE void write(const Tokens& tokens, const Block& block, int i) const {
    if (block.places[i].is_line) {
      write(tokens, block, i, [](T* to, const V& value) ULPSCOPE_INLINED { store_line(to, value); });
    } else if (lines_.whole) {
      const LaneRange own = block.places[i].own;
      write(tokens, block, i, [own](T* to, const V& value) ULPSCOPE_INLINED { store_lanes(to, value, own); });
    } else {
      write(tokens, block, i, [](T* to, const V& value) ULPSCOPE_INLINED { precision::store(to, value); });
    }
  }
  template <class Store>
  ULPSCOPE_INLINE void write(const Tokens& tokens, const Block& block, int i, Store store) const {
    const auto& [forward, ops, exponential, both] = steps_;
    const Place& place = block.places[i];
    const V factor = cotangent(place.channel);
    const V sum = block.sums[i];
    const Rows<A> rows = scratch(block, tokens.range, i);
    const Rows<A> values = from(tokens.values, place.channel);
    const Rows<A> of_values = from(tokens.of_values, place.channel);
    const Rows<A> of_logits = from(tokens.of_logits, place.channel);
    const RowHint<A> next_gate(tokens.gate, place.next_gate);
    const double start = out_.start;
    for (int r = 0; r < tokens.range.end - tokens.range.begin; ++r) {
      next_gate.read(r);
      const V y = rows[r];
      const V w = ops.reads_weights ? y : weight(forward.weights, y);
      store(of_values.at(r), plus_zero(product(ops.values, factor, w), start));
      const V g = product(ops.weights, factor, values[r]);
      const V logit_gradient = ops.logits.storage.round(softmax_closed_vjp(ops.logits, y, g, sum));
      store(of_logits.at(r), plus_zero(logit_gradient, start));
    }
  }

  const Steps& steps_;
  const OrderedWindow<A>& window_;
  const OrderedResults<A>& saved_;
  const PoolGradients<A>& out_;
  Lines lines_;
  PackGrid<A> grid_;
  int step_;         ///< packs of a block
  Block blocks_[2];  ///< one in each pass
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
