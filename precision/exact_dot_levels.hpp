// SPDX-License-Identifier: Apache-2.0
// The loops of exact_dot that each SIMD level defines.
#pragma once

#include <cstddef>
#include <cstdint>

#include "precision/lanes.hpp"

namespace ulpscope::precision {

/// `count` sums high + low, each with a radius: contiguous arrays.
struct DotSums {
  double* high;
  double* low;
  double* radius;
  std::size_t count;
};

/// Numbers of a row or a column: number i is values[i * step].
struct DotStrided {
  const double* values;
  std::size_t step;
};

/// A residual of row `row` at the summed index k.
struct DotEntry {
  std::uint32_t row;
  std::uint32_t k;
  double value;
};
struct DotEntries {
  const DotEntry* first;
  std::size_t count;
};

/// The multiples of `unit` nearest to x[0..count).
struct DotCutting {
  const double* x;
  std::size_t count;
  double unit;
  double* window;
};

/// Up to `compensated_rows` rows of a (pointers beyond are valid too) by `compensated_columns` rows of b, the latter
/// packed: panel[k * columns + column]. The sums' count is the columns; those of row r are at [r * sums_row].
inline constexpr std::size_t compensated_rows = 4;
inline constexpr std::size_t compensated_columns = 8;
struct DotTile {
  const double* a[compensated_rows];
  const double* panel;
  std::size_t depth;
  DotSums sums;
  std::size_t sums_row;
  std::size_t rows;
};

struct ExactDotKernels {
  /// In one order at every level.
  double (*sum_of_squares)(const double* x, std::size_t count);
  /// How many of the windows are not their numbers.
  std::size_t (*cut)(const DotCutting& cutting);
  /// sums[i] += x[i].
  void (*add)(const DotSums& sums, const double* x);
  /// sums[i] += factor x[i].
  void (*add_multiple)(const DotSums& sums, double factor, DotStrided x);
  /// sums[entry.row] += x[entry.k] entry.value.
  void (*add_entries)(const DotSums& sums, DotStrided x, DotEntries entries);
  /// sums[..] = compensated dot products.
  void (*compensated)(const DotTile& tile);
};

#define ULPSCOPE_DECLARE_EXACT_DOT const ExactDotKernels& exact_dot_kernels();

#if defined(ULPSCOPE_X86_LEVELS)
inline namespace v2 {
ULPSCOPE_DECLARE_EXACT_DOT
}
inline namespace v3 {
ULPSCOPE_DECLARE_EXACT_DOT
}
inline namespace v4 {
ULPSCOPE_DECLARE_EXACT_DOT
}
#else
inline namespace ULPSCOPE_LEVEL {
ULPSCOPE_DECLARE_EXACT_DOT
}
#endif

#undef ULPSCOPE_DECLARE_EXACT_DOT

}  // namespace ulpscope::precision
