// SPDX-License-Identifier: Apache-2.0
// Baselines: made from reports, written and read.
#include "core/judge/baseline.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>

#include "core/io/error.hpp"
#include "core/io/fields.hpp"
#include "core/io/little_endian.hpp"
#include "core/io/names.hpp"
#include "core/io/sha256.hpp"

namespace ulpscope::judge {
namespace {

using io::Fields;
using io::Json;

constexpr std::size_t digits_of_bits = 16;
constexpr Status known_status[] = {Status::ok, Status::undecided, Status::fail};

constexpr std::size_t hashed_at_once = std::size_t{1} << 16;

bool holds_floats(const compressor::Tensor& tensor) {
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    const double value = tensor.at(i);
    if (!std::isnan(value) && !(std::fabs(value) <= std::numeric_limits<float>::max()) && !std::isinf(value))
      return false;
    if (!std::isnan(value) && static_cast<double>(static_cast<float>(value)) != value) return false;
  }
  return true;
}

double six_digits(double value) { return std::isfinite(value) ? std::stod(fmt::format("{:.5e}", value)) : value; }

BlessedSlot bless(const Row& row, const compressor::Tensor& tensor) {
  const Metrics& metrics = *row.metrics;
  BlessedSlot slot{bits_of(tensor), row.format, row.status};
  slot.rms_rel = six_digits(metrics.rms_rel);
  slot.max_abs = six_digits(metrics.max_abs);
  slot.max_ulp = six_digits(metrics.max_ulp);
  for (const auto& [name, count] :
       {std::pair{"nan", metrics.classes.nan}, std::pair{"pos_inf", metrics.classes.pos_inf},
        std::pair{"neg_inf", metrics.classes.neg_inf}}) {
    if (count != 0) slot.classes[name] = count;
  }
  return slot;
}

Json to_json(const BlessedSlot& slot) {
  Json json{{"bits", slot.bits},
            {"format", slot.format},
            {"max_abs", io::number(slot.max_abs)},
            {"max_ulp", io::number(slot.max_ulp)},
            {"rms_rel", io::number(slot.rms_rel)},
            {"status", std::string(to_string(slot.status))}};
  for (const auto& [name, count] : slot.classes) json[name] = count;
  return json;
}

Json to_json(const BlessedRun& run) {
  Json slots = Json::object();
  for (const auto& [name, slot] : run.slots) slots[name] = to_json(slot);
  Json json{{"backend", run.backend}, {"problem", run.problem}, {"recipe", run.recipe}, {"slots", std::move(slots)}};
  if (!run.dump.empty()) json["dump"] = run.dump;
  return json;
}

Json to_json(const BlessedProblem& problem) {
  if (!problem.file.empty()) return {{"file", problem.file}, {"sha256", problem.sha256}};
  return {{"preset", problem.preset}, {"seed", problem.seed}, {"sha256", problem.sha256}};
}

template <class Value>
Json map_json(const std::map<std::string, Value>& map) {
  Json json = Json::object();
  for (const auto& [name, value] : map) json[name] = to_json(value);
  return json;
}

Status status_from(const Fields& fields) {
  std::vector<std::string> known;
  for (const Status status : known_status) known.emplace_back(to_string(status));
  const std::string name = fields.choice("status", known);
  for (const Status status : known_status) {
    if (to_string(status) == name) return status;
  }
  return Status::fail;
}

BlessedSlot slot_from(const Fields& fields) {
  BlessedSlot slot{fields.string("bits"), fields.string("format"), status_from(fields)};
  slot.rms_rel = fields.number("rms_rel");
  slot.max_abs = fields.number("max_abs");
  slot.max_ulp = fields.number("max_ulp");
  for (const char* name : {"nan", "pos_inf", "neg_inf"}) {
    if (const auto count = fields.optional_size(name)) slot.classes[name] = *count;
  }
  fields.no_others();
  return slot;
}

/// Every field of an object, read by `read`.
template <class Read>
auto map_from(const Fields& fields, Read read) {
  std::map<std::string, decltype(read(fields))> map;
  for (const auto& [name, value] : fields.json().items()) map.emplace(name, read(fields.object(name)));
  return map;
}

BlessedRun run_from(const Fields& fields) {
  BlessedRun run{fields.string("problem"), fields.string("recipe"), fields.string("backend")};
  run.dump = fields.optional_string("dump").value_or("");
  run.slots = map_from(fields.object("slots"), slot_from);
  fields.no_others();
  return run;
}

BlessedProblem problem_from(const Fields& fields) {
  BlessedProblem problem;
  problem.file = fields.optional_string("file").value_or("");
  if (problem.file.empty()) {
    problem.preset = fields.string("preset");
    problem.seed = fields.size("seed");
  }
  problem.sha256 = fields.string("sha256");
  fields.no_others();
  return problem;
}

BlessedRecipe recipe_from(const Fields& fields) {
  BlessedRecipe recipe{fields.boolean("builtin"), fields.value("spec")};
  fields.no_others();
  return recipe;
}

/// A run names problems and recipes that are there.
void check_names(const Baseline& baseline, const std::string& where) {
  const auto names = [](const auto& map) {
    std::vector<std::string> list;
    for (const auto& [name, value] : map) list.push_back(name);
    return list;
  };
  for (const auto& [name, run] : baseline.runs) {
    const std::string head = where + ".runs." + name + ": ";
    if (!baseline.problems.contains(run.problem))
      throw InputError(head + io::unknown_name("problem", run.problem, names(baseline.problems)));
    if (!baseline.recipes.contains(run.recipe))
      throw InputError(head + io::unknown_name("recipe", run.recipe, names(baseline.recipes)));
  }
}

}  // namespace

