// SPDX-License-Identifier: Apache-2.0
// The engine in fp64 against the oracle, which shares no stage code with it: every slot, forward and backward.
#include "core/compressor/run.hpp"
#include "reference/oracle.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/distance.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;
using ulpscope::reference::OracleOptions;

namespace {

using Words = std::vector<std::string>;

struct Case {
  std::string name;
  Problem problem;
  Words settings;
};

Problem problem_of(Config config) { return make_problem(config, {}); }

Config with_rope(Config config, const std::optional<Rope>& rope) {
  config.rope = rope;
  return config;
}

Config with_ratio(Config config, std::size_t ratio) {
  config.ratio = ratio;
  return config;
}

Config quantizing(Config config, const Quantize& rule) {
  config.head_dim = 32;
  config.hadamard = true;
  config.quantize = rule;
  return config;
}

Problem with_prior(Problem problem) {
  add_prior(problem);
  return problem;
}

Problem with_masks(Problem problem) {
  add_mask_and_segments(problem);
  return problem;
}

/// No token of window 1 of batch row 0 is one.
Problem with_empty_window(Problem problem) {
  add_mask_and_segments(problem);
  const auto mask = std::get<ulpscope::io::Buffer<double>>(problem.inputs.at(Name::attention_mask).data).writable();
  const auto ratio = static_cast<std::ptrdiff_t>(problem.config.ratio);
  std::fill(mask.begin() + ratio, mask.begin() + 2 * ratio, 0);
  return problem;
}

std::vector<Case> cases_of(Mode mode) {
  const Config config = small_config(mode);
  const Problem plain = problem_of(config);
  Config without_norm = config;
  without_norm.norm = false;
  return {
      {"plain", plain, {}},
      {"loss scale", plain, {"loss_scale=1024"}},
      {"no norm", problem_of(without_norm), {}},
      {"no RoPE", problem_of(with_rope(config, std::nullopt)), {}},
      {"RoPE without YaRN, far away", problem_of(with_rope(config, Rope{8, 10000, std::nullopt, 5000})), {}},
      {"ratio 1", problem_of(with_ratio(config, 1)), {}},
      {"fewer tokens than a window", problem_of(with_ratio(config, 64)), {}},
      {"Hadamard and FP4", problem_of(quantizing(config, {"e2m1", 16, 0})), {}},
      {"Hadamard and FP8 but for the last channels", problem_of(quantizing(config, {"e4m3fn", 8, 8})), {}},
      {"pads of -1e4", plain, {"pad.gate=-1e4"}},
      {"pads that weigh", plain, {"pad.gate=-0.5", "pad.kv=0.75"}},
      {"mask", with_masks(plain), {"mask=pad"}},
      {"mask, excluded pads", with_masks(plain), {"mask=pad", "pad.gate=exclude"}},
      {"mask, pads that weigh", with_masks(plain), {"mask=pad", "pad.gate=-0.5", "pad.kv=0.75"}},
      {"a window without a token", with_empty_window(plain), {"mask=pad"}},
      {"a window without a token, pads of -1e4", with_empty_window(plain), {"mask=pad", "pad.gate=-1e4"}},
      {"previous half", with_masks(plain), {"segments=previous_half"}},
      {"strict segments and mask", with_masks(plain), {"segments=strict", "mask=pad"}},
      {"prior window", with_prior(plain), {}},
      {"prior window, strict segments, mask, pads of -1e4",
       with_prior(with_masks(plain)),
       {"segments=strict", "mask=pad", "pad.gate=-1e4"}},
      {"prior window, previous half, pads that weigh",
       with_prior(with_masks(plain)),
       {"segments=previous_half", "pad.gate=-0.5", "pad.kv=0.75"}},
  };
}

OracleOptions options_of(const Recipe& recipe) {
  OracleOptions options;
  const bool excluded = recipe.pad.gate == "exclude" || recipe.pad.gate == "-inf";
  if (!excluded) options.gate_pad = std::stod(recipe.pad.gate);
  options.kv_pad = std::stod(recipe.pad.kv);
  options.pipeline = recipe.pipeline;
  options.mask = recipe.mask;
  options.segments = recipe.segments;
  options.loss_scale = recipe.loss_scale;
  return options;
}

/// The largest |logit| of a slot that has weight.
double largest_logit(const Tape& tape) {
  const Tensor& logits = tape.find(forward(Name::logits))->tensor;
  const Tensor& weights = tape.find(forward(Name::weights))->tensor;
  double largest = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (weights.at(i) > 0) largest = std::max(largest, std::abs(logits.at(i)));
  }
  return largest;
}

