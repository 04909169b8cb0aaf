// SPDX-License-Identifier: Apache-2.0
// What exact mathematics demands of a run, whatever its values: the oracle keeps it to a few units of fp64.
#include <algorithm>
#include <cmath>
#include <xtensor/xbuilder.hpp>

#include "reference/entries.hpp"
#include "reference/oracle.hpp"
#include "tests/reference/support.hpp"
#include "tests/support/catch.hpp"

namespace ulpscope {
namespace {

using compressor::Name;
using reference::oracle;
using reference::OracleOptions;
using test::grad;
using test::Problem;
using test::Tape;
using test::Tensor;
using test::value;

constexpr double unit = 0x1p-53;

/// Visits (entry, channel) of [B,n,L,d] tensors: f(entry, channel, at), at(r) = flat index of slot r.
template <class F>
void each_channel(const Tensor& windows, F f) {
  const std::size_t slots = windows.shape[2];
  const std::size_t channels = windows.shape[3];
  REQUIRE(windows.size() > 0);
  for (std::size_t entry = 0; entry < windows.shape[0] * windows.shape[1]; ++entry) {
    for (std::size_t c = 0; c < channels; ++c) {
      f(entry, c, [=](std::size_t r) { return (entry * slots + r) * channels + c; });
    }
  }
}

struct Sum {
  double value = 0;
  double magnitude = 0;  ///< sum of |terms|: what its rounding error is proportional to
  void add(double term) {
    value += term;
    magnitude += std::abs(term);
  }
};

template <class At>
Sum sum_slots(const Tensor& windows, At at) {
  Sum sum;
  for (std::size_t r = 0; r < windows.shape[2]; ++r) sum.add(windows.at(at(r)));
  return sum;
}

/// A sum of n rounded terms of size `magnitude`, each of which carries a few roundings itself.
double bound(double n, double magnitude) { return (n + 8) * unit * magnitude; }

Problem golden(const char* name) { return test::golden_problem(name); }
const char* any_case() { return GENERATE("csa-small", "hca-small", "csa-short", "csa-hard", "hca-hard"); }

TEST_CASE("weights sum to 1, and the pooled value lies between the least and the greatest value") {
  const Tape tape = oracle(golden(any_case()), {});
  const Tensor& weights = value(tape, Name::weights);
  const Tensor& values = value(tape, Name::values);
  const auto slots = static_cast<double>(weights.shape[2]);
  each_channel(weights, [&](std::size_t entry, std::size_t c, auto at) {
    REQUIRE(std::abs(sum_slots(weights, at).value - 1) <= bound(slots, 1));
    double least = INFINITY;
    double greatest = -INFINITY;
    for (std::size_t r = 0; r < weights.shape[2]; ++r) {
      if (weights.at(at(r)) == 0) continue;
      least = std::min(least, values.at(at(r)));
      greatest = std::max(greatest, values.at(at(r)));
    }
    const double pooled = value(tape, Name::pooled).at(entry * weights.shape[3] + c);
    const double slack = bound(slots, std::max(std::abs(least), std::abs(greatest)));
    REQUIRE(pooled >= least - slack);
    REQUIRE(pooled <= greatest + slack);
  });
}

TEST_CASE("over the slots, gradients of logits sum to 0 and gradients of values to the pooled one") {
  const Tape tape = oracle(golden(any_case()), {});
  const Tensor& d_logits = grad(tape, Name::logits);
  const Tensor& d_values = grad(tape, Name::values);
  const auto slots = static_cast<double>(d_logits.shape[2]);
  each_channel(d_logits, [&](std::size_t entry, std::size_t c, auto at) {
    const double d_pooled = grad(tape, Name::pooled).at(entry * d_logits.shape[3] + c);
    double cancelled = 0;  // the terms of V_r - C
    for (std::size_t r = 0; r < d_logits.shape[2]; ++r) {
      const double w = value(tape, Name::weights).at(at(r));
      cancelled += std::abs(w * d_pooled * value(tape, Name::values).at(at(r)));
    }
    REQUIRE(std::abs(sum_slots(d_logits, at).value) <= bound(slots, 2 * cancelled));
    REQUIRE(std::abs(sum_slots(d_values, at).value - d_pooled) <= bound(slots, 2 * std::abs(d_pooled)));
  });
}

TEST_CASE("the softmax's VJP equals its unfused form W (dW - sum W dW)") {
  const Tape tape = oracle(golden(any_case()), {});
  const Tensor& w = value(tape, Name::weights);
  const Tensor& g = grad(tape, Name::weights);
  const auto slots = static_cast<double>(w.shape[2]);
  each_channel(w, [&](std::size_t, std::size_t, auto at) {
    Sum mean;
    for (std::size_t r = 0; r < w.shape[2]; ++r) mean.add(w.at(at(r)) * g.at(at(r)));
    for (std::size_t r = 0; r < w.shape[2]; ++r) {
      const double unfused = w.at(at(r)) * (g.at(at(r)) - mean.value);
      const double size = w.at(at(r)) * (std::abs(g.at(at(r))) + mean.magnitude);
      REQUIRE(std::abs(unfused - grad(tape, Name::logits).at(at(r))) <= bound(slots, 2 * size));
    }
  });
}

/// Over the rows of grad.ape, the sum for channel c of both halves, and |a half's own sum|.
struct Gauge {
  Sum sum;
  double first_half = 0;
};
Gauge gauge(const Tape& tape, const compressor::Config& config, std::size_t c) {
  const Tensor& d_ape = grad(tape, Name::ape);
  Gauge result;
  for (std::size_t j = 0; j < config.ratio; ++j) {
    for (std::size_t half = 0; half < config.halves(); ++half) {
      result.sum.add(d_ape.at(j * config.features() + half * config.head_dim + c));
    }
    result.first_half += d_ape.at(j * config.features() + c);
  }
  result.first_half = std::abs(result.first_half);
  return result;
}

TEST_CASE("a constant added to all slots of a channel changes nothing: gradients of ape sum to 0, with -inf pads") {
  const Problem problem = golden(any_case());
  const auto& config = problem.config;
  const Tape tape = oracle(problem, {});
  double half = 0;
  // every addend of grad.ape was formed by a cancellation; its terms are as large as V dC
  const double terms = test::largest(value(tape, Name::values)) * test::largest(grad(tape, Name::pooled)) *
                       static_cast<double>(config.batch * config.windows());
  for (std::size_t c = 0; c < config.head_dim; ++c) {
    const Gauge g = gauge(tape, config, c);
    REQUIRE(std::abs(g.sum.value) <= bound(static_cast<double>(config.ratio), 2 * terms));
    half = std::max(half, g.first_half);
  }
  if (config.overlap && config.windows() > 1) CHECK(half > 1e-3);  // neither half alone does
}

TEST_CASE("a pad of gate 0 breaks the gauge freedom of ape") {
  const Problem problem = golden("csa-small");
  OracleOptions options;
  options.gate_pad = 0;
  const Tape tape = oracle(problem, options);
  double worst = 0;
  for (std::size_t c = 0; c < problem.config.head_dim; ++c) {
    worst = std::max(worst, std::abs(gauge(tape, problem.config, c).sum.value));
  }
  CHECK(worst > 1e-3);
}

TEST_CASE("the norm annihilates the radial direction: sum C dC = rho^3 eps sum q C") {
  const Problem problem = golden(any_case());
  const std::size_t d = problem.config.head_dim;
  const Tape tape = oracle(problem, {});
  const Tensor& pooled = value(tape, Name::pooled);
  for (std::size_t row = 0; row < pooled.size() / d; ++row) {
    const double rho = 1 / std::sqrt(value(tape, Name::mean_square).at(row) + problem.config.eps);
    Sum radial;
    Sum through;
    for (std::size_t e = row * d; e < (row + 1) * d; ++e) {
      radial.add(pooled.at(e) * grad(tape, Name::pooled).at(e));
      through.add(grad(tape, Name::normalized).at(e) * pooled.at(e));
    }
    const double expected = rho * rho * rho * problem.config.eps * through.value;
    REQUIRE(std::abs(radial.value - expected) <= bound(static_cast<double>(d), 4 * rho * through.magnitude));
  }
}

/// Token t's cotangent when only entry i's output is asked for: exactly 0, or not.
bool reaches(const Tape& tape, std::size_t token, std::size_t hidden) {
  for (std::size_t c = 0; c < hidden; ++c) {
    if (grad(tape, Name::hidden).at(token * hidden + c) != 0) return true;
  }
  return false;
}

TEST_CASE("an entry depends on the tokens of its window and, with overlap, of the one before, and on no other") {
  Problem problem = test::random_problem(GENERATE(test::tiny_csa(), test::tiny_hca()));
  const auto& config = problem.config;
  const std::size_t entry = GENERATE(0U, 1U);
  std::vector<double> cotangent(config.batch * config.windows() * config.head_dim, 0.0);
  std::fill_n(cotangent.begin() + static_cast<std::ptrdiff_t>(entry * config.head_dim), config.head_dim, 1.0);
  cotangent[entry * config.head_dim] = -2;
  test::set_input(problem, Name::cotangent, cotangent);

  const Tape tape = oracle(problem, {});

  const std::size_t first = config.overlap && entry > 0 ? (entry - 1) * config.ratio : entry * config.ratio;
  for (std::size_t token = 0; token < config.batch * config.seq; ++token) {
    INFO("token " << token);
    CHECK(reaches(tape, token, config.hidden) == (token >= first && token < (entry + 1) * config.ratio));
  }
}

TEST_CASE("the remainder and the first half of the last window get exactly 0") {
  const Problem problem = golden("csa-small");
  const auto& config = problem.config;
  const Tape tape = oracle(problem, {});
  const std::size_t last = (config.windows() - 1) * config.ratio;
  for (const Name name : {Name::kv, Name::gate}) {
    for (std::size_t token = last; token < config.seq; ++token) {
      for (std::size_t f = 0; f < config.features(); ++f) {
        const bool zero = token >= last + config.ratio || f < config.head_dim;
        CHECK((grad(tape, name).at(token * config.features() + f) == 0) == zero);
      }
    }
  }
}

TEST_CASE("a pad far below the logits gives the run with -inf exactly, and garbage behind a pad does not enter") {
  Problem problem = golden("csa-small");
  OracleOptions options;
  options.gate_pad = -1e4;
  const auto output = to_doubles(value(oracle(problem, {}), Name::output));
  CHECK(to_doubles(value(oracle(problem, options), Name::output)) == output);

  // a masked token's hidden state is garbage: its kv and gate are NaN, the entries are not
  options = {};
  options.mask = compressor::MaskPolicy::pad;
  std::vector<double> mask(problem.config.batch * problem.config.seq, 1.0);
  mask[5] = 0;
  test::set_input(problem, Name::attention_mask, mask);
  auto hidden = to_doubles(problem.input(Name::hidden));
  std::fill_n(hidden.begin() + static_cast<std::ptrdiff_t>(5 * problem.config.hidden), problem.config.hidden, NAN);
  test::set_input(problem, Name::hidden, hidden);
  const Tape tape = oracle(problem, options);
  CHECK(std::isfinite(test::largest(value(tape, Name::output))));
  CHECK(std::isfinite(test::largest(grad(tape, Name::hidden))));
  CHECK(std::isnan(test::largest(value(tape, Name::kv))));
  // the products of a zero gradient with garbage are what they are in any implementation: 0 * NaN
  CHECK(std::isnan(test::largest(grad(tape, Name::w_kv))));
}

TEST_CASE("a row whose every slot is a pad of -inf is NaN in the whole entry, and in no other") {
  Problem problem = test::random_problem(test::tiny_hca());
  const auto& config = problem.config;
  std::vector<double> mask(config.batch * config.seq, 1.0);
  std::fill_n(mask.begin(), config.ratio, 0.0);
  test::set_input(problem, Name::attention_mask, mask);
  OracleOptions options;
  options.mask = compressor::MaskPolicy::pad;
  const Tape tape = oracle(problem, options);
  const Tensor& output = value(tape, Name::output);
  for (std::size_t e = 0; e < output.size(); ++e) CHECK(std::isnan(output.at(e)) == (e < config.head_dim));
}

TEST_CASE("a NaN logit makes its row's maximum and weights NaN, wherever it stands") {
  Problem problem = test::random_problem(test::tiny_hca());
  const auto& config = problem.config;
  const std::size_t token = GENERATE(0U, 2U, 4U);  // of window 0 of row 0
  auto hidden = to_doubles(problem.input(Name::hidden));
  hidden[token * config.hidden] = NAN;
  test::set_input(problem, Name::hidden, hidden);
  const Tape tape = oracle(problem, {});
  for (std::size_t e = 0; e < value(tape, Name::row_max).size(); ++e) {
    CHECK(std::isnan(value(tape, Name::row_max).at(e)) == (e < config.head_dim));
    CHECK(std::isnan(value(tape, Name::pooled).at(e)) == (e < config.head_dim));
  }
}

TEST_CASE("a prior window makes the first entries of a continuation those of the whole sequence") {
  Problem whole = test::random_problem(test::tiny_csa());
  whole.config.rope = compressor::Rope{4, 100, std::nullopt, 0};
  const auto config = whole.config;
  const Tape tape = oracle(whole, {});

  Problem rest = whole;
  rest.config.seq = config.seq - config.ratio;
  rest.config.rope->position_offset = static_cast<std::int64_t>(config.ratio);
  const auto rows = [&](const Tensor& tensor, std::size_t first, std::size_t count) {
    const std::size_t width = tensor.shape[2];
    std::vector<double> cut;
    for (std::size_t b = 0; b < config.batch; ++b) {
      for (std::size_t e = 0; e < count * width; ++e)
        cut.push_back(tensor.at((b * tensor.shape[1] + first) * width + e));
    }
    return cut;
  };
  test::set_input(rest, Name::hidden, rows(whole.input(Name::hidden), config.ratio, rest.config.seq));
  test::set_input(rest, Name::cotangent, rows(whole.input(Name::cotangent), 1, rest.config.windows()));
  test::set_input(rest, Name::prior_kv, rows(value(tape, Name::kv), 0, config.ratio));
  test::set_input(rest, Name::prior_gate, rows(value(tape, Name::gate), 0, config.ratio));

  const Tensor expected{value(oracle(rest, {}), Name::output).shape,
                        rows(value(tape, Name::output), 1, rest.config.windows()), io::DType::f64};
  CHECK(test::relative_error(value(oracle(rest, {}), Name::output), expected) <= 1e-15);
}

TEST_CASE("strict segments pool only the tokens of the last token's document; previous_half cuts whole halves") {
  Problem problem = test::random_problem(test::tiny_csa());
  const auto& config = problem.config;
  std::vector<double> ids(config.batch * config.seq, 0);
  for (std::size_t token = 6; token < config.seq; ++token) ids[token] = 1;  // inside window 1 of row 0
  test::set_input(problem, Name::segment_ids, ids);
  OracleOptions options;
  const auto kept = [&](compressor::SegmentPolicy policy, std::size_t window) {
    options.segments = policy;
    const Tensor weights = value(oracle(problem, options), Name::weights);
    std::string text;
    for (std::size_t r = 0; r < config.window_slots(); ++r) {
      text += weights.at((window * config.window_slots() + r) * config.head_dim) != 0 ? '1' : '0';
    }
    return text;
  };
  using compressor::SegmentPolicy;
  CHECK(kept(SegmentPolicy::ignore, 1) == "11111111");
  CHECK(kept(SegmentPolicy::previous_half, 0) == "00001111");
  CHECK(kept(SegmentPolicy::previous_half, 1) == "00001111");  // mixed (-1) after 0
  CHECK(kept(SegmentPolicy::previous_half, 2) == "00001111");  // 1 after mixed
  CHECK(kept(SegmentPolicy::strict, 1) == "00000011");
  CHECK(kept(SegmentPolicy::strict, 2) == "00111111");
}

TEST_CASE("the Hadamard transform is its own inverse, keeps norms, and spreads the first channel evenly") {
  auto x = reference::Entries::from_shape({1, 2, 8});
  const auto values = test::normal_values<double>(16, 3);
  std::copy(values.begin(), values.end(), x.begin());
  const auto twice = reference::hadamard(reference::hadamard(x));
  for (std::size_t e = 0; e < 16; ++e) CHECK_THAT(twice.flat(e), Catch::Matchers::WithinAbs(x.flat(e), 16 * unit * 4));

  reference::Entries first = xt::zeros<double>({1, 1, 4});
  first(0, 0, 1) = 2;
  const auto spread = reference::hadamard(first);
  CHECK(std::vector<double>(spread.begin(), spread.end()) == std::vector<double>{1, -1, 1, -1});
}

TEST_CASE("quantise: the smallest power-of-two scale that fits, ties to even, floor, skipped channels") {
  const auto quantized = [](std::vector<double> values, const compressor::Quantize& rule, double floor) {
    auto x = reference::Entries::from_shape({1, 1, values.size()});
    std::copy(values.begin(), values.end(), x.begin());
    const auto y = reference::quantize(x, rule, floor);
    return std::vector<double>(y.begin(), y.end());
  };
  const compressor::Quantize fp4{"e2m1", 4, 1};
  // amax 6: scale 1, grid 0 .5 1 1.5 2 3 4 6; 2.5 and 5 are ties
  CHECK(quantized({6, 2.5, 5, -0.2, 0.3}, fp4, 6 * 0x1p-126) == std::vector<double>{6, 2, 4, -0.0, 0.3});
  // amax just above 6: scale 2
  CHECK(quantized({6.01, 2.5, 5, 1, 0.3}, fp4, 6 * 0x1p-126) == std::vector<double>{6, 2, 4, 1, 0.3});
  const compressor::Quantize fp8{"e4m3fn", 2, 0};
  CHECK(quantized({448, 17, 449, 17}, fp8, 1e-4) == std::vector<double>{448, 16, 448, 16});
  // scale 1 loses 2^-10 to a tie with 0, scale 1/2 keeps it
  CHECK(quantized({448, 0x1p-10, 224, 0x1p-10}, fp8, 1e-4) == std::vector<double>{448, 0, 224, 0x1p-10});
  // the floor 1e-4 / 448 -> scale 2^-22: the quantum of the subnormals is 2^-9 2^-22
  CHECK(quantized({0x1p-31, 0x1p-33, 0, 0}, fp8, 1e-4) == std::vector<double>{0x1p-31, 0, 0, 0});
}

TEST_CASE("quantisation is straight-through: its gradient is that of the run without it") {
  Problem problem = test::random_problem(test::tiny_csa());
  problem.config.hadamard = true;
  const Tape plain = oracle(problem, {});
  problem.config.quantize = compressor::Quantize{"e2m1", 2, 2};
  const Tape tape = oracle(problem, {});
  CHECK(to_doubles(value(tape, Name::output)) != to_doubles(value(plain, Name::output)));
  CHECK(to_doubles(value(tape, Name::hadamard)) == to_doubles(value(plain, Name::output)));
  CHECK(to_doubles(grad(tape, Name::quantized)) == to_doubles(grad(tape, Name::hadamard)));
  CHECK(to_doubles(grad(tape, Name::hidden)) == to_doubles(grad(plain, Name::hidden)));
}

}  // namespace
}  // namespace ulpscope
