// SPDX-License-Identifier: Apache-2.0
// Passes over the slots of a tape, or of two.
#include "core/studies/nan_outcome.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/compressor/evaluate.hpp"
#include "core/compressor/run.hpp"
#include "core/judge/truth.hpp"
#include "core/studies/errors.hpp"

namespace ulpscope::studies {

using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;

std::span<const Slot> results_of_a_run() {
  static const std::vector<Slot> slots{forward(Name::output),  gradient(Name::hidden), gradient(Name::w_kv),
                                       gradient(Name::w_gate), gradient(Name::ape),    gradient(Name::gamma)};
  return slots;
}

std::string class_of(const Tape& tape, std::span<const Slot> slots) {
  std::string worst = "finite";
  for (const Slot slot : slots) {
    const compressor::Record* record = tape.find(slot);
    for (std::size_t i = 0; record != nullptr && i < record->tensor.size(); ++i) {
      const double value = record->tensor.at(i);
      if (std::isnan(value)) return "NaN";
      if (std::isinf(value)) worst = "Inf";
    }
  }
  return worst;
}

double equal_bits(const Tape& a, const Tape& b) {
  std::size_t equal = 0;
  std::size_t count = 0;
  for (const Slot slot : results_of_a_run()) {
    if (!a.has(slot)) continue;
    const Tensor& x = a.find(slot)->tensor;
    const Tensor& y = b.find(slot)->tensor;
    for (std::size_t i = 0; i < x.size(); ++i, ++count) {
      const double p = x.at(i);
      const double q = y.at(i);
      equal += std::memcmp(&p, &q, sizeof p) == 0 || (std::isnan(p) && std::isnan(q)) ? 1U : 0U;
    }
  }
  return static_cast<double>(equal) / static_cast<double>(count);
}

namespace {

/// The windows of which every slot is padded.
std::vector<bool> without_token(const Padded& padded, std::size_t windows) {
  std::vector<bool> empty(windows);
  const std::size_t slots = windows == 0 ? 0 : padded.size() / windows;
  for (std::size_t w = 0; w < windows; ++w) {
    const auto first = padded.begin() + static_cast<std::ptrdiff_t>(w * slots);
    empty[w] = std::all_of(first, first + static_cast<std::ptrdiff_t>(slots), [](auto pad) { return pad != 0; });
  }
  return empty;
}

}  // namespace

EmptyWindows empty_windows(const Tape& run, const Padded& padded) {
  const Tensor& weights = run.find(forward(Name::weights))->tensor;
  const std::size_t row = weights.shape[2] * weights.shape[3];
  const std::vector<bool> empty = without_token(padded, weights.size() / row);
  EmptyWindows found;
  for (std::size_t w = 0; w < empty.size(); ++w) {
    double sum = 0;
    for (std::size_t i = w * row; i < (w + 1) * row; ++i) sum += weights.at(i);
    found.all += empty[w] ? 1U : 0U;
    found.averaged += empty[w] && sum > 0 ? 1U : 0U;
  }
  return found;
}

std::string result_of(const std::string& forward_class, const std::string& gradient_class) {
  if (forward_class != "finite" || gradient_class == "finite") return forward_class;
  return gradient_class + " backward";
}

double least_denominator(const Tape& run, const Padded& padded) {
  const compressor::Record* record = run.find(forward(Name::denominator));
  if (record == nullptr) return std::nan("");
  const std::size_t channels = record->tensor.shape.back();
  const std::vector<bool> empty = without_token(padded, record->tensor.size() / channels);
  double least = HUGE_VAL;
  for (std::size_t i = 0; i < record->tensor.size(); ++i) {
    if (!empty[i / channels]) least = record->tensor.at(i) >= least ? least : record->tensor.at(i);
  }
  return least;
}

io::Json birth_json(const judge::Nonfinite& found) {
  if (found.certificates.empty()) return {{"born", "-"}, {"masked_by", "-"}, {"cure", "-"}};
  const judge::BirthCertificate& first = found.certificates.front();
  const auto or_none = [](const std::string& text) { return text.empty() ? std::string("none") : text; };
  return {{"born", fmt::format("{}: {}", compressor::to_string(first.slot), first.birth_class)},
          {"masked_by", or_none(first.masked_by)},
          {"cure", or_none(first.cure.substr(0, first.cure.find(": ")))}};
}

io::Json outcome_of(const compressor::Problem& problem, const compressor::Recipe& recipe,
                    const compressor::Recipe& with_infinite_pad) {
  const compressor::Run run = compressor::run_traced(problem, recipe, {});
  const Tape& tape = run.tape;
  const Tape infinite = compressor::run_traced(problem, with_infinite_pad, {}).tape;
  const compressor::Recipe exact = judge::truth_recipe(recipe, problem.config, judge::Basis::quantized);
  const Tape truth = compressor::run_traced(problem, exact, {}).tape;
  const std::string forward_class = class_of(tape, results_of_a_run().first(1));
  const std::string gradient_class = class_of(tape, results_of_a_run().subspan(1));
  const Padded padded = compressor::padded_slots(problem, run.config, recipe);
  const EmptyWindows windows = empty_windows(tape, padded);
  io::Json json{{"result", result_of(forward_class, gradient_class)}};
  json.update(birth_json(judge::certify({problem, recipe, tape, truth}, 1)));
  json["averaged"] = windows.averaged;
  const auto normed = forward(Name::normed);
  json["normed"] = tape.has(normed) ? io::number(error_of(run, truth, normed).rms_rel) : io::Json();
  json["forward"] = forward_class;
  json["gradient"] = gradient_class;
  json["empty"] = windows.all;
  json["as_inf"] = io::number(equal_bits(tape, infinite));
  json["least_sum"] = io::number(least_denominator(tape, padded));
  return json;
}

}  // namespace ulpscope::studies
