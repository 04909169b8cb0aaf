// SPDX-License-Identifier: Apache-2.0
// Walks the slots in program order; the first that fails is diagnosed.
#include "core/judge/compare.hpp"

#include <fmt/format.h>

#include <set>

#include "core/compressor/graph.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/io/pattern.hpp"
#include "core/judge/diagnosis.hpp"
#include "core/judge/invariants.hpp"
#include "core/judge/replay.hpp"
#include "core/judge/slot_judge.hpp"
#include "precision/ulp.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Problem;
using compressor::Recipe;
using compressor::Record;
using compressor::Slot;
using compressor::Tape;

std::string class_sentence(const Metrics& metrics) {
  return fmt::format("{} of {} elements are not of the truth's class (NaN, +inf, -inf, finite)",
                     metrics.classes.class_mismatch, metrics.count);
}

void fail_on_class(Row& row) {
  if (!row.metrics || row.metrics->classes_equal()) return;
  row.status = Status::fail;
  row.reason = class_sentence(*row.metrics);
}

class SlotFilter {
 public:
  explicit SlotFilter(const std::optional<std::string>& text) {
    if (text) pattern_.emplace(*text, "--slots");
  }
  bool keeps(Slot slot) const { return keeps(compressor::to_string(slot)); }
  bool keeps(const std::string& name) const { return !pattern_ || pattern_->matches(name); }

 private:
  std::optional<io::Pattern> pattern_;
};

/// A dump on its judged problem, with the recipe it claims.
class Comparison {
 public:
  Comparison(const Problem& problem, const Dump& dump, const Claim& claim, const CompareOptions& options)
      : problem_(problem),
        dump_(dump),
        truth_(claim.truth),
        options_(options),
        filter_(options.slots),
        config_(compressor::effective_config(problem.config, claim.recipe ? *claim.recipe : claim.truth.recipe)) {
    if (!claim.recipe) return;
    recipe_ = &*claim.recipe;
    replayer_.emplace(problem, *recipe_, dump.tape, options.threads);
  }

  void run(RunReport& report) {
    const Bench bench{config_, recipe_ != nullptr ? &replayer_->plan() : nullptr, options_.threads};
    std::size_t judged = 0;
    for (const Slot slot : order()) {
      if (!filter_.keeps(slot)) continue;
      const Record* record = dump_.tape.find(slot);
      if (record == nullptr) {
        report.rows.push_back(absent_row(slot, "not in the dump", bench));
        continue;
      }
      ++judged;
      report.rows.push_back(judged_row(slot, visible(slot, *record), truth_.tape.find(slot), bench));
    }
    add_foreign(report, bench);
    add_uncomputed(report, bench);
    if (judged == 0) throw InputError(fmt::format("{}: no slot of the dump is left to compare", dump_.source));
    report.verdict = std::move(verdict_);
  }

 private:
  std::vector<Slot> order() const {
    if (replayer_) return replayer_->graph().order();
    return compressor::program_order(problem_, truth_.recipe);
  }

  /// Slots of the contract that the recipe (without one, the truth) never writes, and why.
  const std::map<Slot, std::string>& uncomputed() const {
    return replayer_ ? replayer_->graph().absent() : truth_.tape.absent();
  }

  /// The rows that the dump holds.
  Record visible(Slot slot, const Record& record) const {
    const auto partial = dump_.partial.find(slot);
    if (partial == dump_.partial.end()) return record;
    return {cropped(record.tensor, partial->second), record.format};
  }

  Row judged_row(Slot slot, const Record& record, const Record* truth, const Bench& bench) {
    Row row = measured_row(slot, record, truth, bench);
    if (row.status == Status::absent) return row;
    if (options_.tolerance.given()) {
      judge_by_tolerance(row, record, *truth, bench);
    } else if (replayer_) {
      judge_by_replay(row, record, bench);
    } else {
      row.status = Status::undecided;
      row.reason = "no recipe and no tolerance to judge by";
      fail_on_class(row);
    }
    return row;
  }