/// Roundings on the longest way to a gradient, of both programs: the projection (h), softmax, pool and their VJPs (3
/// sums and 6 operations of L), the norm and its VJP (3 d), Hadamard twice (2 d), the sums of the weight gradients (B
/// S) or over features (c d). An error of a logit is a relative error of its weight: times 1 + |logit|; one of an
/// angle, of RoPE's positions: as many units as the last position.
double tolerance_of(const Config& config, const Tape& tape) {
  const std::size_t position = config.rope ? config.rope->position_offset + config.seq : 0;
  const std::size_t roundings = config.hidden + 9 * config.window_slots() + 5 * config.head_dim +
                                config.batch * config.seq + config.features() + position;
  return 2 * static_cast<double>(roundings) * (1 + largest_logit(tape)) * 0x1p-53;
}

/// Where both hold NaN, both get 0: what is left must agree.
void pair_nans(Tensor& a, Tensor& b) {
  for (Tensor* tensor : {&a, &b}) tensor->data = to_doubles(*tensor);
  const auto x = std::get<ulpscope::io::Buffer<double>>(a.data).writable();
  const auto y = std::get<ulpscope::io::Buffer<double>>(b.data).writable();
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (std::isnan(x[i]) && std::isnan(y[i])) x[i] = y[i] = 0;
  }
}

/// Every slot of both tapes; the number of slots.
std::size_t check_slots(const Tape& engine, const Tape& oracle, double tolerance) {
  for (const auto& [slot, expected] : oracle.records()) {
    INFO(to_string(slot));
    const Record* ours = engine.find(slot);
    REQUIRE(ours != nullptr);
    Tensor a = ours->tensor;
    Tensor b = expected.tensor;
    pair_nans(a, b);
    const double error = relative_error(a, b);
    INFO("relative error " << error << ", tolerance " << tolerance);
    CHECK(error <= tolerance);
  }
  CHECK(engine.records().size() == oracle.records().size());
  return oracle.records().size();
}

}  // namespace

TEST_CASE("the engine in fp64 and the oracle agree in every slot and gradient") {
  const Mode mode = GENERATE(Mode::csa, Mode::hca);
  const std::string pipeline = GENERATE("bias_first", "pad_first");
  for (const Case& example : cases_of(mode)) {
    INFO((mode == Mode::csa ? "csa, " : "hca, ") << pipeline << ", " << example.name);
    const Recipe recipe = with_settings(with_setting(load_recipe("fp64"), "pipeline=" + pipeline), example.settings);
    const Tape engine = run_traced(example.problem, recipe, {}).tape;
    const Tape oracle = ulpscope::reference::oracle(example.problem, options_of(recipe));
    CHECK(check_slots(engine, oracle, tolerance_of(example.problem.config, oracle)) >= 30);
  }
}

TEST_CASE("an option that only one of engine and oracle follows is seen") {
  const Problem problem = with_prior(with_masks(problem_of(small_config(Mode::csa))));
  const Recipe recipe = with_settings(load_recipe("fp64"), {"segments=strict", "mask=pad", "pad.gate=-0.5"});
  const Tape engine = run_traced(problem, recipe, {}).tape;
  const auto distance = [&](const OracleOptions& options) {
    const Tape oracle = ulpscope::reference::oracle(problem, options);
    return relative_error(engine.find(forward(Name::output))->tensor, oracle.find(forward(Name::output))->tensor);
  };
  CHECK(distance(options_of(recipe)) <= 1e-13);
  OracleOptions other = options_of(recipe);
  other.segments = SegmentPolicy::previous_half;
  CHECK(distance(other) > 1e-3);
  other = options_of(recipe);
  other.mask = MaskPolicy::ignore;
  CHECK(distance(other) > 1e-3);
  other = options_of(recipe);
  other.gate_pad = 0;
  CHECK(distance(other) > 1e-3);
}
