// SPDX-License-Identifier: Apache-2.0
// Study accumulate: what a sum's order and format cost, from 8 terms to thousands.
#include <fmt/format.h>

#include <cmath>

#include "core/studies/errors.hpp"
#include "core/studies/sum_terms.hpp"
#include "precision/emulated.hpp"
#include "precision/summation.hpp"

namespace ulpscope::studies {
namespace {

struct Adder {
  precision::Emulated<double> format;
  precision::Summation order;
  /// Stochastic roundings of every sum are drawn anew.
  Adder at(std::uint64_t seed, std::size_t trial) const { return {format.at({seed, trial, 0}), order}; }
  double operator()(const Terms& terms, std::size_t count) const {
    return precision::sum(format, static_cast<int>(count), order,
                          [&](int i) { return terms[static_cast<std::size_t>(i)]; });
  }
};

io::Json measure(const Point& at, const Subject& subject) {
  if (subject.problem != nullptr) {
    if (const auto empty = empty_point(*subject.problem)) return *empty;
  }
  const precision::Format format = precision::parse_format(at.at("format"));
  const Adder any{precision::Emulated<double>(format), precision::parse_summation(at.at("summation"))};
  const Adder exact{precision::Emulated<double>(precision::parse_format("fp64")), precision::parse_summation("exact")};
  std::vector<Terms> sums = terms_of(at, subject);
  double squares = 0;
  double bias = 0;
  double worst = 0;
  double stagnant = 0;
  for (std::size_t trial = 0; trial < sums.size(); ++trial) {
    Terms& terms = sums[trial];
    const Adder computed = any.at(subject.seed, trial);
    double magnitude = 0;
    for (double& term : terms) {
      term = computed.format.round(term);  // the addends are the format's: what is measured is adding them
      magnitude += std::abs(term);
    }
    const std::size_t half = terms.size() / 2;
    const double sum = computed(terms, terms.size());
    const double error = magnitude == 0 ? 0 : (sum - exact(terms, terms.size())) / magnitude;
    squares += error * error;
    bias += error;
    worst = std::abs(error) <= worst ? worst : std::abs(error);
    stagnant += half > 0 && sum == computed(terms, half) && exact(terms, half) != exact(terms, terms.size()) ? 1 : 0;
  }
  const auto count = static_cast<double>(sums.size());
  return {{"rms", io::number(std::sqrt(squares / count))},
          {"bias", io::number(bias / count)},
          {"worst", io::number(worst)},
          {"stagnant", io::number(stagnant / count)}};
}

/// The order with the largest and the smallest rms error in the coarsest format, and who stagnates.
std::vector<std::string> conclude(std::span<const Cell> cells) {
  const Cell* best = nullptr;
  const Cell* worst = nullptr;
  std::size_t stagnant = 0;
  std::size_t points = 0;
  for (const Cell& cell : cells) {
    if (cell.skipped()) continue;
    ++points;
    const double rms = cell.number("rms");
    if (best == nullptr || worse(best->number("rms"), rms)) best = &cell;
    if (worst == nullptr || worse(rms, worst->number("rms"))) worst = &cell;
    stagnant += cell.number("stagnant") > 0 ? 1U : 0U;
  }
  if (best == nullptr) return {"No sum was formed."};
  const auto named = [](const Cell& cell) { return values_of(cell, {"summation", "format", "length", "data"}); };
  const std::string halves =
      fmt::format("In {} of {} points some sums stagnate: their second half changes nothing.", stagnant, points);
  if (worst->number("rms") == 0) return {"No sum has an error.", halves};
  return {
      fmt::format(
          "The largest error is that of {}: {:.3g} of the sum of magnitudes (rms, bias {:.3g}); the smallest that of "
          "{}: {:.3g}.",
          named(*worst), worst->number("rms"), worst->number("bias"), named(*best), best->number("rms")),
      halves};
}

}  // namespace

Study accumulate() {
  return {"accumulate",
          "What does a sum lose by its order and its format, and when does it stop growing?",
          {{"summation",
            "order and algorithm",
            {"sequential", "pairwise", "blocked:16", "kahan", "tensor_core:25,16"},
            {"sequential", "pairwise", "blocked:4", "blocked:16", "lanes:8", "lanes:32", "kahan", "tensor_core:23,4",
             "tensor_core:24,8", "tensor_core:25,16", "tensor_core:13,32", "exact"},
            &summation_word},
           {"format",
            "of every partial sum",
            {"fp32", "bf16", "fp16"},
            {"fp32", "tf32", "bf16", "fp16", "e4m3fn", "e5m2"},
            &format_word},
           {"length", "number of terms", {"128"}, {"8", "128", "512", "4096"}, &count_word, true},
           {"data",
            "ones; equal: 2^-7 (1 + k/128), k = 0..127; positive: |N(0, 1)|; normal: N(0, 1)",
            {"equal", "normal"},
            {"ones", "equal", "positive", "normal"},
            nullptr,
            true}},
          {{"rms", "root of the mean squared error, of the sum of magnitudes"},
           {"bias", "mean signed error, of the sum of magnitudes"},
           {"worst", "largest error, of the sum of magnitudes"},
           {"stagnant", "fraction of sums that the second half of their terms does not change"}},
          true,
          &measure,
          &conclude,
          false};
}

}  // namespace ulpscope::studies
