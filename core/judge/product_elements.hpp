// SPDX-License-Identifier: Apache-2.0
// Elements of a matrix product: estimates in fp32 with a bound, sums in fp64. Internal to core/judge.
#pragma once

#include "core/judge/inquiry.hpp"
#include "core/judge/product_lines.hpp"

namespace ulpscope::judge {

/// In fp64; where more than 1/64 of all elements or 8192 are asked for, of factors in floats, estimates in fp32, and in
/// fp64 what those leave open. A line of zeros makes 0, whatever meets it. Factors are not copied.
void answer_product(const GivenProduct& given, Inquiry& inquiry);

}  // namespace ulpscope::judge
