// SPDX-License-Identifier: Apache-2.0
// Matrix products in a stated order of summation: every multiplication and addition rounded as the plan says.
#pragma once

#include <algorithm>

#include "core/compressor/kernels/factor_checks.hpp"
#include "core/compressor/kernels/job.hpp"
#include "core/compressor/kernels/ops.hpp"
#include "core/compressor/kernels/variants.hpp"
#include "precision/unrolled.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

/// Rows and packs of one register tile; a panel is `packs` packs wide.
inline constexpr int tile_rows = 4;
template <class A>
inline constexpr int tile_packs = A::lanes == 1 ? 4 : 2;
template <class A>
inline constexpr std::size_t panel_width = static_cast<std::size_t>(A::lanes) * tile_packs<A>;

/// The usual tile: whole packs in registers.
template <class A>
struct RegisterTile {
  static constexpr int packs = tile_packs<A>;
  static constexpr std::size_t panel = panel_width<A>;
};
/// One element, in panels of another width: what one device thread computes.
template <std::size_t width>
struct ElementTile {
  static constexpr int packs = 1;
  static constexpr std::size_t panel = width;
};

template <class A, class Shape = RegisterTile<A>>
struct Tile {
  using T = typename A::scalar_type;
  using V = typename A::value_type;
  const MultiplyJob<T>& job;
  std::size_t row;
  int rows;  ///< 1 .. tile_rows
  std::size_t column;
  std::size_t columns;  ///< 1 .. those of `packs` packs

  static constexpr int packs = Shape::packs;
  ULPSCOPE_INLINE std::size_t row_of(int r) const { return row + static_cast<std::size_t>(r); }
  ULPSCOPE_INLINE const T* panel() const {
    if constexpr (Shape::panel == static_cast<std::size_t>(packs * A::lanes)) return job.panels + column * job.depth;
    return job.panels + column / Shape::panel * Shape::panel * job.depth + column % Shape::panel;
  }
  ULPSCOPE_INLINE V a(int r, std::size_t k) const {
    const T& value =
        job.a[static_cast<std::ptrdiff_t>(row_of(r)) * job.a_row + static_cast<std::ptrdiff_t>(k) * job.a_depth];
    if constexpr (std::is_same_v<T, V>) {
      return value;
    } else {
      return precision::splat<V>(value);
    }
  }
  ULPSCOPE_INLINE V b(std::size_t k, int pack) const {
    const T* at = panel() + k * Shape::panel + static_cast<std::size_t>(pack * A::lanes);
    return rows::Rows<A>{const_cast<T*>(at), 0}[0];
  }
  /// Moves a pack between a tile's registers and the matrix, whose last columns may end inside the pack.
  ULPSCOPE_INLINE V load(const T* matrix, int r, int pack) const {
    T staged[A::lanes];
    const std::size_t first = static_cast<std::size_t>(pack * A::lanes);
    for (std::size_t lane = 0; lane < static_cast<std::size_t>(A::lanes); ++lane) {
      staged[lane] = first + lane < columns ? matrix[row_of(r) * job.out_row + column + first + lane] : T(0);
    }
    return rows::Rows<A>{staged, 0}[0];
  }
  ULPSCOPE_INLINE void store(int r, int pack, const V& value) const {
    T staged[A::lanes];
    rows::Rows<A>{staged, 0}.set(0, value);
    const std::size_t first = static_cast<std::size_t>(pack * A::lanes);
    for (std::size_t lane = 0; lane < static_cast<std::size_t>(A::lanes) && first + lane < columns; ++lane) {
      job.out[row_of(r) * job.out_row + column + first + lane] = staged[lane];
    }
  }
};

/// How one product joins a running sum: unrounded (FMA), or rounded to compute first.
template <class A, bool Exact>
ULPSCOPE_INLINE typename A::value_type join(const rows::Ops<A>& ops, const typename A::value_type& a,
                                            const typename A::value_type& b, const typename A::value_type& sum) {
  if constexpr (Exact) {
    return ops.accumulate.fma(a, b, sum);
  } else {
    return ops.accumulate.add(sum, ops.compute.mul(a, b));
  }
}

/// Sequential over k, from zero or from `initial`.
template <class A, bool Exact, int Rows, class Shape>
ULPSCOPE_HD void multiply_tile(const rows::Ops<A>& ops, const Tile<A, Shape>& tile) {
  using V = typename A::value_type;
  constexpr int packs = Shape::packs;
  constexpr int cells = Rows * packs;
  V sums[cells];
  precision::unrolled<cells>([&](int i) ULPSCOPE_INLINED {
    sums[i] = tile.job.initial == nullptr ? A::constant(0.0) : tile.load(tile.job.initial, i / packs, i % packs);
  });
  const rows::Ops<A> local = ops;  // in registers: nothing else points at it
  for (std::size_t k = 0; k < tile.job.depth; ++k) {
    V b[packs];
    V a[Rows];
    precision::unrolled<packs>([&](int p) ULPSCOPE_INLINED { b[p] = tile.b(k, p); });
    precision::unrolled<Rows>([&](int r) ULPSCOPE_INLINED { a[r] = tile.a(r, k); });
    precision::unrolled<cells>(
        [&](int i) ULPSCOPE_INLINED { sums[i] = join<A, Exact>(local, a[i / packs], b[i % packs], sums[i]); });
  }
  precision::unrolled<cells>([&](int i) ULPSCOPE_INLINED {
    tile.store(i / packs, i % packs, tile.job.store ? local.storage.round(sums[i]) : sums[i]);
  });
}

