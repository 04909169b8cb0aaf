// SPDX-License-Identifier: Apache-2.0
// Slot by slot, bits first: only where they differ do errors decide.
#include "core/judge/baseline_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/judge/one_rounding.hpp"
#include "precision/format.hpp"

namespace ulpscope::judge {
namespace {

using io::Json;

std::string classes_text(const BlessedSlot& slot) {
  std::string text;
  for (const auto& [name, count] : slot.classes) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
  return text.empty() ? "only finite elements" : text;
}

/// `now` is larger than what the blessed error allows.
bool is_worse(double now, double blessed, double factor, double floor) {
  if (std::isnan(now) && std::isnan(blessed)) return false;
  return !(now <= std::max(factor * blessed, floor));
}

std::string direction_of(double blessed, double now) {
  if (now == blessed || (std::isnan(now) && std::isnan(blessed))) return "same";
  return now < blessed ? "better" : "worse";
}

/// Why a slot with other bits fails; empty: it does not.
std::string fault_of(const BlessedSlot& blessed, const BlessedSlot& now, double factor) {
  if (now.format != blessed.format) return fmt::format("is {}, was {}", now.format, blessed.format);
  if (now.classes != blessed.classes) return fmt::format("has {}, had {}", classes_text(now), classes_text(blessed));
  if (now.status > blessed.status)
    return fmt::format("is judged {}, was {}", to_string(now.status), to_string(blessed.status));
  const double floor = one_rounding * precision::unit_roundoff(precision::parse_format(now.format));
  if (is_worse(now.rms_rel, blessed.rms_rel, factor, floor)) {
    return fmt::format("rms_rel {:.3g} is more than {:g} times {:.3g}", now.rms_rel, factor, blessed.rms_rel);
  }
  // Where the blessed run is exact, rms_rel has judged: an absolute error has no scale of its own.
  if (blessed.max_abs != 0 && is_worse(now.max_abs, blessed.max_abs, factor, 0)) {
    return fmt::format("max_abs {:.3g} is more than {:g} times {:.3g}", now.max_abs, factor, blessed.max_abs);
  }
  return {};
}

SlotChange change_of(const std::string& name, const BlessedSlot& blessed, const BlessedSlot& now, double factor) {
  SlotChange change{name, blessed, now, direction_of(blessed.rms_rel, now.rms_rel)};
  const std::string fault = fault_of(blessed, now, factor);
  change.status = fault.empty() ? Status::ok : Status::fail;
  change.reason = !fault.empty()             ? fault
                  : now.bits == blessed.bits ? "the same bits, judged otherwise"
                  : now.status != blessed.status
                      ? fmt::format("was {}, is {}", to_string(blessed.status), to_string(now.status))
                      : "other bits, no worse error";
  return change;
}

RunCheck check_run(const std::string& name, const BlessedRun& blessed, const BlessedRun& fresh, double factor) {
  RunCheck check{name};
  for (const auto& [slot, was] : blessed.slots) {
    const auto now = fresh.slots.find(slot);
    if (now == fresh.slots.end()) {
      check.changes.push_back({slot, was, std::nullopt, "", Status::fail, "is gone"});
    } else if (now->second == was) {
      check.same.push_back(slot);
    } else {
      check.changes.push_back(change_of(slot, was, now->second, factor));
    }
  }
  for (const auto& [slot, now] : fresh.slots) {
    if (!blessed.slots.contains(slot)) check.changes.push_back({slot, std::nullopt, now, "", Status::ok, "is new"});
  }
  return check;
}

/// What a run was made from and no longer is.
std::vector<std::string> notes_on(const BlessedRun& run, const Baseline& blessed, const Baseline& fresh) {
  std::vector<std::string> notes;
  const auto recipe = fresh.recipes.find(run.recipe);
  if (recipe != fresh.recipes.end() && recipe->second.spec != blessed.recipes.at(run.recipe).spec)
    notes.push_back(fmt::format("recipe {} is not what it was when it was blessed", run.recipe));
  const auto problem = fresh.problems.find(run.problem);
  if (problem != fresh.problems.end() && problem->second.sha256 != blessed.problems.at(run.problem).sha256)
    notes.push_back(fmt::format("problem {} is not the blessed one: its sha256 is another", run.problem));
  return notes;
}

Json slot_json(const std::optional<BlessedSlot>& slot) {
  if (!slot) return {};
  Json json{{"bits", slot->bits},
            {"format", slot->format},
            {"rms_rel", io::number(slot->rms_rel)},
            {"max_abs", io::number(slot->max_abs)},
            {"max_ulp", io::number(slot->max_ulp)},
            {"status", std::string(to_string(slot->status))},
            {"classes", Json::object()}};
  for (const auto& [name, count] : slot->classes) json["classes"][name] = count;
  return json;
}

Json change_json(const SlotChange& change) {
  return {{"slot", change.slot},
          {"direction", change.direction.empty() ? Json() : Json(change.direction)},
          {"blessed", slot_json(change.blessed)},
          {"now", slot_json(change.now)},
          {"status", std::string(to_string(change.status))},
          {"reason", change.reason}};
}

struct Counts {
  std::size_t slots = 0;
  std::size_t changed = 0;
  std::size_t failed = 0;
  std::size_t better = 0;
  std::size_t worse = 0;
};

Counts counts_of(const std::vector<RunCheck>& checks) {
  Counts counts;
  for (const RunCheck& check : checks) {
    counts.slots += check.same.size() + check.changes.size();
    counts.changed += check.changes.size();
    for (const SlotChange& change : check.changes) {
      counts.failed += change.status == Status::fail;
      counts.better += change.direction == "better";
      counts.worse += change.direction == "worse";
    }
  }
  return counts;
}

std::vector<std::string> sentences(const std::vector<RunCheck>& checks) {
  const Counts counts = counts_of(checks);
  const std::string runs = fmt::format("{} slot{} of {} run{}", counts.slots, counts.slots == 1 ? "" : "s",
                                       checks.size(), checks.size() == 1 ? "" : "s");
  if (counts.slots == 0) return {"Nothing was checked: the baseline holds no slot."};
  if (counts.changed == 0) return {fmt::format("All {} have the blessed bits.", runs)};
  std::vector<std::string> summary{fmt::format("{} of {} changed: {} for the better, {} for the worse, by rms_rel.",
                                               counts.changed, runs, counts.better, counts.worse)};
  if (counts.failed == 0) {
    summary.emplace_back("None fails: where bits differ, errors are no larger than the factor allows.");
    return summary;
  }
  for (const RunCheck& check : checks) {
    for (const SlotChange& change : check.changes) {
      if (change.status != Status::fail) continue;
      summary.push_back(fmt::format("{} fail{}, first {} of {}: {}.", counts.failed, counts.failed == 1 ? "s" : "",
                                    change.slot, check.name, change.reason));
      return summary;
    }
  }
  return summary;
}

}  // namespace

std::vector<RunCheck> check(const Baseline& blessed, const Baseline& fresh, double factor) {
  std::vector<RunCheck> checks;
  for (const auto& [name, run] : blessed.runs) {
    const auto now = fresh.runs.find(name);
    const BlessedRun& here = now == fresh.runs.end() ? BlessedRun{} : now->second;
    RunCheck one = check_run(name, run, here, factor);
    one.notes = notes_on(run, blessed, fresh);
    if (!one.changes.empty() && !here.untolerated.empty()) one.notes.push_back(here.untolerated);
    checks.push_back(std::move(one));
  }
  return checks;
}

Json to_json(const std::vector<RunCheck>& checks, const CheckInfo& info) {
  Json runs = Json::array();
  for (const RunCheck& check : checks) {
    Json changes = Json::array();
    for (const SlotChange& change : check.changes) changes.push_back(change_json(change));
    runs.push_back(
        {{"name", check.name}, {"notes", check.notes}, {"same", check.same}, {"changes", std::move(changes)}});
  }
  const Counts counts = counts_of(checks);
  return {{"schema", check_schema},
          {"provenance", info.provenance},
          {"baseline", {{"source", info.source}, {"provenance", info.blessed}}},
          {"factor", info.factor},
          {"runs", std::move(runs)},
          {"summary", sentences(checks)},
          {"exit", counts.failed != 0 || counts.slots == 0 ? 1 : 0}};
}

}  // namespace ulpscope::judge