std::string bits_of(const compressor::Tensor& tensor) {
  const bool narrow = holds_floats(tensor);
  io::Sha256 hash;
  hash.update(compressor::to_string(tensor.shape) + (narrow ? " binary32" : " binary64"));
  std::string bytes;
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    const double value = tensor.at(i);
    const double canonical = std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
    if (narrow) {
      io::append_little_endian(bytes, std::bit_cast<std::uint32_t>(static_cast<float>(canonical)));
    } else {
      io::append_little_endian(bytes, std::bit_cast<std::uint64_t>(canonical));
    }
    if (bytes.size() < hashed_at_once) continue;
    hash.update(bytes);
    bytes.clear();
  }
  hash.update(bytes);
  return hash.hex_digest().substr(0, digits_of_bits);
}

std::map<std::string, BlessedSlot> bless(const RunReport& report, const compressor::Tape& tape) {
  std::map<std::string, BlessedSlot> slots;
  for (const Row& row : report.rows) {
    const compressor::Record* record = row.tensor.empty() ? tape.find(row.slot) : nullptr;
    if (record == nullptr || !row.metrics) continue;
    slots.emplace(name_of(row), bless(row, record->tensor));
  }
  return slots;
}

Json to_json(const Baseline& baseline) {
  Json recipes = Json::object();
  for (const auto& [name, recipe] : baseline.recipes) {
    recipes[name] = Json{{"builtin", recipe.builtin}, {"spec", recipe.spec}};
  }
  return {{"schema", baseline_schema},
          {"provenance", baseline.provenance},
          {"truth", baseline.truth},
          {"basis", std::string(to_string(baseline.basis))},
          {"problems", map_json(baseline.problems)},
          {"recipes", std::move(recipes)},
          {"runs", map_json(baseline.runs)}};
}

std::string baseline_text(const Baseline& baseline) {
  constexpr std::size_t widest = 400;  // a slot with all its fields
  return compact_text(to_json(baseline), widest);
}

Baseline baseline_from_json(const Json& json, const std::string& where) {
  const Fields fields(json, where);
  fields.choice("schema", {std::string(baseline_schema)});
  Baseline baseline;
  baseline.provenance = fields.value("provenance");
  baseline.truth = fields.string("truth");
  baseline.basis = parse_basis(fields.string("basis"));
  baseline.problems = map_from(fields.object("problems"), problem_from);
  baseline.recipes = map_from(fields.object("recipes"), recipe_from);
  baseline.runs = map_from(fields.object("runs"), run_from);
  fields.no_others();
  check_names(baseline, where);
  return baseline;
}

}  // namespace ulpscope::judge
