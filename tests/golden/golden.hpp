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

/// segment_ids of the packed golden runs: a new document at window n/2 of every row.
inline void add_packing(compressor::Problem& problem) {
  const compressor::Config& config = problem.config;
  std::vector<double> ids(config.batch * config.seq);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i % config.seq < config.windows() / 2 * config.ratio ? 0 : 1;
  problem.inputs[compressor::Name::segment_ids] = {{config.batch, config.seq}, std::move(ids), io::DType::i32};
}

}  // namespace ulpscope::test
