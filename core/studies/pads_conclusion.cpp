// SPDX-License-Identifier: Apache-2.0
// Pairs of points that differ in the pad's gate only, and what their differences amount to.
#include "core/studies/pads_conclusion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "core/studies/errors.hpp"

namespace ulpscope::studies {
namespace {

const std::string infinite_pad = "-inf";

bool is_broken(const Cell& cell) {
  for (const char* direction : {"forward", "gradient"}) {
    const std::string word = cell.word(direction);
    if (word.find("NaN") != std::string::npos || word.find("Inf") != std::string::npos) return true;
  }
  return false;
}

bool is_finite_number(const std::string& word) {
  double value = 0;
  const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
  return result.ec == std::errc() && result.ptr == word.data() + word.size() && std::isfinite(value);
}

bool has_finite_kv(const Cell& cell) {
  const std::string& kv = cell.at.at("pad_kv");
  return kv == "garbage" || kv == "data" || is_finite_number(kv);
}

/// -1e4 where it was walked, else the first pad that is a number; the format's lowest is one too.
std::string finite_pad(std::span<const Cell> cells) {
  std::string found;
  for (const Cell& cell : cells) {
    const std::string& gate = cell.at.at("pad_gate");
    if (gate == "-1e4") return gate;
    if (found.empty() && (is_finite_number(gate) || gate == "lowest")) found = gate;
  }
  return found;
}

std::string without_gate(const Cell& cell) {
  std::string key;
  for (const auto& [axis, value] : cell.at.values()) key += axis == "pad_gate" ? "" : value + ' ';
  return key;
}

struct Pair {
  const Cell* finite = nullptr;
  const Cell* infinite = nullptr;
};

std::vector<Pair> pairs_of(std::span<const Cell> cells, const std::string& pad) {
  std::map<std::string, Pair> pairs;
  for (const Cell& cell : cells) {
    if (cell.skipped() || !has_finite_kv(cell)) continue;
    const std::string& gate = cell.at.at("pad_gate");
    if (gate == pad) pairs[without_gate(cell)].finite = &cell;
    if (gate == infinite_pad) pairs[without_gate(cell)].infinite = &cell;
  }
  std::vector<Pair> whole;
  for (const auto& [key, pair] : pairs) {
    if (pair.finite != nullptr && pair.infinite != nullptr) whole.push_back(pair);
  }
  return whole;
}

/// Points that count, and where they lie: "online on partial rows".
struct Tally {
  std::size_t count = 0;
  std::map<std::string, std::set<std::string>> where;  ///< row -> algorithms
  void add(const Cell& cell) {
    ++count;
    where[cell.at.at("row")].insert(cell.at.at("softmax"));
  }
  std::string text() const {
    std::string out = fmt::format("{}", count);
    std::string separator = " (";
    for (const auto& [row, algorithms] : where) {
      out += fmt::format("{}row {}: {}", separator, row, fmt::join(algorithms, ", "));
      separator = "; ";
    }
    return out + (where.empty() ? "" : ")");
  }
};

/// NaN, of a run whose values are none of the study's, is the same as NaN.
bool same_errors(const Pair& pair) {
  const auto same = [&](const char* measure) {
    const double a = pair.finite->number(measure);
    const double b = pair.infinite->number(measure);
    return a == b || (std::isnan(a) && std::isnan(b));
  };
  return same("error") && same("gradient_error");
}

std::string verdict(const std::vector<Pair>& pairs, const std::string& pad) {
  std::size_t both = 0;
  std::size_t alike = 0;
  std::size_t averages = 0;
  Tally only_infinite;
  Tally only_finite;
  std::size_t neither = 0;
  for (const Pair& pair : pairs) {
    const auto [finite, infinite] = pair;
    if (!is_broken(*finite) && !is_broken(*infinite)) {
      ++both;
      alike += same_errors(pair) ? 1U : 0U;
    } else if (!is_broken(*finite)) {
      only_infinite.add(*infinite);
      averages += finite->word("forward") == "uniform" ? 1U : 0U;
    } else if (!is_broken(*infinite)) {
      only_finite.add(*finite);
    } else {
      ++neither;
    }
  }
  return fmt::format(
      "{0} or -inf? Of {1} of points that differ in nothing else, both are finite in {2}, with the same errors "
      "in {3} of them; -inf alone is NaN or infinite in {4}, where {0} averages over nothing but pads in {5}; {0} "
      "alone "
      "in {6}; both in {7}.",
      pad, pairs.size() == 1 ? "1 pair" : fmt::format("{} pairs", pairs.size()), both, alike, only_infinite.text(),
      averages, only_finite.text(), neither);
}

/// Whether the point was run with pads of this gate in rows that hold tokens too.
bool has_tokens_beside(const Cell& cell, const std::string& pad) {
  if (cell.skipped() || cell.at.at("pad_gate") != pad || cell.at.at("row") == "all_masked") return false;
  const std::string forward = cell.word("forward");
  return forward != "uniform" && forward != "weighs pads";
}

/// The point at which pads of this gate weigh most beside tokens; null where they weigh nothing.
const Cell* heaviest(std::span<const Cell> cells, const std::string& pad) {
  const Cell* worst = nullptr;
  for (const Cell& cell : cells) {
    if (!has_tokens_beside(cell, pad) || !(cell.number("pad_mass") > 0)) continue;
    if (worst == nullptr || cell.number("pad_mass") > worst->number("pad_mass")) worst = &cell;
  }
  return worst;
}

/// "" where no such pad stood beside a token.
std::string leak_of(std::span<const Cell> cells, const std::string& pad) {
  std::size_t beside = 0;
  std::size_t nan = 0;
  for (const Cell& cell : cells) {
    if (!has_tokens_beside(cell, pad)) continue;
    ++beside;
    nan += std::isnan(cell.number("pad_mass")) ? 1U : 0U;
  }
  if (beside == nan) return "";
  const Cell* const worst = heaviest(cells, pad);
  if (worst == nullptr)
    return fmt::format("No pad of {} weighs anything beside a token{}.", pad,
                       nan == 0 ? "" : ", where weights are numbers");
  return fmt::format("Beside tokens, pads of {} take up to {:.4g} of a row's weight ({} in {}, row {}).", pad,
                     worst->number("pad_mass"), worst->at.at("softmax"), worst->at.at("format"), worst->at.at("row"));
}

/// Where no two pads can be compared: how many points are broken.
std::string broken_points(std::span<const Cell> cells) {
  Tally broken;
  std::size_t points = 0;
  for (const Cell& cell : cells) {
    if (cell.skipped()) continue;
    ++points;
    if (is_broken(cell)) broken.add(cell);
  }
  if (points == 0) return not_run("No pad was run", cells);
  return fmt::format("NaN or infinite of {} points: {}.", points, broken.text());
}

std::string poisoned(std::span<const Cell> cells) {
  std::size_t count = 0;
  std::size_t broken = 0;
  for (const Cell& cell : cells) {
    if (cell.skipped() || has_finite_kv(cell)) continue;
    ++count;
    broken += is_broken(cell) ? 1U : 0U;
  }
  return fmt::format(
      "A NaN or an infinity in the pads' kv is not cured by any gate: {} of {} points are NaN or infinite.", broken,
      count);
}

}  // namespace

std::vector<std::string> pads_conclusion(std::span<const Cell> cells) {
  const std::string pad = finite_pad(cells);
  std::vector<std::string> sentences;
  if (const std::vector<Pair> pairs = pairs_of(cells, pad); !pairs.empty()) sentences.push_back(verdict(pairs, pad));
  if (const std::string leak = leak_of(cells, pad); !leak.empty()) sentences.push_back(leak);
  if (heaviest(cells, infinite_pad) != nullptr) sentences.push_back(leak_of(cells, infinite_pad));
  if (std::any_of(cells.begin(), cells.end(), [](const Cell& cell) { return !cell.skipped() && !has_finite_kv(cell); }))
    sentences.push_back(poisoned(cells));
  if (sentences.empty()) sentences.push_back(broken_points(cells));
  return sentences;
}

}  // namespace ulpscope::studies
