// SPDX-License-Identifier: Apache-2.0
// Windows whose logits, values and cotangents are written by hand, run from there.
#pragma once

#include <vector>

#include "core/compressor/run.hpp"
#include "tests/support/random.hpp"

namespace ulpscope::test {

/// Windows of `slots` tokens, no overlap; neither norm nor RoPE, so pooled is the output.
inline compressor::Problem hand_problem(std::size_t slots, std::size_t windows, std::size_t channels) {
  compressor::Config config;
  config.ratio = slots;
  config.seq = slots * windows;
  config.hidden = 1;
  config.head_dim = channels;
  config.norm = false;
  return make_problem(config, {0, 1.5, 0});  // no bias
}

/// Slots that hold the given values, [windows, slots, channels] or [windows, channels] flat.
class HandRows {
 public:
  explicit HandRows(compressor::Problem problem) : problem_(std::move(problem)) {}

  HandRows& set(compressor::Slot slot, std::vector<double> values) {
    const compressor::Shape shape = shape_of(slot, problem_.config);
    given_.set(slot, {shape, std::move(values), io::DType::f64}, precision::parse_format("fp64"));
    return *this;
  }
  /// One slot, computed from those that are set.
  std::vector<double> run(const compressor::Recipe& recipe, compressor::Slot wanted) const {
    return to_doubles(run_from(problem_, recipe, {given_, {wanted}}, {}).tape.find(wanted)->tensor);
  }

 private:
  compressor::Problem problem_;
  compressor::Tape given_;
};

/// `row` in one window and one channel.
inline HandRows one_row(const std::vector<double>& logits) {
  HandRows rows(hand_problem(logits.size(), 1, 1));
  rows.set(compressor::forward(compressor::Name::logits), logits);
  return rows;
}

/// `equal` zeros and one more logit.
inline std::vector<double> zeros_and(std::size_t equal, double last) {
  std::vector<double> logits(equal, 0.0);
  logits.push_back(last);
  return logits;
}

inline double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

}  // namespace ulpscope::test
