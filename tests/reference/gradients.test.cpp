// SPDX-License-Identifier: Apache-2.0
// Every gradient of the oracle against central differences, under every option that changes which slot gets what.
#include <algorithm>
#include <limits>

#include "reference/oracle.hpp"
#include "tests/reference/support.hpp"
#include "tests/support/catch.hpp"

namespace ulpscope {
namespace {

using compressor::Name;
using reference::oracle;
using reference::OracleOptions;
using test::Config;
using test::Problem;

/// L = sum cotangent * output
double loss(const Problem& problem, const OracleOptions& options) {
  const auto output = to_doubles(test::value(oracle(problem, options), Name::output));
  const auto cotangent = to_doubles(problem.input(Name::cotangent));
  double sum = 0;
  for (std::size_t e = 0; e < output.size(); ++e) sum += cotangent[e] * output[e];
  return sum;
}

/// dL/dx_e by the fourth-order stencil (8 (L(h) - L(-h)) - (L(2h) - L(-2h))) / 12 h. With h = 2^-10: truncation
/// h^4 f5 / 30 ~ 3e-14 f5, rounding ~ 2^-53 L / h ~ 1e-13 L.
double derivative(Problem& problem, const OracleOptions& options, Name name, std::size_t e) {
  constexpr double h = 0x1p-10;
  const std::vector<double> values = to_doubles(problem.input(name));
  const auto shifted = [&](double step) {
    std::vector<double> moved = values;
    moved[e] += step;
    test::set_input(problem, name, moved);
    return loss(problem, options);
  };
  const double first = shifted(h) - shifted(-h);
  const double second = shifted(2 * h) - shifted(-2 * h);
  test::set_input(problem, name, values);
  return (8 * first - second) / (12 * h);
}

/// Derivatives up to the fifth are larger than the gradients by a few orders, no more.
constexpr double tolerance = 1e-9;

void require_gradients(Problem problem, const OracleOptions& options) {
  std::vector<Name> names{Name::hidden, Name::w_kv, Name::w_gate, Name::ape, Name::gamma};
  if (problem.has(Name::prior_kv)) names.insert(names.end(), {Name::prior_kv, Name::prior_gate});
  const auto tape = oracle(problem, options);
  for (const Name name : names) {
    if (name == Name::gamma && !problem.config.norm) continue;
    INFO("gradient of " << compressor::to_string(name));
    const test::Tensor& gradient = test::grad(tape, name);
    const double scale = test::largest(gradient);
    REQUIRE(scale > 0);
    for (std::size_t e = 0; e < gradient.size(); ++e) {
      INFO("element " << e);
      const double difference = std::abs(options.loss_scale * derivative(problem, options, name, e) - gradient.at(e));
      REQUIRE(difference <= tolerance * std::max(scale, 1.0));
    }
  }
}

Config with_everything(Config config) {
  config.rope = compressor::Rope{4, 100, compressor::Yarn{4, 16, 2, 0.5}, 3};
  config.hadamard = true;
  config.eps = 0.1;  // not negligible, so that its place in the formula is seen
  return config;
}

TEST_CASE("gradients are those of the output: both modes, both pipelines, RoPE and Hadamard on and off") {
  const auto config = GENERATE(test::tiny_hca(), test::tiny_csa(), with_everything(test::tiny_hca()),
                               with_everything(test::tiny_csa()));
  OracleOptions options;
  options.pipeline = GENERATE(compressor::Pipeline::bias_first, compressor::Pipeline::pad_first);
  options.loss_scale = 4;
  require_gradients(test::random_problem(config), options);
}

TEST_CASE("gradients without norm") {
  Config config = test::tiny_csa();
  config.norm = false;
  require_gradients(test::random_problem(config), {});
}

TEST_CASE("gradients with finite pads, which take part in the softmax") {
  OracleOptions options;
  options.gate_pad = 0.3;
  options.kv_pad = -0.7;
  options.pipeline = GENERATE(compressor::Pipeline::bias_first, compressor::Pipeline::pad_first);
  require_gradients(test::random_problem(test::tiny_csa()), options);
}

TEST_CASE("gradients reach the prior window's first half, and its bias") {
  Problem problem = test::random_problem(test::tiny_csa());
  test::draw(problem, {Name::prior_kv, Name::prior_gate});
  OracleOptions options;
  options.pipeline = GENERATE(compressor::Pipeline::bias_first, compressor::Pipeline::pad_first);
  require_gradients(problem, options);
}

TEST_CASE("gradients under an attention mask") {
  Problem problem = test::random_problem(GENERATE(test::tiny_csa(), test::tiny_hca()));
  std::vector<double> mask(problem.config.batch * problem.config.seq, 1);
  for (const std::size_t token : {0U, 1U, 6U, 9U, 14U, 20U}) mask[token] = 0;
  test::set_input(problem, Name::attention_mask, mask);
  OracleOptions options;
  options.mask = compressor::MaskPolicy::pad;
  options.gate_pad = GENERATE(-std::numeric_limits<double>::infinity(), 0.3);
  options.kv_pad = 0.5;
  require_gradients(problem, options);

  const auto tape = oracle(problem, options);
  const auto row = [&](std::size_t token) { return test::grad(tape, Name::hidden).at(token * problem.config.hidden); };
  CHECK(row(6) == 0);
  CHECK(row(5) != 0);
}

TEST_CASE("gradients under segments, both policies") {
  Problem problem = test::random_problem(GENERATE(test::tiny_csa(), test::tiny_hca()));
  std::vector<double> ids(problem.config.batch * problem.config.seq, 0);
  for (std::size_t token = 0; token < ids.size(); ++token) ids[token] = token < 5 ? 0 : (token < 18 ? 1 : 2);
  test::set_input(problem, Name::segment_ids, ids);
  OracleOptions options;
  options.segments = GENERATE(compressor::SegmentPolicy::previous_half, compressor::SegmentPolicy::strict);
  require_gradients(problem, options);
}

}  // namespace
}  // namespace ulpscope
