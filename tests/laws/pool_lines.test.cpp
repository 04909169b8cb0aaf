// SPDX-License-Identifier: Apache-2.0
// Laws of the fused pool's gradients in memory: wherever lines of memory begin, the same bits, and nothing beside them.
#include <algorithm>
#include <array>

#include "core/compressor/evaluate.hpp"
#include "core/compressor/kernels/kernel_sets.hpp"
#include "core/compressor/run_session.hpp"
#include "tests/laws/support/examples.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;
using namespace ulpscope::test;

namespace {

constexpr std::size_t line = 16;  // values
constexpr float untouched = 12345;

Config config_of(Mode mode, std::size_t head_dim) {
  Config config;
  config.mode = mode;
  config.overlap = mode == Mode::csa;
  config.ratio = mode == Mode::csa ? 4 : 12;
  config.seq = 5 * config.ratio;
  config.hidden = 1;
  config.head_dim = head_dim;
  config.norm = false;
  return config;
}

/// A tensor that begins `offset` values behind a line, with untouched values before and behind it.
class Placed {
 public:
  Placed(std::size_t count, std::size_t offset) : values_(count + 4 * line, untouched), count_(count) {
    const std::size_t beyond = reinterpret_cast<std::uintptr_t>(values_.data()) / sizeof(float) % line;
    first_ = 2 * line - beyond + offset;
    std::fill_n(data(), count, 0.0F);  // what no window reads has no gradient
  }
  float* data() { return values_.data() + first_; }
  std::vector<float> result() const {
    const auto begin = values_.begin() + static_cast<std::ptrdiff_t>(first_);
    return {begin, begin + static_cast<std::ptrdiff_t>(count_)};
  }
  bool is_alone() const {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (i < first_ || i >= first_ + count_) kept += values_[i] == untouched ? 1 : 0;
    }
    return kept == values_.size() - count_;
  }

 private:
  std::vector<float> values_;
  std::size_t count_;
  std::size_t first_ = 0;
};

struct Offsets {
  std::size_t kv = 0;
  std::size_t gate = 0;
};

/// The gradients of kv and gate, one behind the other.
class PoolGradient {
 public:
  PoolGradient(const Recipe& recipe, const Config& config)
      : recipe_(recipe),
        config_(config),
        plan_(recipe, config),
        graph_(recipe, plan_, {}),
        padded_(padded_slots({config, {}, ""}, config, recipe)) {
    std::uint64_t seed = 0;
    for (const Slot slot : {forward(Name::kv), forward(Name::gate), forward(Name::ape), gradient(Name::pooled)}) {
      given_[slot.index()] = normal_values<float>(element_count(shape_of(slot, config)), ++seed);
    }
  }

  std::vector<float> at(const Offsets& offsets, const std::string& level) const {
    const std::size_t count = element_count(shape_of(gradient(Name::kv), config_));
    Placed kv(count, offsets.kv);
    Placed gate(count, offsets.gate);
    Evaluation<float> evaluation;
    evaluation.recipe = &recipe_;
    evaluation.plan = &plan_;
    evaluation.graph = &graph_;
    evaluation.kernels = &kernels::kernel_set<float>(plan_.kind(), level);
    evaluation.padded = &padded_;
    evaluation.threads = 2;
    evaluation.block_windows = default_block_windows(config_);
    for (std::size_t i = 0; i < slot_count; ++i) {
      if (!given_[i].empty()) evaluation.given[i] = given_[i].data();
    }
    evaluation.wanted = {gradient(Name::kv), gradient(Name::gate)};
    evaluation.into[gradient(Name::kv).index()] = kv.data();
    evaluation.into[gradient(Name::gate).index()] = gate.data();
    evaluate(evaluation);
    CHECK(kv.is_alone());
    CHECK(gate.is_alone());
    std::vector<float> both = kv.result();
    for (const float value : gate.result()) both.push_back(value);
    return both;
  }

 private:
  const Recipe& recipe_;
  Config config_;
  Plan plan_;
  Graph graph_;
  std::vector<std::uint8_t> padded_;
  std::array<std::vector<float>, slot_count> given_;
};

}  // namespace

TEST_CASE("gradients of a fused pool have the same bits wherever lines of memory begin", "[threads]") {
  const Recipe recipe = load_recipe("fp32");
  for (const Mode mode : {Mode::csa, Mode::hca}) {
    for (const std::size_t head_dim : {16, 48, 100, 544}) {
      const PoolGradient gradient(recipe, config_of(mode, head_dim));
      const std::vector<float> expected = gradient.at({}, "scalar");
      CHECK(2 * static_cast<std::size_t>(std::count(expected.begin(), expected.end(), 0.0F)) < expected.size());
      for (const std::string& level : kernels::simd_levels()) {
        for (std::size_t offset = 0; offset < line; ++offset) {
          INFO(config_of(mode, head_dim).window_slots()
               << " slots, " << head_dim << " channels, " << offset << " values behind a line, level " << level);
          CHECK(gradient.at({offset, offset}, level) == expected);
          CHECK(gradient.at({offset, (offset + 5) % line}, level) == expected);
        }
      }
    }
  }
}
