// SPDX-License-Identifier: Apache-2.0
// The kernel set of one arithmetic on one executor: plans a grid, brings what is not there into its memory, launches.
#pragma once

#include <new>

#include "gpu/bodies.cuh"
#include "gpu/executor.cuh"

namespace ulpscope::gpu {
inline namespace ULPSCOPE_LEVEL {

/// A phase where the executor sees it, one channel to a frame, neighbours' rows side by side.
template <class A>
class SeenPhase {
 public:
  SeenPhase(const kernels::PhaseJob<typename A::scalar_type>& job, unsigned stride, const compressor::Memory& memory)
      : bytes_(&memory) {
    static_assert(std::is_trivially_copyable_v<Phase>);
    bytes_.resize(sizeof(Phase));
    phase_ = new (bytes_.data()) Phase(job, {1, static_cast<int>(stride)});
  }
  SeenPhase(const SeenPhase&) = delete;
  SeenPhase& operator=(const SeenPhase&) = delete;
  ~SeenPhase() = default;
  const kernels::PreparedPhase<A>* get() const { return phase_; }

 private:
  using Phase = kernels::PreparedPhase<A>;
  compressor::Workspace<unsigned char> bytes_;
  const Phase* phase_ = nullptr;
};

template <class A, class Executor>
struct Kernels {
  using T = typename A::scalar_type;

  static void windows(const kernels::PhaseJob<T>& job, std::size_t begin, std::size_t end, T*) {
    const Items channels{job.first_channel, job.last_channel};
    const Grid grid = plan_grid((end - begin) * channels.count(), job.scratch * sizeof(T), Executor::limits());
    const SeenPhase<A> phase(job, grid.threads, Executor::memory());
    compressor::Workspace<T> arena(&Executor::memory());
    arena.resize(job.scratch * grid.size());
    Executor::launch(grid, WindowsBody<A>{phase.get(), arena.data(), job.scratch, {begin, end}, channels});
  }
  static void entries(const kernels::PhaseJob<T>& job, std::size_t begin, std::size_t end, T*) {
    const Grid grid = plan_grid(end - begin, 0, Executor::limits());
    const SeenPhase<A> phase(job, 1, Executor::memory());
    Executor::launch(grid, EntriesBody<A>{phase.get(), {begin, end}});
  }
  static void multiply(const kernels::MultiplyJob<T>& job, std::size_t begin, std::size_t end) {
    using Body = MultiplyBody<A>;
    const bool sequential = job.arithmetic->summation.kind == precision::Summation::Kind::sequential;
    const bool in_order = sequential && !is_random(*job.arithmetic);
    const Grid grid = plan_grid((end - begin) * job.columns, 0, Executor::limits());
    Executor::launch(grid, Body{job, kernels::make_ops<A>(*job.arithmetic),
                                in_order ? Body::Order::sequential : Body::Order::any, Items{begin, end}});
  }
  static void elementwise(const kernels::ElementwiseJob<T>& job, std::size_t begin, std::size_t end) {
    const Grid grid = plan_grid(end - begin, 0, Executor::limits());
    Executor::launch(grid, ElementwiseBody<A>{job, kernels::make_ops<A>(*job.arithmetic), {begin, end}});
  }
  static void column_sum(const kernels::ColumnSumJob<T>& job, std::size_t begin, std::size_t end) {
    const Grid grid = plan_grid(end - begin, 0, Executor::limits());
    Executor::launch(grid, ColumnSumBody<A>{job, kernels::make_ops<A>(*job.arithmetic), {begin, end}});
  }

  static kernels::KernelSet<T> set(std::string_view level) {
    kernels::KernelSet<T> all;
    all.level = level;
    all.panel_columns = MultiplyBody<A>::panel;
    all.windows = windows;
    all.entries = entries;
    all.multiply = multiply;
    all.elementwise = elementwise;
    all.column_sum = column_sum;
    all.memory = &Executor::memory();
    all.spreads = true;
    return all;
  }
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::gpu
