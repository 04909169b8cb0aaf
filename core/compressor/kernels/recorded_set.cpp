// SPDX-License-Identifier: Apache-2.0
// The kernels' own texts in recorded numbers, each called for the target's window, entry, row or element alone.
#include "core/compressor/kernels/recorded_set.hpp"

#include <stdexcept>

#include "core/compressor/kernels/kernel_set.hpp"

namespace ulpscope::compressor::kernels {
namespace {

using precision::Recorded;
using precision::Recording;

thread_local const RecordedTarget* focus = nullptr;

const RecordedTarget& target() {
  if (focus == nullptr) throw std::logic_error("recorded kernels without a target");
  return *focus;
}

void record_window(WindowFrame<Recording>& frame, std::size_t window) {
  frame.move_to(window, target().channel, 1);
  frame.load();
  run_steps(frame);
  frame.store();
}

void record_windows(const PhaseJob<Recorded>& job, std::size_t begin, std::size_t end, Recorded*) {
  const PreparedPhase<Recording> phase(job, {1, 1});
  std::vector<Recorded> arena(job.scratch);
  WindowFrame<Recording> frame(phase, arena.data());
  for (std::size_t window = begin; window < end; ++window) {
    if (!target().one_window || window == target().window) record_window(frame, window);
  }
}

void record_entries(const PhaseJob<Recorded>& job, std::size_t begin, std::size_t end, Recorded* arena) {
  const std::size_t entry = target().entry;
  if (begin <= entry && entry < end) run_entries<Recording>(job, entry, entry + 1, arena);
}

/// The panel of columns of one row in which the element stands.
void record_multiply(const MultiplyJob<Recorded>& job, std::size_t begin, std::size_t end) {
  const std::size_t row = target().element / job.columns - static_cast<std::size_t>(job.first_row);
  if (!(begin <= row && row < end)) return;
  constexpr std::size_t width = panel_width<Recording>;
  const std::size_t column = target().element % job.columns / width * width;
  const Tile<Recording> tile{job, row, 1, column, std::min(width, job.columns - column)};
  const rows::Ops<Recording> ops = make_ops<Recording>(*job.arithmetic);
  using Kind = precision::Summation::Kind;
  const Kind kind = job.arithmetic->summation.kind;
  if (kind != Kind::sequential && kind != Kind::blas) return multiply_in_order(ops, tile);
  if (job.arithmetic->compute_exact) return multiply_tiles<Recording, true>(ops, tile);
  multiply_tiles<Recording, false>(ops, tile);
}

void record_elementwise(const ElementwiseJob<Recorded>& job, std::size_t begin, std::size_t end) {
  if (!target().elementwise) return run_elementwise<Recording>(job, begin, end);
  const std::size_t i = target().element - static_cast<std::size_t>(job.first);
  if (begin <= i && i < end) run_elementwise<Recording>(job, i, i + 1);
}

void record_column_sum(const ColumnSumJob<Recorded>& job, std::size_t begin, std::size_t end) {
  const std::size_t c = target().element - static_cast<std::size_t>(job.first);
  if (begin <= c && c < end) run_column_sum<Recording>(job, c, c + 1);
}

}  // namespace

RecordedFocus::RecordedFocus(const RecordedTarget& target) { focus = &target; }
RecordedFocus::~RecordedFocus() { focus = nullptr; }

const KernelSet<Recorded>& recorded_kernels() {
  static const KernelSet<Recorded> set = [] {
    KernelSet<Recorded> made;
    made.level = "recorded";
    made.panel_columns = panel_width<Recording>;
    made.windows = record_windows;
    made.entries = record_entries;
    made.multiply = record_multiply;
    made.elementwise = record_elementwise;
    made.column_sum = record_column_sum;
    return made;
  }();
  return set;
}

}  // namespace ulpscope::compressor::kernels
