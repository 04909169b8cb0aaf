// SPDX-License-Identifier: Apache-2.0
// Sizes: each slot's formula on absolute values, and how many roundings follow each other on the way to it.
#pragma once

#include "core/compressor/evaluate_real.hpp"

namespace ulpscope::test {

/// If every operation errs by at most u times its result, `value` errs by less than depth * u * size, to first order:
/// size >= |value|, and an operation adds the sizes of its operands, each times its partial derivative. So a sum's size
/// is that of its terms, whatever cancels.
struct Majorant {
  double value = 0;
  double size = 0;
  double depth = 0;
  Majorant() = default;
  explicit Majorant(double x) : value(x), size(x < 0 ? -x : x) {}
  Majorant(double v, double s, double d) : value(v), size(s), depth(d) {}
  explicit operator double() const { return value; }
};

/// Of the problem's own inputs, in binary64.
compressor::Values<Majorant> evaluate_majorant(const compressor::Problem& problem, const compressor::Recipe& recipe,
                                               const compressor::Wanted& wanted);

}  // namespace ulpscope::test
