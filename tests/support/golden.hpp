// SPDX-License-Identifier: Apache-2.0
// Golden files: problems, and dumps that real implementations made, read from tests/golden.
#pragma once

#include <string>

#include "core/compressor/problem.hpp"
#include "core/io/tensor_file.hpp"
#include "core/judge/dump.hpp"
#include "tests/support/data.hpp"

namespace ulpscope::test {

inline std::string golden_path(const std::string& name) { return source_path("tests/golden/" + name + ".safetensors"); }
inline io::TensorFile golden_file(const std::string& name) { return io::read_tensors(golden_path(name)); }
inline compressor::Problem golden_problem(const std::string& name) {
  return compressor::read_problem(golden_path(name + ".problem"));
}
inline judge::Dump golden_dump(const std::string& name, const compressor::Problem& problem) {
  return judge::dump_from_file(golden_file(name), problem, {}, name);
}

}  // namespace ulpscope::test
