// SPDX-License-Identifier: Apache-2.0
// A claim about pads needs two points that differ in nothing but the pad; one about the softmax's format, in nothing
// else.
#include "core/studies/nan_verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "precision/format.hpp"

namespace ulpscope::studies {
namespace {

bool is_finite(const Cell& cell) { return cell.word("forward") == "finite" && cell.word("gradient") == "finite"; }

/// The point that differs from `cell` only by `value` on `axis`; null where it was not walked.
const Cell* partner(std::span<const Cell> cells, const Cell& cell, std::string_view axis, const std::string& value) {
  for (const Cell& other : cells) {
    if (other.skipped() || other.at.at(axis) != value) continue;
    const auto& a = cell.at.values();
    const auto& b = other.at.values();
    const bool same = std::equal(a.begin(), a.end(), b.begin(),
                                 [&](const auto& x, const auto& y) { return x == y || x.first == axis; });
    if (same) return &other;
  }
  return nullptr;
}

/// Words in the order in which they were first met, each once.
class Names {
 public:
  void add(const std::string& name) {
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
  }
  std::string text() const { return fmt::format("{}", fmt::join(names_, ", ")); }
  bool empty() const { return names_.empty(); }

 private:
  std::vector<std::string> names_;
};

std::string place(const Cell& cell) {
  const std::string softmax = cell.at.at("softmax");
  const std::string inputs = cell.at.at("case") == "given" ? "the given problem" : cell.at.at("case");
  return softmax == "recipe" ? inputs : inputs + " with " + softmax;
}

/// "-inf makes NaN gradients, a finite pad shields from them": -inf against the finite pads of the same points.
std::string pads_sentence(std::span<const Cell> cells) {
  std::size_t with_tokens = 0;
  std::size_t same = 0;
  Names true_with_tokens;
  Names true_without;
  for (const Cell& cell : cells) {
    const Cell* infinite =
        cell.skipped() || cell.at.at("pad") == "-inf" ? nullptr : partner(cells, cell, "pad", "-inf");
    if (infinite == nullptr) continue;
    const bool empty = cell.number("empty") > 0;
    with_tokens += empty ? 0U : 1U;
    same += !empty && cell.number("as_inf") == 1 ? 1U : 0U;
    if (is_finite(cell) && !is_finite(*infinite)) (empty ? true_without : true_with_tokens).add(place(cell));
  }
  if (with_tokens == 0 && true_without.empty()) return "";
  std::string text = "Claim 'a pad of -inf makes NaN, a finite one shields from it': ";
  if (with_tokens != 0) {
    text += true_with_tokens.empty() ? fmt::format("false where every window holds a token ({} points", with_tokens)
                                     : fmt::format("true, though every window holds a token, in {} (of {} points",
                                                   true_with_tokens.text(), with_tokens);
    text += fmt::format("; in {} of them output and gradients are the very bits of -inf)", same);
  }
  if (true_without.empty()) return text + '.';
  return text + fmt::format("{}true where a window holds none: {}.", with_tokens == 0 ? "" : "; ", true_without.text());
}

/// "A finite pad is safe": what it hides, and what it does not help against.
std::string shield_sentence(std::span<const Cell> cells) {
  std::map<std::string, double> hidden;  // the most windows of one run
  Names useless;
  for (const Cell& cell : cells) {
    if (cell.skipped() || cell.at.at("pad") == "-inf") continue;
    if (!is_finite(cell)) useless.add(place(cell));
    if (!(cell.number("averaged") > 0)) continue;
    double& windows = hidden[place(cell)];
    windows = std::max(windows, cell.number("averaged"));
  }
  if (hidden.empty() && useless.empty()) return "";
  std::string text = "Claim 'a finite pad is safe': false: ";
  std::vector<std::string> places;
  for (const auto& [where, windows] : hidden)
    places.push_back(fmt::format("{:g} {} of {}", windows, windows == 1 ? "window" : "windows", where));
  if (!hidden.empty())
    text += fmt::format("what holds no token becomes an average of its pads, silently: {}", fmt::join(places, ", "));
  if (!useless.empty()) text += fmt::format("{}it is no help in {}", hidden.empty() ? "" : "; ", useless.text());
  return text + ".";
}

std::string birth_sentence(std::span<const Cell> cells) {
  Names backward;
  Names both;
  for (const Cell& cell : cells) {
    if (cell.skipped() || is_finite(cell)) continue;
    (cell.word("forward") == "finite" ? backward : both)
        .add(place(cell) + " (" + cell.word("born") + "; cure " + cell.word("cure") + ")");
  }
  std::string text = both.empty() ? "" : "Not finite: " + both.text() + ".";
  if (!backward.empty())
    text += (text.empty() ? "" : " ") + ("Finite forward, but not backward: " + backward.text() + ".");
  return text;
}

std::string denominator_sentence(std::span<const Cell> cells) {
  double least = HUGE_VAL;
  for (const Cell& cell : cells) {
    if (!cell.skipped() && cell.number("least_sum") < least) least = cell.number("least_sum");
  }
  if (std::isinf(least)) return "";
  const char* verdict = least >= 1          ? "false: the maximum's own term is 1, and"
                        : least >= 0x1p-126 ? "false here, though without the maximum subtracted nothing rules it out:"
                                            : "true where the maximum is not subtracted:";
  return fmt::format("Claim 'a softmax in bf16 underflows in its denominator': {} the smallest denominator is {:g}.",
                     verdict, least);
}

/// What computing the softmax in a shorter format than fp32 costs, where nothing is otherwise wrong.
std::string format_sentence(std::span<const Cell> cells) {
  Names ratios;
  std::size_t dearer = 0;
  std::size_t compared = 0;
  for (const Cell& cell : cells) {
    const std::string& format = cell.at.at("softmax_in");
    if (cell.skipped() || format == "recipe" || !is_finite(cell)) continue;
    if (precision::parse_format(format).precision >= 24 || cell.measures.at("normed").is_null()) continue;
    const Cell* own = partner(cells, cell, "softmax_in", "recipe");
    if (own == nullptr || !(own->number("normed") > 0)) continue;
    const double ratio = cell.number("normed") / own->number("normed");
    if (ratio == 1) continue;  // no upcast was taken away
    ++compared;
    dearer += ratio > 1 ? 1U : 0U;
    ratios.add(fmt::format("{:.2f} ({}, {})", ratio, place(cell), format));
  }
  if (ratios.empty()) return "";
  const std::string verdict = dearer == compared ? "true"
                              : dearer == 0      ? "false"
                                                 : fmt::format("true in {} of {} points", dearer, compared);
  return fmt::format(
      "Claim 'the upcast of the gate is needed': {}: with logits and softmax in another format the error of normed, "
      "over "
      "the recipe's own, is {}.",
      verdict, ratios.text());
}

}  // namespace

std::vector<std::string> nan_verdict(std::span<const Cell> cells) {
  std::vector<std::string> sentences;
  for (const std::string& sentence : {pads_sentence(cells), shield_sentence(cells), birth_sentence(cells),
                                      denominator_sentence(cells), format_sentence(cells)}) {
    if (!sentence.empty()) sentences.push_back(sentence);
  }
  if (sentences.empty()) sentences.emplace_back("No point was run.");
  return sentences;
}

}  // namespace ulpscope::studies
