// SPDX-License-Identifier: Apache-2.0
// What study accumulate adds up.
#pragma once

#include <vector>

#include "core/studies/study.hpp"

namespace ulpscope::studies {

using Terms = std::vector<double>;

/// 128 sums of the point's length and data, or as many of a problem's products w v: one window and channel each.
std::vector<Terms> terms_of(const Point& at, const Subject& subject);

}  // namespace ulpscope::studies