/// Any other order of summation, or draws: one row and one pack at a time.
template <class A, class Shape>
ULPSCOPE_HD void multiply_in_order(const rows::Ops<A>& arithmetic, const Tile<A, Shape>& tile) {
  for (int r = 0; r < tile.rows; ++r) {
    for (int p = 0; p < Shape::packs; ++p) {
      const std::uint64_t row = tile.job.first_row + tile.row_of(r);
      const std::uint64_t column = tile.column + static_cast<std::uint64_t>(p * A::lanes);
      const rows::Ops<A> ops = draw_from(arithmetic, {tile.job.key, row * tile.job.columns + column});
      const auto sum = rows::product_sum(
          ops, static_cast<int>(tile.job.depth), [&](int k) { return tile.a(r, static_cast<std::size_t>(k)); },
          [&](int k) { return tile.b(static_cast<std::size_t>(k), p); });
      tile.store(r, p, tile.job.store ? ops.storage.round(sum) : sum);
    }
  }
}

/// Sequential sums of a whole tile, or of its rows one by one where it has fewer.
template <class A, bool Exact>
void multiply_tiles(const rows::Ops<A>& ops, const Tile<A>& tile) {
  if (tile.rows == tile_rows) return multiply_tile<A, Exact, tile_rows>(ops, tile);
  for (int r = 0; r < tile.rows; ++r) {
    Tile<A> one = tile;
    one.row = tile.row_of(r);
    one.rows = 1;
    multiply_tile<A, Exact, 1>(ops, one);
  }
}

/// Calls work(tile) for the tiles of rows [begin, end).
template <class A, class Work>
void each_tile(const MultiplyJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end, Work work) {
  for (std::size_t column = 0; column < job.columns; column += panel_width<A>) {
    for (std::size_t row = begin; row < end; row += tile_rows) {
      work(Tile<A>{job, row, static_cast<int>(std::min<std::size_t>(tile_rows, end - row)), column,
                   std::min(panel_width<A>, job.columns - column)});
    }
  }
}

/// Rows [begin, end) of the product, sums in order.
template <class A, bool Exact>
void multiply_sequentially(const MultiplyJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end) {
  const rows::Ops<A> ops = make_ops<A>(*job.arithmetic);
  each_tile<A>(job, begin, end, [&](const Tile<A>& tile) { multiply_tiles<A, Exact>(ops, tile); });
}
template <class A>
void multiply_sequentially(const MultiplyJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end) {
  if (job.arithmetic->compute_exact) return multiply_sequentially<A, true>(job, begin, end);
  multiply_sequentially<A, false>(job, begin, end);
}

/// Sums in order, each operation rounded in one step; false where a factor is no value of the format.
template <class Step>
bool multiplied_in_steps(const MultiplyJob<typename Step::scalar_type>& job, std::size_t begin, std::size_t end) {
  using V = typename Step::value_type;
  const Step step(job.arithmetic->compute);
  const auto in_format = [&](const V& x) { return !precision::any((step.round(x) != x) & (x == x)); };
  if (!each_right<V>(job, panel_width<Step>, in_format) || !each_left<V>(job, begin, end, in_format)) return false;
  if constexpr (Step::has_fused) {
    Magnitudes<V> left;
    Magnitudes<V> right;
    each_right<V>(job, panel_width<Step>, [&](const V& x) { return right(x); });
    each_left<V>(job, begin, end, [&](const V& x) { return left(x); });
    if (stays_normal(job, left, right)) {
      multiply_sequentially<typename Step::Fused, false>(job, begin, end);
      return true;
    }
  }
  multiply_sequentially<Step, false>(job, begin, end);
  return true;
}

/// Sums in order in the cheapest arithmetic that has A's bits, where there is one.
template <class A>
bool multiplied_cheaper(const MultiplyJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end) {
  using Cheaper = Variants<A>;
  const SlotArithmetic& slot = *job.arithmetic;
  if (Cheaper::is_plain(slot)) {
    multiply_sequentially<typename Cheaper::PlainArithmetic>(job, begin, end);
    return true;
  }
  const bool contiguous = job.a_depth == 1 || job.a_row == 1;
  if (!contiguous || slot.compute_exact || !(slot.compute == slot.accumulate)) return false;
  switch (Cheaper::step(slot.compute)) {
    case StepBy::integer:
      return multiplied_in_steps<typename Cheaper::template Step<StepBy::integer>>(job, begin, end);
    case StepBy::half:
      return multiplied_in_steps<typename Cheaper::template Step<StepBy::half>>(job, begin, end);
    case StepBy::addition:
      return multiplied_in_steps<typename Cheaper::template Step<StepBy::addition>>(job, begin, end);
    case StepBy::fused:  // a step of `integer`
    case StepBy::none:
      break;
  }
  return false;
}

/// Rows [begin, end) of the product.
template <class A>
void run_multiply(const MultiplyJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end) {
  if (job.arithmetic->summation.kind != precision::Summation::Kind::sequential || is_random(*job.arithmetic)) {
    const rows::Ops<A> ops = make_ops<A>(*job.arithmetic);
    return each_tile<A>(job, begin, end, [&](const Tile<A>& tile) { multiply_in_order(ops, tile); });
  }
  if constexpr (Variants<A>::exist) {
    if (multiplied_cheaper<A>(job, begin, end)) return;
  }
  multiply_sequentially<A>(job, begin, end);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
