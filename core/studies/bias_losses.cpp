// SPDX-License-Identifier: Apache-2.0
// Logits beside gates, slot by slot.
#include "core/studies/bias_losses.hpp"

#include <cmath>
#include <vector>

#include "core/compressor/evaluate.hpp"

namespace ulpscope::studies {
namespace {

using compressor::forward;
using compressor::Name;
using compressor::Tensor;

/// Gates with the bias and without, and what stands where: in pipeline pad_first it is added to windows, pads included.
class BiasedSlots {
 public:
  BiasedSlots(const compressor::Problem& problem, const compressor::Recipe& recipe)
      : ape_(problem.input(Name::ape)),
        config_(compressor::effective_config(problem.config, recipe)),
        windows_(recipe.pipeline == compressor::Pipeline::pad_first) {
    if (windows_) padded_ = compressor::padded_slots(problem, config_, recipe);
  }
  compressor::Slot plain() const { return forward(windows_ ? Name::padded_gate : Name::gate); }
  compressor::Slot biased() const { return forward(windows_ ? Name::logits : Name::biased); }
  bool holds_token(std::size_t i) const { return !windows_ || padded_[i / config_.head_dim] == 0; }
  /// Where element i of `biased` stands in `plain`: windows are cut from whole rows of tokens.
  std::size_t place(std::size_t i) const {
    const std::size_t per_batch = config_.windows() * ape_.size();
    return windows_ ? i : i / per_batch * (config_.seq * config_.features()) + i % per_batch;
  }
  double bias(std::size_t i) const {
    if (!windows_) return ape_.at(i % ape_.size());
    const std::size_t d = config_.head_dim;
    const std::size_t slot = i / d % config_.window_slots();
    return ape_.at(slot % config_.ratio * config_.features() + slot / config_.ratio * d + i % d);
  }

 private:
  const Tensor& ape_;
  compressor::Config config_;
  bool windows_;
  std::vector<std::uint8_t> padded_;
};

}  // namespace

BiasLosses bias_losses(const BiasedRun& of, const compressor::Tape& run, const compressor::Tape& truth) {
  const BiasedSlots slots(of.problem, of.recipe);
  const Tensor& gate = run.find(slots.plain())->tensor;
  const Tensor& biased = run.find(slots.biased())->tensor;
  const Tensor& true_gate = truth.find(slots.plain())->tensor;
  const Tensor& true_biased = truth.find(slots.biased())->tensor;
  std::size_t lost = 0;
  std::size_t count = 0;
  double squares = 0;
  double norm = 0;
  for (std::size_t i = 0; i < biased.size(); ++i) {
    if (!slots.holds_token(i) || !std::isfinite(true_biased.at(i))) continue;
    const std::size_t token = slots.place(i);
    const double bias = slots.bias(i);
    ++count;
    lost += bias != 0 && biased.at(i) == gate.at(token) ? 1 : 0;
    squares += std::pow(biased.at(i) - true_gate.at(token) - bias, 2);
    norm += bias * bias;
  }
  const double none = std::nan("");
  return {count == 0 ? none : static_cast<double>(lost) / static_cast<double>(count),
          norm == 0 ? none : std::sqrt(squares / norm)};
}

}  // namespace ulpscope::studies
