// SPDX-License-Identifier: Apache-2.0
// The softmax pool alone: kv, gate and ape given, everything after the projections asked of the engine.
#pragma once

#include <memory>

#include "core/compressor/evaluate.hpp"
#include "core/compressor/kernels/kernel_sets.hpp"
#include "core/compressor/parallel.hpp"
#include "precision/rounding.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/random.hpp"

namespace ulpscope::bench {

using namespace compressor;

inline Config pool_config(Mode mode, std::size_t tokens) {
  Config config;
  config.mode = mode;
  config.overlap = mode == Mode::csa;
  config.ratio = mode == Mode::csa ? 4 : 128;
  config.seq = tokens;
  config.hidden = 1;
  config.head_dim = 512;
  config.norm = false;
  return config;
}

/// Values in a recipe's storage format for `slot`, in the plan's carrier.
inline std::vector<float> slot_values(const Plan& plan, Slot slot, std::uint64_t seed) {
  const std::size_t count = element_count(shape_of(slot, plan.config()));
  std::vector<float> values = test::normal_values<float>(std::min<std::size_t>(count, 1 << 20), seed);
  for (float& value : values) value = static_cast<float>(precision::round(double{value}, plan.at(slot).storage));
  for (std::size_t i = values.size(); i < count; ++i) values.push_back(values[i - (1 << 20)]);
  return values;
}

/// A pool in one recipe. Slots given and wanted are added by name; `run` computes.
class Pool {
 public:
  Pool(const Recipe& recipe, const Config& config, unsigned threads)
      : recipe_(recipe),
        plan_(recipe, config),
        graph_(recipe, plan_, {}),
        padded_(padded_slots(problem_of(config), config, recipe)) {
    if (plan_.kind() != Kind::native_float && plan_.kind() != Kind::emulated_float)
      throw std::invalid_argument("carried in double");
    evaluation_.recipe = &recipe_;
    evaluation_.plan = &plan_;
    evaluation_.graph = &graph_;
    evaluation_.kernels = &kernels::kernel_set<float>(plan_.kind(), "");
    evaluation_.padded = &padded_;
    evaluation_.threads = threads;
    evaluation_.block_windows = default_block_windows(plan_.config());  // as a fused run has
    give(forward(Name::kv), slot_values(plan_, forward(Name::kv), 1));
    give(forward(Name::gate), slot_values(plan_, forward(Name::gate), 2));
    give(forward(Name::ape), slot_values(plan_, forward(Name::ape), 3));
  }
  Pool(const Pool&) = delete;

  const Plan& plan() const { return plan_; }
  const std::vector<float>& at(Slot slot) const { return tensors_[slot.index()]; }
  void give(Slot slot, std::vector<float> values) {
    tensors_[slot.index()] = std::move(values);
    evaluation_.given[slot.index()] = at(slot).data();
  }
  void want(Slot slot) {
    evaluation_.wanted.push_back(slot);
    tensors_[slot.index()].assign(element_count(shape_of(slot, plan_.config())), 0);
    evaluation_.into[slot.index()] = tensors_[slot.index()].data();
  }
  void run() { evaluate(evaluation_); }

 private:
  static Problem problem_of(const Config& config) { return {config, {}, ""}; }

  Recipe recipe_;
  Plan plan_;
  Graph graph_;
  std::vector<std::uint8_t> padded_;
  Evaluation<float> evaluation_;
  std::array<std::vector<float>, slot_count> tensors_;
};

/// One window and channel by the formulas, in double.
struct Softmax64 {
  std::vector<double> weights;
  std::vector<double> values;
  double pooled = 0;

  Softmax64(const Pool& pool, std::size_t window, std::size_t channel) {
    const Config& config = pool.plan().config();
    double total = 0;
    for (std::size_t r = 0; r < config.window_slots(); ++r) {
      const bool previous = config.overlap && r < config.ratio;
      const std::size_t j = r % config.ratio;
      const std::size_t column = channel + (config.overlap && !previous ? config.head_dim : 0);
      const std::size_t token = (window - (previous ? 1 : 0)) * config.ratio + j;
      const double bias = pool.at(forward(Name::ape))[j * config.features() + column];
      values.push_back(pool.at(forward(Name::kv))[token * config.features() + column]);
      weights.push_back(std::exp(pool.at(forward(Name::gate))[token * config.features() + column] + bias));
      total += weights.back();
    }
    for (std::size_t r = 0; r < weights.size(); ++r) {
      weights[r] /= total;
      pooled += weights[r] * values[r];
    }
  }
};

/// Windows 1 .. n-1 and channels that a check visits.
template <class F>
void sample(const Config& config, F visit) {
  for (std::size_t window = 1; window < config.windows(); window += config.windows() / 5 + 1) {
    for (std::size_t channel = 0; channel < config.head_dim; channel += 37) visit(window, channel);
  }
}

}  // namespace ulpscope::bench
