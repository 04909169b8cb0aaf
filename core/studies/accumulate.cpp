// SPDX-License-Identifier: Apache-2.0
// Study accumulate: what a sum's order and format cost, from 8 terms to thousands.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/compressor/random.hpp"
#include "core/studies/study.hpp"
#include "precision/emulated.hpp"
#include "precision/summation.hpp"

namespace ulpscope::studies {
namespace {

constexpr std::size_t trials = 128;
using Terms = std::vector<double>;

/// Draw `trial` of `length` standard normal numbers.
Terms normals(std::size_t length, std::uint64_t seed, std::size_t trial) {
  std::vector<float> drawn(length);
  compressor::normal(compressor::fold_in(compressor::key(seed), static_cast<std::uint32_t>(trial)), 0, drawn);
  return {drawn.begin(), drawn.end()};
}

/// equal: 2^-7 (1 + trial / 128), whose sums of up to 128 are bf16 numbers; ones; positive: |N(0, 1)|; normal: N(0, 1).
Terms built_in_terms(const Point& at, std::uint64_t seed, std::size_t trial) {
  const std::size_t length = at.count("length");
  const std::string& data = at.at("data");
  if (data == "ones") return Terms(length, 1.0);
  if (data == "equal") return Terms(length, std::ldexp(1.0 + static_cast<double>(trial) / 128, -7));
  Terms terms = normals(length, seed, trial);
  if (data == "positive")
    std::transform(terms.begin(), terms.end(), terms.begin(), [](double x) { return std::abs(x); });
  return terms;
}

/// The products w v of the problem's windows in fp64, a window and a channel for each trial.
std::vector<Terms> products_of(const compressor::Tape& truth) {
  const auto& products = truth.find(compressor::forward(compressor::Name::products))->tensor;
  const std::size_t length = products.shape[2];
  const std::size_t channels = products.shape[3];
  const std::size_t rows = products.shape[0] * products.shape[1] * channels;
  std::vector<Terms> sums;
  for (std::size_t trial = 0; trial < std::min(trials, rows); ++trial) {
    const std::size_t row = rows * trial / std::min(trials, rows);
    Terms terms;
    for (std::size_t r = 0; r < length; ++r)
      terms.push_back(products.at((row / channels * length + r) * channels + row % channels));
    sums.push_back(std::move(terms));
  }
  return sums;
}

std::vector<Terms> sums_of(const Point& at, const Subject& subject) {
  if (subject.problem != nullptr) return products_of(*subject.truth);
  std::vector<Terms> sums;
  for (std::size_t trial = 0; trial < trials; ++trial) sums.push_back(built_in_terms(at, subject.seed, trial));
  return sums;
}

struct Adder {
  precision::Emulated<double> format;
  precision::Summation order;
  double operator()(const Terms& terms, std::size_t count) const {
    return precision::sum(format, static_cast<int>(count), order,
                          [&](int i) { return terms[static_cast<std::size_t>(i)]; });
  }
};

io::Json measure(const Point& at, const Subject& subject) {
  const precision::Format format = precision::parse_format(at.at("format"));
  const Adder computed{precision::Emulated<double>(format), precision::parse_summation(at.at("summation"))};
  const Adder exact{precision::Emulated<double>(precision::parse_format("fp64")), precision::parse_summation("exact")};
  std::vector<Terms> sums = sums_of(at, subject);
  double squares = 0;
  double bias = 0;
  double worst = 0;
  double stagnant = 0;
  for (Terms& terms : sums) {
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
  for (const Cell& cell : cells) {
    const double rms = cell.number("rms");
    if (best == nullptr || !(rms >= best->number("rms"))) best = &cell;
    if (worst == nullptr || !(rms <= worst->number("rms"))) worst = &cell;
    stagnant += cell.number("stagnant") > 0 ? 1U : 0U;
  }
  if (best == nullptr) return {"No sum was formed."};
  const auto named = [](const Cell& cell) {
    return fmt::format("{} in {} over {} terms ({})", cell.at.at("summation"), cell.at.at("format"),
                       cell.at.at("length"), cell.at.at("data"));
  };
  return {
      fmt::format(
          "The largest error is {}: {:.3g} of the sum of magnitudes (rms, bias {:.3g}); the smallest {}: {:.3g}.",
          named(*worst), worst->number("rms"), worst->number("bias"), named(*best), best->number("rms")),
      fmt::format("In {} of {} points some sums stagnate: their second half changes nothing.", stagnant, cells.size())};
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
          &conclude};
}

}  // namespace ulpscope::studies
