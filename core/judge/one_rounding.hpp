// SPDX-License-Identifier: Apache-2.0
// What one rounding costs on average.
#pragma once

namespace ulpscope::judge {

/// The rms of the relative error of one rounding to nearest, in unit roundoffs, over significands whose logarithms are
/// uniform: 1.6588e-3 for bf16.
inline constexpr double one_rounding = 0.42466;

}  // namespace ulpscope::judge
