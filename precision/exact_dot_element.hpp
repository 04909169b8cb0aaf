// SPDX-License-Identifier: Apache-2.0
// One element of exact_dot by the road that is always open: classes, then an exact accumulator.
#pragma once

#include <cstddef>

#include "precision/dot_operand.hpp"
#include "precision/exact_accumulator.hpp"

namespace ulpscope::precision {

/// Row `row` of a by row `column` of b, added to `initial`.
struct DotElement {
  const DotMatrix& a;
  std::size_t row;
  const DotMatrix& b;
  std::size_t column;
  Enclosure initial;
};

struct DotElementResult {
  Enclosure value;
  bool nonfinite;  ///< some term or the initial value is: `value` is a class
};

/// As exact_dot says. One operand at most is enclosed.
DotElementResult dot_element(const DotElement& element);

}  // namespace ulpscope::precision
