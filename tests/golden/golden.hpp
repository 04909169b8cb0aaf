// SPDX-License-Identifier: Apache-2.0
// The golden cases, and what their tests share.
#pragma once

#include <string>
#include <vector>

#include "core/compressor/run.hpp"
#include "core/judge/compare.hpp"
#include "tests/support/distance.hpp"
#include "tests/support/golden.hpp"

namespace ulpscope::test {

inline const std::vector<std::string>& golden_cases() {
  static const std::vector<std::string> names{"csa-tiny",  "hca-tiny", "csa-small", "hca-small",  "csa-batch16",
                                              "csa-short", "csa-hard", "hca-hard",  "csa-indexer"};
  return names;
}

}  // namespace ulpscope::test
