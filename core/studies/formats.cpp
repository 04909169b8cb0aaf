// SPDX-License-Identifier: Apache-2.0
// Study formats: one role of a recipe, or all, walked over formats: error against bits.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/compressor/recipe_merge.hpp"
#include "core/studies/errors.hpp"
#include "precision/format.hpp"

namespace ulpscope::studies {
namespace {

const std::vector<std::string> roles{"compute", "accumulate", "storage", "all"};

/// The fields of a role, or of all three. The RoPE table computes frequencies and angles.
std::vector<std::string> fields_of(const std::string& role) {
  if (role == "compute") return {"compute", "frequencies", "angles"};
  if (role == "all") return {"compute", "accumulate", "storage", "frequencies", "angles"};
  return {role};
}

/// The recipe with one role, or all three, in one format everywhere.
compressor::Recipe with_format(compressor::Recipe recipe, const std::string& role, const std::string& format) {
  for (const std::string& field : fields_of(role)) recipe = with_everywhere(recipe, field, format);
  return recipe;
}

io::Json sets_role(const std::string& role) {
  io::Json overlay = io::Json::object();
  for (const std::string& field : fields_of(role)) overlay = compressor::merged(overlay, everywhere(field, "fp64"));
  return overlay;
}

io::Json measure(const Point& at, const Subject& subject) {
  const compressor::Problem problem = problem_of(subject, {at.at("mode")});
  if (const auto empty = empty_point(problem)) return *empty;
  const std::string& format = at.at("format");
  const Errors errors = errors_of(problem, with_format(subject.recipe(at.at("recipe")), at.at("role"), format));
  io::Json json = to_json(errors);
  json["precision"] = precision::parse_format(format).precision;
  json["bits"] = io::number(bits_of(errors.output));
  return json;
}

/// What the roles of one recipe and mode can bear.
struct Needs {
  std::map<std::string, const Cell*> coarsest;  ///< role -> the shortest format whose output is good
  const Cell* worst = nullptr;                  ///< of formats with bf16's 8 bits
  const Cell* best = nullptr;
};

bool shorter(const Cell& a, const Cell* b) { return b == nullptr || a.number("precision") < b->number("precision"); }

void add(Needs& needs, const Cell& cell, double good) {
  const std::string& role = cell.at.at("role");
  const double error = cell.number("output");
  const Cell*& coarsest = needs.coarsest[role];
  if (error <= good && shorter(cell, coarsest)) coarsest = &cell;
  if (role == "all" || cell.at.at("format") != "bf16") return;
  if (needs.worst == nullptr || worse(error, needs.worst->number("output"))) needs.worst = &cell;
  if (needs.best == nullptr || worse(needs.best->number("output"), error)) needs.best = &cell;
}

/// "fp64, csa: compute tf32 (0.001), storage none"
std::string text_of(const std::string& rest, const Needs& needs) {
  std::vector<std::string> roles_and_formats;
  for (const auto& [role, cell] : needs.coarsest) {
    roles_and_formats.push_back(
        cell == nullptr ? role + " none of these"
                        : fmt::format("{} {} ({:.2g})", role, cell->at.at("format"), cell->number("output")));
  }
  return fmt::format("{}: {}", rest, fmt::join(roles_and_formats, ", "));
}

std::vector<std::string> conclude(std::span<const Cell> cells) {
  constexpr double good = 0x1p-8;  // half a unit in the last place of bf16: what storing the output there may cost
  std::map<std::string, Needs> groups;
  Needs all;
  for (const Cell& cell : cells) {
    if (cell.skipped()) continue;
    add(groups[values_of(cell, {"recipe", "mode"})], cell, good);
    add(all, cell, good);
  }
  if (groups.empty()) return {"Nothing was run."};
  std::vector<std::string> parts;
  for (const auto& [rest, needs] : groups) parts.push_back(text_of(rest, needs));
  std::vector<std::string> sentences{fmt::format(
      "The shortest formats that keep the output's error within bf16's rounding, 2^-8: {}.", few_of(parts))};
  const auto role = [](const Cell& cell) {
    return fmt::format("{} ({}: {:.2g})", cell.at.at("role"), values_of(cell, {"recipe", "mode"}),
                       cell.number("output"));
  };
  if (all.worst != all.best)
    sentences.push_back(
        fmt::format("In bf16 the dearest role is {}, the cheapest {}.", role(*all.worst), role(*all.best)));
  return sentences;
}

/// Every length of a significand with fp32's range, and the named formats.
std::vector<std::string> all_formats() {
  std::vector<std::string> words{"fp64", "fp32", "tf32", "bf16", "fp16", "e5m2", "e4m3fn", "bf16:sr", "fp32:rz"};
  for (int bits = 22; bits >= 2; --bits) {
    if (bits != 7) words.push_back(fmt::format("e8m{}", bits));
  }
  return words;
}

}  // namespace

Study formats() {
  std::vector<Measure> columns{{"precision", "bits of the significand"},
                               {"bits", "-log2 of the output's error: how many bits of it are right"}};
  for (Measure& column : error_columns()) columns.push_back(std::move(column));
  return {"formats",
          "Which role of a recipe needs how many bits?",
          {{"recipe", "what is changed", {"fp64"}, {"fp64", "fp32", "native", "hf", "pr3810"}, &recipe_word},
           {"role", "what is put into the format: operations, running sums, what slots keep, or all three", roles,
            roles, nullptr, false, &sets_role},
           {"format", "the format", {"fp32", "tf32", "fp16", "bf16", "e5m2"}, all_formats(), &format_word},
           mode_axis()},
          columns,
          true,
          &measure,
          &conclude};
}

}  // namespace ulpscope::studies