  void judge_by_tolerance(Row& row, const Record& record, const Record& truth, const Bench& bench) {
    row.tolerance = options_.tolerance;
    row.tolerance_reason = "given on the command line";
    const Ruler ruler(format_of(row.slot, record, bench));
    const bool partial = truth.tensor.shape != record.tensor.shape;
    const compressor::Tensor reference = partial ? cropped(truth.tensor, record.tensor.shape) : truth.tensor;
    const auto failing = judge_tolerance(record.tensor, reference, options_.tolerance, ruler);
    if (failing.empty()) return;
    row.status = Status::fail;
    row.reason = fmt::format("{} of {} elements are not within the tolerance of the truth", failing.size(),
                             record.tensor.size());
    if (verdict_) return;
    const std::size_t index = most_telling(failing, record.tensor, reference, ruler);
    const Metrics& metrics = *row.metrics;
    note_verdict(row, index, record.tensor.at(index), reference.at(index));
    verdict_->diagnosis = "tolerance";
    verdict_->sentence = fmt::format(
        "{} leaves the tolerance of the truth in {} of {} elements; rtol {:.3g}, atol {:.3g} or ulp {:.3g} "
        "would pass",
        compressor::to_string(row.slot), failing.size(), record.tensor.size(), metrics.minimum.rtol,
        metrics.minimum.atol, metrics.minimum.ulp);
  }

  void judge_by_replay(Row& row, const Record& record, const Bench& bench) {
    Replayed replayed = replayer_->replay(row.slot);
    crop(replayed, record.tensor.shape);
    const Ruler ruler(format_of(row.slot, record, bench));
    const auto failing = judge_replay(row, record.tensor, replayed, ruler);
    if (failing.empty()) return;
    row.status = Status::fail;
    row.reason = fmt::format("the recipe does not explain {} of {} elements", failing.size(), record.tensor.size());
    if (verdict_) return;
    const std::size_t index = most_telling(failing, record.tensor, replayed.value, ruler);
    note_verdict(row, index, record.tensor.at(index), replayed.value.at(index));
    const Finding finding =
        diagnose(Case{problem_, *recipe_, dump_.tape, *replayer_, row.slot, record.tensor, replayed, failing,
                      layout_of(row.slot, record.tensor.shape, config_), ruler, options_.threads});
    verdict_->diagnosis = finding.diagnosis;
    verdict_->sentence = finding.sentence;
  }

  void note_verdict(const Row& row, std::size_t index, double found, double expected) {
    Verdict verdict;
    verdict.slot = row.slot;
    verdict.stage = row.stage;
    verdict.index = index;
    const Layout layout = layout_of(row.slot, row.shape, config_);
    verdict.place = to_string(place_of(index, layout), layout);
    verdict.dump = found;
    verdict.expected = expected;
    const auto format = precision::parse_format(row.format);
    verdict.dump_hex = precision::hex(found, format);
    verdict.expected_hex = precision::hex(expected, format);
    verdict_ = std::move(verdict);
  }

  /// Slots of the dump that the recipe or the config does not compute.
  void add_foreign(RunReport& report, const Bench& bench) const {
    std::set<Slot> computed;
    for (const Slot slot : order()) computed.insert(slot);
    for (const auto& [slot, record] : dump_.tape.records()) {
      if (computed.contains(slot) || !filter_.keeps(slot)) continue;
      const auto found = uncomputed().find(slot);
      const std::string why = found == uncomputed().end() ? "nothing computes it here" : found->second;
      Row row = absent_row(slot, "the dump has it, but " + why, bench);
      row.status = Status::skipped;
      report.rows.push_back(std::move(row));
    }
  }

  void add_uncomputed(RunReport& report, const Bench& bench) const {
    for (const auto& [slot, reason] : uncomputed()) {
      if (!dump_.tape.has(slot) && filter_.keeps(slot)) report.rows.push_back(absent_row(slot, reason, bench));
    }
  }

  const Problem& problem_;
  const Dump& dump_;
  const Truth& truth_;
  const CompareOptions& options_;
  SlotFilter filter_;
  compressor::Config config_;  ///< effective
  const Recipe* recipe_ = nullptr;
  std::optional<Replayer> replayer_;
  std::optional<Verdict> verdict_;
};

}  // namespace

RunReport measure_run(const Problem& problem, const compressor::Run& run, const Truth& truth, unsigned threads) {
  RunReport report;
  report.recipe = run.recipe.name;
  report.backend = run.backend;
  report.spec = run.recipe.spec;
  report.truth = truth.info;
  const compressor::Plan plan(run.recipe, problem.config);
  const Bench bench{plan.config(), &plan, threads};
  for (const Slot slot : compressor::program_order(problem, run.recipe)) {
    const Record* record = run.tape.find(slot);
    if (record == nullptr) {
      report.rows.push_back(absent_row(slot, "the " + run.backend + " backend does not keep it", bench));
      continue;
    }
    report.rows.push_back(measured_row(slot, *record, truth.tape.find(slot), bench));
    fail_on_class(report.rows.back());
  }
  for (const auto& [slot, reason] : run.tape.absent()) report.rows.push_back(absent_row(slot, reason, bench));
  report.invariants = check_invariants(run.tape, problem, run.recipe, {&truth.tape, {}});
  return report;
}

