// SPDX-License-Identifier: Apache-2.0
// What the self-test compares with: rounding by integers and exp by other people's code. Shares nothing with
// rounding.hpp.
#pragma once

#include <cstdint>

#include "precision/format.hpp"

namespace ulpscope::precision {

/// The facts of a nearest-even format that integer rounding needs.
class IntegerRounder {
 public:
  explicit IntegerRounder(const Format& format);

  /// Encoding of the float with encoding `bits`, rounded to the format; any NaN gives a NaN.
  std::uint32_t operator()(std::uint32_t bits) const;

 private:
  int precision_, emin_;
  std::uint32_t max_bits_, overflow_bits_;
};

/// exp of a float, correctly rounded to float.
float reference_exp(float x);

}  // namespace ulpscope::precision
