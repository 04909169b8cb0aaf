// SPDX-License-Identifier: Apache-2.0
// Golden tensors: problems and dumps that real implementations made, and the two numbers they are compared by.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/run.hpp"
#include "core/io/tensor_file.hpp"
#include "core/judge/compare.hpp"
#include "core/judge/dump.hpp"

namespace ulpscope::test {

inline const std::vector<std::string>& golden_cases() {
  static const std::vector<std::string> names{"csa-tiny",  "hca-tiny", "csa-small", "hca-small",  "csa-batch16",
                                              "csa-short", "csa-hard", "hca-hard",  "csa-indexer"};
  return names;
}
inline std::string golden_path(const std::string& name) {
  return std::string(ULPSCOPE_TEST_DATA) + "/golden/" + name + ".safetensors";
}
inline io::TensorFile golden_file(const std::string& name) { return io::read_tensors(golden_path(name)); }
inline compressor::Problem golden_problem(const std::string& name) {
  return compressor::read_problem(golden_path(name + ".problem"));
}
inline judge::Dump golden_dump(const std::string& name, const compressor::Problem& problem) {
  return judge::dump_from_file(golden_file(name), problem, {}, name);
}

/// ||a - b|| / ||b||; NaN where either holds one, so that every bound fails.
inline double rms_rel(const compressor::Tensor& a, const compressor::Tensor& b) {
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double difference = a.at(i) == b.at(i) ? 0 : a.at(i) - b.at(i);  // equal infinities
    error += difference * difference;
    if (std::isfinite(b.at(i))) norm += b.at(i) * b.at(i);
  }
  return std::sqrt(error / norm);
}

/// Elements with the same value (+0 and -0 alike), NaN for NaN.
inline std::size_t bits_equal(const compressor::Tensor& a, const compressor::Tensor& b) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    equal += a.at(i) == b.at(i) || (std::isnan(a.at(i)) && std::isnan(b.at(i))) ? 1 : 0;
  }
  return equal;
}
inline double fraction_equal(const compressor::Tensor& a, const compressor::Tensor& b) {
  return static_cast<double>(bits_equal(a, b)) / static_cast<double>(b.size());
}

}  // namespace ulpscope::test
