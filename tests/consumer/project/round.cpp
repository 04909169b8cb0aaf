// SPDX-License-Identifier: Apache-2.0
// round FORMAT X: prints X rounded to FORMAT.
#include <cstdio>
#include <cstdlib>

#include "precision/format.hpp"
#include "precision/rounding.hpp"

int main(int, char** arguments) {
  const auto format = ulpscope::precision::parse_format(arguments[1]);
  std::printf("%.17g\n", ulpscope::precision::round(std::strtod(arguments[2], nullptr), format));
}
