// SPDX-License-Identifier: Apache-2.0
// Every number in the sentences is computed: shares and errors from the report, gains by running the changed recipe.
#include "app/advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "core/compressor/graph.hpp"
#include "core/io/error.hpp"
#include "core/judge/attribution_sum.hpp"
#include "core/judge/owners.hpp"
#include "core/judge/sigma_map.hpp"
#include "core/judge/text_table.hpp"
#include "core/judge/truth.hpp"

namespace ulpscope::app {
namespace {

using compressor::Direction;
using compressor::Plan;
using compressor::Recipe;
using compressor::Slot;
using judge::Owner;
using judge::Row;
using judge::RunReport;

/// How many owners' stages are tried.
constexpr std::size_t tried_owners = 3;

const Row* row_of(const RunReport& run, Slot slot) {
  for (const Row& row : run.rows) {
    if (row.tensor.empty() && row.slot == slot && row.metrics && row.metrics->compared != 0) return &row;
  }
  return nullptr;
}

/// ||run - truth|| / ||truth|| where both are finite.
double error_of(const judge::Enclosure& truth, const compressor::Tensor& run) {
  const judge::Difference error = judge::difference(judge::enclosure_of(run), truth);
  double of_error = 0;
  double of_truth = 0;
  for (std::size_t i = 0; i < truth.value.size(); ++i) {
    if (std::isnan(error.value[i]) || !std::isfinite(truth.value[i])) continue;
    of_error += error.value[i] * error.value[i];
    of_truth += truth.value[i] * truth.value[i];
  }
  return of_truth > 0 ? std::sqrt(of_error / of_truth) : 0;
}

/// Owners by share, the largest first.
std::vector<Owner> ranked_owners(const judge::Attribution& attribution) {
  std::vector<Owner> owners = judge::owners_of(attribution);
  std::stable_sort(owners.begin(), owners.end(),
                   [](const Owner& a, const Owner& b) { return a.share.value_or(0) > b.share.value_or(0); });
  return owners;
}

bool same_roles(const compressor::SlotArithmetic& a, const compressor::SlotArithmetic& b) {
  return a.storage == b.storage && a.compute == b.compute && a.accumulate == b.accumulate;
}

bool same_arithmetic(const Recipe& a, const Recipe& b, const compressor::Config& config) {
  const Plan first(a, config);
  const Plan second(b, config);
  for (std::size_t i = 0; i < compressor::slot_count; ++i) {
    if (!same_roles(first.all()[i], second.all()[i])) return false;
  }
  return first.table().storage == second.table().storage && first.table().angles == second.table().angles &&
         first.table().frequencies == second.table().frequencies;
}

/// A change of one field of one stage ("pool", "backward.pool"), as --set writes it.
struct Change {
  std::string stage;
  std::string setting;
  Recipe recipe;
};

compressor::Graph graph_of(const Advised& advised, const Plan& plan) {
  using compressor::Name;
  return {advised.recipe, plan, {advised.problem.has(Name::prior_kv) && advised.problem.has(Name::prior_gate)}};
}

/// A stage as settings name it: "pool", "backward.pool".
struct Named {
  explicit Named(const std::string& setting)
      : backward(setting.starts_with("backward.")), stage(backward ? setting.substr(9) : setting) {}
  bool backward;
  std::string stage;
};

/// What a stage rounds before its cast is 2^12 finer than the cast, and none of its slots is farther from its exact
/// stage than the cast takes it: no finer format before the cast buys anything.
bool is_all_cast(const Named& named, const Advised& advised) {
  const Plan plan(advised.recipe, advised.problem.config);
  double before = 0;
  double cast = 0;
  double local = 0;
  const compressor::Graph graph = graph_of(advised, plan);
  for (const Slot slot : graph.order()) {
    const bool backward = slot.direction == Direction::backward;
    if (backward != named.backward || compressor::to_string(plan.writer(slot)) != named.stage) continue;
    const compressor::SlotArithmetic& a = plan.at(slot);
    before = std::max(
        {before, a.compute_exact ? 0 : precision::unit_roundoff(a.compute), precision::unit_roundoff(a.accumulate)});
    cast = precision::unit_roundoff(a.storage);  // of the stage's last slot
    const Row* row = row_of(advised.report, slot);
    local = std::max(local, row != nullptr && row->local ? row->local->rms_rel : HUGE_VAL);
  }
  return before * 0x1p12 <= cast && local <= cast;
}

/// Formats one step finer, where they change anything.
void add_changes(std::vector<Change>& changes, const std::string& stage, const Advised& advised) {
  const bool table = stage == "rope_table";
  const std::vector<std::string> fields = table ? std::vector<std::string>{"storage", "angles", "frequencies"}
                                                : std::vector<std::string>{"storage", "accumulate", "compute"};
  const bool all_cast = !table && is_all_cast(Named(stage), advised);
  for (const std::string& field : fields) {
    if (all_cast && field != "storage") continue;
    for (const char* finer : {"fp32", "fp64"}) {
      const std::string setting = stage + "." + field + "=" + finer;
      try {
        Recipe recipe = compressor::with_setting(advised.recipe, setting);
        if (same_arithmetic(recipe, advised.recipe, advised.problem.config)) continue;
        changes.push_back({stage, setting, std::move(recipe)});
        break;
      } catch (const InputError&) {  // the stage has no such role
        break;
      }
    }
  }
}

std::vector<Change> suggested_changes(const Advised& advised, const std::vector<Owner>& owners) {
  std::vector<Change> changes;
  std::size_t tried = 0;
  for (const Owner& owner : owners) {
    if (tried == tried_owners || owner.share.value_or(0) <= 0) break;
    std::string stage = owner.name;
    if (stage == "inputs" || stage.find('(') != std::string::npos) continue;  // no one stage
    if (stage.starts_with("backward ")) stage = "backward." + stage.substr(9);
    add_changes(changes, stage, advised);
    ++tried;
  }
  return changes;
}

/// The run's slots that a change does not reach: a stage hands it on to its VJP and to how the gradients of its slots
/// are kept, and all of them to what follows.
compressor::Tape untouched_by(const Change& change, const Advised& advised) {
  const Plan plan(advised.recipe, advised.problem.config);
  const Plan changed(change.recipe, advised.problem.config);
  const compressor::Graph graph = graph_of(advised, plan);
  const Named named(change.stage);
  std::array<bool, compressor::slot_count> reached{};
  compressor::Tape given;
  for (const Slot slot : graph.order()) {
    const bool written = compressor::to_string(plan.writer(slot)) == named.stage;
    bool& here = reached[slot.index()];
    here = (written && (slot.direction == Direction::backward || !named.backward)) ||
           !same_roles(plan.at(slot), changed.at(slot));
    for (const Slot read : graph.reads(slot)) here = here || reached[read.index()];
    const compressor::Record* record = here ? nullptr : advised.run.find(slot);
    if (record != nullptr) given.set(slot, record->tensor, record->format);
  }
  return given;
}

std::string change_sentence(const Advised& advised, const std::vector<Owner>& owners) {
  const Slot target = advised.report.attribution->target;
  const std::string head =
      fmt::format("Change. {} owns {:.0f}% of the squared error of {} in {}", owners.front().name,
                  100 * owners.front().share.value_or(0), compressor::to_string(target), advised.recipe.name);
  const double operations = judge::operations_of(advised.problem.config);
  if (operations > advised.most_operations)
    return head +
           fmt::format("; no change is tried: a run takes {:.1e} operations in its projections, more than {:.1e}.",
                       operations, advised.most_operations);
  const Recipe given = judge::truth_recipe(advised.recipe, advised.problem.config, judge::Basis::given);
  const judge::Enclosure truth =
      std::move(advised.exact.run({advised.problem, given, {}, {target}, advised.threads}).at(target));
  const double before = error_of(truth, advised.run.find(target)->tensor);
  const Change* best = nullptr;
  double least = before;
  const std::vector<Change> changes = suggested_changes(advised, owners);
  for (const Change& change : changes) {
    const double after = error_of(truth, advised.again(change.recipe, untouched_by(change, advised)));
    if (after < least) {
      least = after;
      best = &change;
    }
  }
  if (best == nullptr)
    return head + fmt::format("; none of {} changes of one format, run one by one, makes it smaller.", changes.size());
  return head + fmt::format(
                    "; of {} changes of one format, run one by one, --set {} buys most: the error is {} "
                    "instead of {}, {:.0f}% less.",
                    changes.size(), best->setting, judge::short_number(least), judge::short_number(before),
                    100 * (1 - least / before));
}

/// The largest relative error before a stage, and what the exact stage hands on of it.
struct Passage {
  std::string stage;
  Slot from;
  Slot to;
  double received = 0;
  double handed_on = 0;
  double factor() const { return received > 0 ? handed_on / received : 0; }
};

/// Which slot before another has the largest relative error. Of all that stand before it, not only of what it reads:
/// finite pads make the logits so large that their relative error says nothing.
struct Source {
  Slot slot;
  double error = 0;
};

std::vector<Passage> passages(const Advised& advised) {
  const Plan plan(advised.recipe, advised.problem.config);
  const compressor::Graph graph = graph_of(advised, plan);
  std::map<Slot, Source> before;
  std::map<std::string, Passage> found;
  for (const Slot slot : graph.need({advised.report.attribution->target}, {}).compute) {
    const Row* row = row_of(advised.report, slot);
    if (row == nullptr || compressor::level_of(slot) == compressor::Level::table) continue;
    Source& source = before[slot];
    for (const Slot read : graph.reads(slot)) {
      const Row* other = row_of(advised.report, read);
      if (!before.contains(read) || other == nullptr) continue;
      const bool own = read.direction == slot.direction && plan.writer(read) == plan.writer(slot);
      const Source itself{read, other->metrics->rms_rel};
      for (const Source& candidate : {before[read], own ? Source{} : itself}) {
        if (candidate.error > source.error) source = candidate;
      }
    }
    const bool backward = slot.direction == Direction::backward;
    const std::string stage = (backward ? "backward " : "") + std::string(compressor::to_string(plan.writer(slot)));
    // The last slot says what the stage hands on; what it received stands before its first.
    found[stage] = {stage, source.slot, slot, source.error, row->inherited.value_or(0)};
  }
  std::vector<Passage> out;
  for (const auto& [stage, passage] : found) out.push_back(passage);
  std::stable_sort(out.begin(), out.end(), [](const Passage& a, const Passage& b) { return a.factor() > b.factor(); });
  return out;
}

std::string amplifies_sentence(const Advised& advised) {
  const std::vector<Passage> ranked = passages(advised);
  if (ranked.empty() || ranked.front().factor() <= 1)
    return fmt::format("Amplifies. No stage on the way to {} makes an error larger than it receives it.",
                       compressor::to_string(advised.report.attribution->target));
  const Passage& first = ranked.front();
  const std::string second = ranked.size() > 1 && ranked[1].factor() > 1
                                 ? fmt::format("; next is {} with {:.2g}x", ranked[1].stage, ranked[1].factor())
                                 : "; no other stage does";
  return fmt::format("Amplifies. {} makes {:.2g}x of the relative error that it receives ({} in {}, hence {} in {}){}.",
                     first.stage, first.factor(), judge::short_number(first.received),
                     compressor::to_string(first.from), judge::short_number(first.handed_on),
                     compressor::to_string(first.to), second);
}

std::string leave_sentence(const std::vector<Owner>& owners) {
  constexpr double little = .01;
  std::vector<std::string> names;
  double together = 0;
  for (const Owner& owner : owners) {
    if (!(std::fabs(owner.share.value_or(0)) < little)) continue;
    names.push_back(owner.name);
    together += owner.share.value_or(0);
  }
  if (names.empty()) return "Leave. Nothing: every stage owns more than 1% of the squared error.";
  const std::string much = std::fabs(together) < 1e-3 ? "less than 0.1%" : fmt::format("{:.1f}%", 100 * together);
  return fmt::format("Leave. {} own{} {} of the squared error{}: finer formats there buy nothing.",
                     fmt::join(names, ", "), names.size() == 1 ? "s" : "", much, names.size() == 1 ? "" : " together");
}

}  // namespace

std::vector<std::string> advice_on(const Advised& advised) {
  if (!advised.report.attribution) return {};
  const std::vector<Owner> owners = ranked_owners(*advised.report.attribution);
  if (!owners.front().share) return {};
  return {change_sentence(advised, owners), amplifies_sentence(advised), leave_sentence(owners)};
}

const RunReport* worth_advice(const std::vector<RunReport>& runs, std::size_t problem) {
  std::map<std::string, std::vector<const RunReport*>> formats;
  for (const RunReport& run : runs) {
    if (run.problem != problem || !run.attribution) continue;
    const Row* row = row_of(run, run.attribution->target);
    if (row != nullptr && row->metrics->rms_rel > 0) formats[row->format].push_back(&run);
  }
  const std::vector<const RunReport*>* largest = nullptr;
  for (const auto& [format, group] : formats) {
    if (largest == nullptr || group.size() > largest->size()) largest = &group;
  }
  if (largest == nullptr) return nullptr;
  const auto error = [](const RunReport* run) { return row_of(*run, run->attribution->target)->metrics->rms_rel; };
  return *std::min_element(largest->begin(), largest->end(),
                           [&](const RunReport* a, const RunReport* b) { return error(a) < error(b); });
}

}  // namespace ulpscope::app
