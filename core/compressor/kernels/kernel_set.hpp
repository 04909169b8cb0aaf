// SPDX-License-Identifier: Apache-2.0
// The kernel set of an arithmetic: instantiated once per kind and SIMD level, in a source of its own.
#pragma once

#include "core/compressor/kernels/column_sum_kernel.hpp"
#include "core/compressor/kernels/elementwise_kernel.hpp"
#include "core/compressor/kernels/entry_kernel.hpp"
#include "core/compressor/kernels/matrix_kernel.hpp"
#include "core/compressor/kernels/window_kernel.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

/// `Wide` runs windows and matrices; `Narrow`, a scalar arithmetic of the same kind, what sums across channels.
template <class Wide, class Narrow>
KernelSet<typename Wide::scalar_type> make_kernel_set(std::string_view level) {
  KernelSet<typename Wide::scalar_type> set;
  set.level = level;
  set.lanes = static_cast<std::size_t>(Wide::lanes);
  set.panel_columns = panel_width<Wide>;
  set.windows = run_windows<Wide>;
  set.entries = run_entries<Narrow>;
  set.multiply = run_multiply<Wide>;
  set.elementwise = run_elementwise<Wide>;
  set.column_sum = run_column_sum<Wide>;
  return set;
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
