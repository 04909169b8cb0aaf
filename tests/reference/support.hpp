// SPDX-License-Identifier: Apache-2.0
// What the oracle's tests share: golden slots, small random problems, magnitudes that a NaN cannot pass.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "core/compressor/problem.hpp"
#include "reference/oracle.hpp"
#include "tests/support/distance.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/random.hpp"

namespace ulpscope::test {

using compressor::Config;
using compressor::Name;
using compressor::Problem;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;

using Golden = std::map<Slot, Tensor>;

/// Every tensor of a golden dump; a name that is no slot throws.
inline Golden golden_slots(const std::string& name) {
  Golden slots;
  for (const auto& [text, tensor] : golden_file(name).tensors) {
    slots[compressor::parse_slot(text)] = compressor::tensor_from_file(tensor);
  }
  return slots;
}

inline void set_input(Problem& problem, Name name, std::vector<double> values) {
  problem.inputs[name] = Tensor{shape_of(compressor::forward(name), problem.config), std::move(values), io::DType::f64};
}

/// Normal values for `names`, one seed each.
inline void draw(Problem& problem, std::initializer_list<Name> names) {
  for (const Name name : names) {
    const std::size_t count = compressor::element_count(shape_of(compressor::forward(name), problem.config));
    set_input(problem, name, normal_values<double>(count, 1000 + static_cast<std::uint64_t>(name)));
  }
}

inline Problem random_problem(const Config& config) {
  Problem problem;
  problem.config = config;
  draw(problem, {Name::hidden, Name::w_kv, Name::w_gate, Name::ape, Name::gamma, Name::cotangent});
  return problem;
}

inline Config tiny_csa() {
  Config config;
  config.mode = compressor::Mode::csa;
  config.ratio = 4;
  config.overlap = true;
  config.batch = 2;
  config.seq = 14;  // three windows, remainder 2
  config.hidden = 3;
  config.head_dim = 4;
  return config;
}

inline Config tiny_hca() {
  Config config = tiny_csa();
  config.mode = compressor::Mode::hca;
  config.overlap = false;
  config.ratio = 5;
  return config;
}

inline const Tensor& slot(const Tape& tape, Slot name) { return tape.find(name)->tensor; }
inline const Tensor& value(const Tape& tape, Name name) { return slot(tape, compressor::forward(name)); }
inline const Tensor& grad(const Tape& tape, Name name) { return slot(tape, compressor::gradient(name)); }

/// Largest magnitude; NaN where any value is.
inline double largest(const Tensor& tensor) {
  double result = 0;
  for (std::size_t e = 0; e < tensor.size(); ++e) {
    if (std::isnan(tensor.at(e))) return tensor.at(e);
    result = std::max(result, std::abs(tensor.at(e)));
  }
  return result;
}

}  // namespace ulpscope::test
