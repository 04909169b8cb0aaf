// SPDX-License-Identifier: Apache-2.0
// The verb selftest: this machine computes what the program says. Numbers are judged by precision's self-test, whose
// references are integers and other people's code; the compressor by running it in several ways.
#include "precision/selftest.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "app/session.hpp"
#include "core/compressor/random.hpp"
#include "precision/rounding.hpp"
#include "precision/ulp.hpp"

namespace ulpscope::app {
namespace {

using compressor::forward;
using compressor::Name;
using Failure = std::optional<std::string>;

/// Every code of every format of at most 16 bits decodes to a value of the format and encodes back.
Failure codes(const Progress&) {
  for (const precision::Format& format : precision::formats()) {
    if (precision::total_bits(format) > 16) continue;
    const std::uint64_t count = std::uint64_t{1} << precision::total_bits(format);
    for (std::uint64_t code = 0; code < count; ++code) {
      const double value = precision::decode(code, format);
      if (std::isnan(value)) continue;
      const bool same = precision::encode(value, format) == code && precision::round(value, format) == value;
      if (!same) return fmt::format("{}: code {:#x} decodes to {} and does not come back", format.name, code, value);
    }
  }
  return std::nullopt;
}

Failure random_numbers(const Progress&) {
  const compressor::Key zero = compressor::threefry2x32({0, 0}, {0, 0});  // Random123's known answer
  if (zero == compressor::Key{0x6b200159u, 0x99ba4efeu}) return std::nullopt;
  return fmt::format("threefry2x32 of zeros gives {:#x} {:#x}", zero.hi, zero.lo);
}

compressor::Problem small_problem(const char* preset, std::size_t seq) {
  compressor::Config config = compressor::preset(preset);
  config.batch = 1;
  config.seq = seq;
  config.hidden = 48;
  compressor::MakeOptions options;
  options.seed = 1;
  return compressor::make_problem(config, options);
}

bool same_bits(const compressor::Tensor& a, const compressor::Tensor& b) {
  if (a.size() != b.size() || a.data.index() != b.data.index()) return false;
  return std::visit(
      [&](const auto& values) {
        const auto& others = std::get<std::decay_t<decltype(values)>>(b.data);
        return values.empty() || std::memcmp(values.data(), others.data(), values.size() * sizeof(values[0])) == 0;
      },
      a.data);
}

Failure same_results(const compressor::Run& run, const compressor::Run& reference, const std::string& what) {
  for (const auto& [slot, record] : run.tape.records()) {
    const compressor::Record* other = reference.tape.find(slot);
    if (other != nullptr && same_bits(record.tensor, other->tensor)) continue;
    return fmt::format("{}: {} has other bits", what, compressor::to_string(slot));
  }
  return std::nullopt;
}

/// Traced and fused, one thread and three, plain and vectorised: the same bits, for every built-in recipe.
Failure backends_agree(const Progress& progress) {
  const std::array<compressor::Problem, 2> problems{small_problem("small-csa", 26), small_problem("small-hca", 300)};
  for (const auto& problem : problems) {
    for (const std::string& name : compressor::builtin_recipe_names()) {
      if (progress) progress("backends: " + name);
      const auto recipe = compressor::load_recipe(name);
      const auto reference = compressor::run_traced(problem, recipe, {});
      compressor::RunOptions options;
      options.threads = 3;
      const std::string what = problem.source + ", " + name;
      if (auto failure = same_results(compressor::run_fused(problem, recipe, options), reference, what + ", fused"))
        return failure;
      options.simd = "scalar";
      if (auto failure = same_results(compressor::run_traced(problem, recipe, options), reference, what + ", scalar"))
        return failure;
    }
  }
  return std::nullopt;
}

/// fp32's error against fp64 is fp32's, not more: the engine computes the compressor, in two arithmetics.
Failure precisions_agree(const Progress&) {
  const auto problem = small_problem("small-csa", 26);
  const auto fp32 = compressor::run_traced(problem, compressor::load_recipe("fp32"), {});
  const auto fp64 = compressor::run_traced(problem, compressor::load_recipe("fp64"), {});
  for (const auto& [slot, record] : fp64.tape.records()) {
    const compressor::Record* other = fp32.tape.find(slot);
    if (other == nullptr || record.tensor.size() == 0) continue;
    const auto layout = judge::layout_of(slot, record.tensor.shape, fp64.config);
    const auto metrics = judge::measure(other->tensor, record.tensor, {other->format, layout}, 1);
    const double allowed = 1024 * precision::unit_roundoff(precision::parse_format("fp32"));
    if (!metrics.classes_equal() || (metrics.compared != 0 && !(metrics.rms_rel <= allowed))) {
      return fmt::format("{} in fp32 is off by {:.2g} (rms)", compressor::to_string(slot), metrics.rms_rel);
    }
  }
  return std::nullopt;
}

struct Check {
  const char* name;
  const char* what;
  Failure (*run)(const Progress&);
};
constexpr std::array<Check, 4> checks{{
    {"formats", "every code of every format of at most 16 bits decodes and encodes back", codes},
    {"random", "the random numbers are Threefry's", random_numbers},
    {"backends", "traced, fused, scalar, vectorised, threaded: the same bits for every recipe", backends_agree},
    {"precisions", "fp32 differs from fp64 by roundings only", precisions_agree},
}};

/// One line per claim, and one more for its first fault.
void add_line(Outcome& outcome, const std::string& name, const std::string& what, const Failure& failure) {
  outcome.text += fmt::format("{:<18} {:<4} {}\n", name, failure ? "FAIL" : "ok", failure ? *failure : what);
  if (failure) outcome.exit = 1;
}

void add_numbers(Outcome& outcome, const SelftestOptions& options) {
  const auto progress = [&](const precision::SelftestProgress& now) {
    if (options.progress) options.progress(fmt::format("{} ({} of {})", now.check, now.done + 1, now.total));
  };
  const auto depth =
      options.thoroughness == Thoroughness::exhaustive ? precision::Depth::exhaustive : precision::Depth::quick;
  const auto result = precision::selftest(depth, static_cast<int>(options.threads), progress);
  for (const precision::SelftestCheck& check : result.checks) {
    Failure failure;
    if (check.cases == 0) failure = "no case was tried";
    if (check.failures != 0)
      failure = fmt::format("{} of {} floats are wrong: {}", check.failures, check.cases, check.first_failure);
    add_line(outcome, check.name, fmt::format("{} floats", check.cases), failure);
    outcome.report.push_back({{"name", check.name},
                              {"status", failure ? "fail" : "ok"},
                              {"cases", check.cases},
                              {"failures", check.failures},
                              {"reason", failure ? io::Json(*failure) : io::Json()}});
  }
}

}  // namespace

Outcome selftest(const SelftestOptions& options) {
  Outcome outcome;
  outcome.report = io::Json::array();
  for (const Check& check : checks) {
    if (options.progress) options.progress(check.name);
    const Failure failure = check.run(options.progress);
    add_line(outcome, check.name, check.what, failure);
    outcome.report.push_back({{"name", check.name},
                              {"status", failure ? "fail" : "ok"},
                              {"cases", nullptr},
                              {"failures", nullptr},
                              {"reason", failure ? io::Json(*failure) : io::Json()}});
  }
  add_numbers(outcome, options);
  return outcome;
}

}  // namespace ulpscope::app
