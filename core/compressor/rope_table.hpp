// SPDX-License-Identifier: Apache-2.0
// RoPE tables: frequencies (with YaRN), cos and sin of position * frequency, each rounded as the recipe says. See
// rope_table.md.
#pragma once

#include <vector>

#include "core/compressor/arithmetic_plan.hpp"

namespace ulpscope::compressor {

/// One frequency per pair, dim/2 of them. T: float, double (rounded from 50 digits) or a multi-precision number.
template <class T>
std::vector<T> rope_frequencies(const Config& config, const TableArithmetic& arithmetic);

template <class T>
struct RopeTable {
  std::vector<T> cos;  ///< [n, dim/2]
  std::vector<T> sin;
};
/// Entry i stands at position_offset + i * ratio.
template <class T>
RopeTable<T> rope_table(const Config& config, const TableArithmetic& arithmetic, const std::vector<T>& frequencies);

}  // namespace ulpscope::compressor