Problem judged_problem(const Problem& problem, const Dump& dump) {
  return dump.config ? compressor::with_config(problem, *dump.config) : problem;
}

namespace {

std::set<Slot> explained_slots(const RunReport& report) {
  std::set<Slot> slots;
  for (const Row& row : report.rows) {
    if (row.replay && row.status == Status::ok) slots.insert(row.slot);
  }
  return slots;
}

}  // namespace

RunReport compare(const Problem& problem, const Dump& dump, const Claim& claim, const CompareOptions& options) {
  const auto& [recipe, truth] = claim;
  RunReport report;
  report.recipe = recipe ? recipe->name : "";
  report.backend = "file";
  report.spec = recipe ? recipe->spec : io::Json();
  report.truth = truth.info;
  report.unmapped = dump.unmapped;
  report.notes = dump.notes;
  Comparison(problem, dump, claim, options).run(report);
  if (recipe && !options.tolerance.given())
    report.invariants = check_invariants(dump.tape, problem, *recipe, {&truth.tape, explained_slots(report)});
  return report;
}

namespace {

/// The rows of a slot that both dumps hold: one that holds whole windows only is zeros behind them.
Record common_rows(Slot slot, const Record& record, const Dump& a, const Dump& b) {
  for (const Dump* dump : {&a, &b}) {
    const auto partial = dump->partial.find(slot);
    if (partial != dump->partial.end()) return {cropped(record.tensor, partial->second), record.format};
  }
  return record;
}

void judge_bits(Row& row, const compressor::Tensor& found, const compressor::Tensor& reference) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < found.size(); ++i) equal += same_value(found.at(i), reference.at(i));
  if (equal == found.size()) return;
  row.status = Status::fail;
  row.reason = fmt::format("{} of {} elements differ", found.size() - equal, found.size());
}

struct DiffRule {
  const Bench& bench;
  const CompareOptions& options;
};

Row difference(Slot slot, const Record& found, const Record& reference, const DiffRule& rule) {
  Row row = measured_row(slot, found, &reference, rule.bench);
  if (row.status == Status::absent) return row;
  const Tolerance& tolerance = rule.options.tolerance;
  if (!tolerance.given()) {
    judge_bits(row, found.tensor, reference.tensor);
    return row;
  }
  row.tolerance = tolerance;
  row.tolerance_reason = "given on the command line";
  const auto failing = judge_tolerance(found.tensor, reference.tensor, tolerance, Ruler(found.format));
  if (failing.empty()) return row;
  row.status = Status::fail;
  row.reason = fmt::format("{} of {} elements are not within the tolerance", failing.size(), found.tensor.size());
  return row;
}

/// A slot that only one of the dumps holds is a difference.
Row one_sided_row(Slot slot, const Dump& holder, const Bench& bench) {
  Row row = absent_row(slot, "only " + holder.source + " holds it", bench);
  row.status = Status::fail;
  return row;
}

}  // namespace

RunReport diff(const Problem& problem, const Dump& a, const Dump& b, const CompareOptions& options) {
  RunReport report;
  report.backend = "file";
  report.truth = {"dump", 0, Basis::given};
  report.notes = {"the reference is " + b.source};
  const Bench bench{problem.config, nullptr, options.threads};
  const SlotFilter filter(options.slots);
  std::set<Slot> slots;
  for (const Dump* dump : {&a, &b}) {
    for (const auto& [slot, record] : dump->tape.records()) {
      if (filter.keeps(slot)) slots.insert(slot);
    }
    report.unmapped.insert(report.unmapped.end(), dump->unmapped.begin(), dump->unmapped.end());
    report.notes.insert(report.notes.end(), dump->notes.begin(), dump->notes.end());
  }
  if (slots.empty()) throw InputError(fmt::format("{}, {}: no slot is left to compare", a.source, b.source));
  for (const Slot slot : slots) {
    const Record* found = a.tape.find(slot);
    const Record* reference = b.tape.find(slot);
    report.rows.push_back(
        found == nullptr || reference == nullptr
            ? one_sided_row(slot, found != nullptr ? a : b, bench)
            : difference(slot, common_rows(slot, *found, a, b), common_rows(slot, *reference, a, b), {bench, options}));
  }
  return report;
}

}  // namespace ulpscope::judge
