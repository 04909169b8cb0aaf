// SPDX-License-Identifier: Apache-2.0
// S7: rotary embedding of the last channels, interleaved pairs; YaRN frequencies.
#pragma once

#include "reference/arrays.hpp"

namespace ulpscope::reference {

/// [dim/2]: radians per position.
Vector rope_frequencies(const compressor::Rope& rope);

struct RopeTable {
  Matrix cos;  ///< [positions, dim/2]
  Matrix sin;
};
/// The product position * frequency is carried in long double, so that tables are good to a few ulp at position 2^20
/// too.
RopeTable rope_table(const std::vector<double>& positions, const Vector& frequencies);
/// offset + i * ratio, i = 0 .. n-1: the position of window i's FIRST token.
std::vector<double> entry_positions(const compressor::Config& config);

/// [B,n,d] -> [B,n,d]. Its VJP is the rotation by the negative angle: rotate with -sin.
Entries rotate(const Entries& x, const Matrix& cos, const Matrix& sin);

}  // namespace ulpscope::reference
