// SPDX-License-Identifier: Apache-2.0
// What each thread of a launch does: the engine's kernels, scalar, one item after the other. Host and device.
#pragma once

#include "core/compressor/kernels/column_sum_kernel.hpp"
#include "core/compressor/kernels/elementwise_kernel.hpp"
#include "core/compressor/kernels/entry_kernel.hpp"
#include "core/compressor/kernels/matrix_kernel.hpp"
#include "core/compressor/kernels/window_walk.hpp"
#include "gpu/grid.hpp"

namespace ulpscope::gpu {
inline namespace ULPSCOPE_LEVEL {

namespace kernels = compressor::kernels;

/// Items [begin, end) of a launch.
struct Items {
  std::size_t begin = 0;
  std::size_t end = 0;
  ULPSCOPE_HD std::size_t count() const { return end - begin; }
};

/// One channel of one window at a time.
template <class A>
struct WindowsBody {
  using T = typename A::scalar_type;
  const kernels::PreparedPhase<A>* phase;
  T* arena;
  std::size_t rows;  ///< of scratch
  Items windows;
  Items channels;

  ULPSCOPE_HD void operator()(const Grid& grid, const Thread& thread) const {
    kernels::WindowFrame<A> frame(*phase, arena + scratch_place(grid, thread, rows));
    const std::size_t count = channels.count();
    for (std::size_t i = grid.index(thread); i < windows.count() * count; i += grid.size()) {
      frame.move_to(windows.begin + i / count, channels.begin + i % count, 1);
      frame.load();
      kernels::run_steps(frame);
      frame.store();
    }
  }
};

/// One entry at a time, all its channels: sums across channels have an order.
template <class A>
struct EntriesBody {
  const kernels::PreparedPhase<A>* phase;
  Items entries;

  ULPSCOPE_HD void operator()(const Grid& grid, const Thread& thread) const {
    for (std::size_t i = grid.index(thread); i < entries.count(); i += grid.size()) {
      const kernels::EntryFrame<A> frame{*phase, entries.begin + i};
      for (int step = 0; step < phase->step_count; ++step) {
        kernels::entry_step(frame, phase->steps[static_cast<std::size_t>(step)]);
      }
    }
  }
};

/// One element of a matrix product at a time; 32 neighbours read one row of a panel.
template <class A>
struct MultiplyBody {
  using T = typename A::scalar_type;
  static constexpr std::size_t panel = 32;
  using Tile = kernels::Tile<A, kernels::ElementTile<panel>>;
  enum class Order : unsigned char { sequential, any };
  kernels::MultiplyJob<T> job;
  compressor::rows::Ops<A> ops;
  Order order;
  Items rows;

  ULPSCOPE_HD void operator()(const Grid& grid, const Thread& thread) const {
    for (std::size_t i = grid.index(thread); i < rows.count() * job.columns; i += grid.size()) {
      const Tile tile{job, rows.begin + i / job.columns, 1, i % job.columns, 1};
      if (order == Order::any) {
        kernels::multiply_in_order(ops, tile);
      } else if (ops.exact_products) {
        kernels::multiply_tile<A, true, 1>(ops, tile);
      } else {
        kernels::multiply_tile<A, false, 1>(ops, tile);
      }
    }
  }
};

template <class A>
struct ElementwiseBody {
  kernels::ElementwiseJob<typename A::scalar_type> job;
  compressor::rows::Ops<A> ops;
  Items items;

  ULPSCOPE_HD void operator()(const Grid& grid, const Thread& thread) const {
    for (std::size_t i = grid.index(thread); i < items.count(); i += grid.size()) {
      kernels::apply_one(ops, job, items.begin + i);
    }
  }
};

template <class A>
struct ColumnSumBody {
  kernels::ColumnSumJob<typename A::scalar_type> job;
  compressor::rows::Ops<A> ops;
  Items columns;

  ULPSCOPE_HD void operator()(const Grid& grid, const Thread& thread) const {
    for (std::size_t i = grid.index(thread); i < columns.count(); i += grid.size()) {
      kernels::sum_pack(ops, job, kernels::ColumnPack<A>{columns.begin + i, 1});
    }
  }
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::gpu
