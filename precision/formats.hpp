// SPDX-License-Identifier: Apache-2.0
// The table of formats as parse_format reads it: rows, aliases, and the ad hoc family.
#pragma once

#include "precision/format.hpp"

namespace ulpscope::precision {

/// Another name for a row of the table.
struct FormatAlias {
  std::string_view alias, name;
};
std::span<const FormatAlias> format_aliases();

/// eXmY as IEEE 754 would define it: bias 2^(X-1) - 1, infinities and NaN in the last exponent.
Format ieee_like_format(std::string_view name, int exponent_width, int fraction_bits);

}  // namespace ulpscope::precision
