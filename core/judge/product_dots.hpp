// SPDX-License-Identifier: Apache-2.0
// Elements of a product one by one, each a line of the left factor times one of the right. Internal to core/judge.
#pragma once

#include "core/judge/inquiry.hpp"
#include "core/judge/product_lines.hpp"

namespace ulpscope::judge {

/// In T = float estimates with their bounds, and in fp64 what those leave open; in T = double sums in fp64. A line of
/// zeros makes 0, whatever meets it.
template <class T>
void answer_by_dots(const GivenProduct& given, Inquiry& inquiry);

}  // namespace ulpscope::judge
