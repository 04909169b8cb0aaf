// SPDX-License-Identifier: Apache-2.0
// Rows of a product, each a sum of the right factor's rows as they are stored, scaled by what is not 0 in a line of the
// left one. Internal to core/judge.
#pragma once

#include "core/judge/inquiry.hpp"
#include "core/judge/product_lines.hpp"

namespace ulpscope::judge {

/// Whether these rows cost less than the elements one by one: no term that is 0 costs anything, every column does.
bool pays_to_scale(const GivenProduct& given, std::size_t elements);

/// As answer_by_dots. Preconditions: the left factor is finite, and lines of the right one are columns.
template <class T>
void answer_by_scaled_rows(const GivenProduct& given, Inquiry& inquiry);

}  // namespace ulpscope::judge
