// SPDX-License-Identifier: Apache-2.0
// Walks the slots in program order; the first that fails is diagnosed.
#include "core/judge/compare.hpp"

#include <fmt/format.h>

#include <set>

#include "core/compressor/graph.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/decode_births.hpp"
#include "core/judge/decode_judge.hpp"
#include "core/judge/diagnosis.hpp"
#include "core/judge/invariants.hpp"
#include "core/judge/ledger.hpp"
#include "core/judge/nonfinite.hpp"
#include "core/judge/replay.hpp"
#include "core/judge/slot_filter.hpp"
#include "core/judge/slot_judge.hpp"
#include "core/judge/undecided.hpp"

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

/// What a truth with radii says of a row that it has.
std::optional<Radii> radii_of(const Truth& truth, const Row& row) {
  const auto found = truth.enclosures.find(row.slot);
  if (found == truth.enclosures.end() || row.status == Status::absent) return std::nullopt;
  const Enclosure& whole = found->second;
  return whole.shape == row.shape ? radii_of(whole) : radii_of(cropped(whole, row.shape));
}

/// Leaves a row undecided whose truth has no bound somewhere.
bool leave_unbounded(Row& row, const Truth& truth) {
  const std::optional<Radii> radii = radii_of(truth, row);
  if (radii) leave_undecided(row, *radii);
  return row.undecided != 0;
}

/// Adds a row to what the report says of its truth.
void collect(TruthInfo& info, const Truth& truth, const Row& row) {
  const std::optional<Radii> radii = radii_of(truth, row);
  if (!radii) return;
  info.max_radius = std::max(info.max_radius.value_or(0), radii->max_radius);
  info.undecided = info.undecided.value_or(0) + row.undecided;
}

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
    const Bench bench{config_, recipe_ != nullptr ? &replayer_->plan() : nullptr, options_.threads, &truth_.enclosures};
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
      collect(report.truth, truth_, report.rows.back());
      if (replayer_) note_unrounded(report, *record);
    }
    add_foreign(report, bench);
    add_uncomputed(report, bench);
    judged += add_decoded(report, bench);
    if (judged == 0) throw InputError(fmt::format("{}: no slot of the dump is left to compare", dump_.source));
    if (replayer_)
      report.underflow = keep_ledger(
          {problem_, *recipe_, dump_.tape, truth_.tape, *replayer_, Gaps::replay, &filter_, &dump_.partial});
    report.verdict = std::move(verdict_);
    report.beyond_tables = std::move(beyond_tables_);
  }

 private:
  /// Where a failing slot's verdict goes: the first, and the first behind a table's; null: neither.
  std::optional<Verdict>* place_for(Slot slot) {
    const auto is_table = [](Slot one) { return compressor::level_of(one) == compressor::Level::table; };
    if (!verdict_) return &verdict_;
    return is_table(verdict_->slot) && !is_table(slot) && !beyond_tables_ ? &beyond_tables_ : nullptr;
  }

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
    if (leave_unbounded(row, truth_)) return row;
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
    const auto failing = outside_tolerance(row, record.tensor, reference, ruler);
    if (failing.empty()) return;
    row.status = Status::fail;
    row.reason = fmt::format("{} of {} elements are not within the tolerance of the truth", failing.size(),
                             record.tensor.size());
    std::optional<Verdict>* verdict = place_for(row.slot);
    if (verdict == nullptr) return;
    const std::size_t index = most_telling(failing, record.tensor, reference, ruler);
    const Metrics& metrics = *row.metrics;
    *verdict = verdict_at(row, {index, record.tensor.at(index), reference.at(index)}, config_);
    (*verdict)->diagnosis = "tolerance";
    (*verdict)->sentence = fmt::format(
        "{} leaves the tolerance of the truth in {} of {} elements; rtol {:.3g}, atol {:.3g} or ulp {:.3g} "
        "would pass",
        compressor::to_string(row.slot), failing.size(), record.tensor.size(), metrics.minimum.rtol,
        metrics.minimum.atol, metrics.minimum.ulp);
  }

  /// Elements that fail whatever the truth is within its radii; without them, those that it decides leave the row open.
  std::vector<std::size_t> outside_tolerance(Row& row, const compressor::Tensor& found,
                                             const compressor::Tensor& reference, const Ruler& ruler) const {
    const auto enclosure = truth_.enclosures.find(row.slot);
    if (enclosure == truth_.enclosures.end()) return judge_tolerance(found, reference, options_.tolerance, ruler);
    const bool partial = enclosure->second.shape != found.shape;
    Judged judged = partial ? judge_tolerance(found, cropped(enclosure->second, found.shape), options_.tolerance, ruler)
                            : judge_tolerance(found, enclosure->second, options_.tolerance, ruler);
    leave_open(row, judged, found.size());
    return std::move(judged.failing);
  }

  void judge_by_replay(Row& row, const Record& record, const Bench& bench) {
    Replayed replayed = replayer_->replay(row.slot);
    const Appeal appeal{*replayer_, row.slot, replayed.value.shape};
    crop(replayed, record.tensor.shape);
    const Ruler ruler(format_of(row.slot, record, bench));
    // Once it is found where errors begin, what follows is no news, and not worth a search.
    const bool is_news = place_for(row.slot) != nullptr;
    const auto failing = is_news ? judge_with_appeal(row, record.tensor, replayed, appeal)
                                 : judge_replay(row, record.tensor, replayed, ruler);
    if (failing.empty()) return;
    if (leave_to_sums(row, replayed, failing.size())) return;
    row.status = Status::fail;
    row.reason = fmt::format("the recipe does not explain {} of {} elements", failing.size(), record.tensor.size());
    std::optional<Verdict>* verdict = place_for(row.slot);
    if (verdict == nullptr) return;
    const std::size_t index = most_telling(failing, record.tensor, replayed.value, ruler);
    *verdict = verdict_at(row, {index, record.tensor.at(index), replayed.value.at(index)}, config_);
    const Finding finding =
        diagnose(Case{problem_, *recipe_, dump_.tape, *replayer_, row.slot, record.tensor, replayed, failing,
                      layout_of(row.slot, record.tensor.shape, config_), ruler, options_.threads});
    (*verdict)->diagnosis = finding.diagnosis;
    (*verdict)->sentence = finding.sentence;
  }

  /// A slot that is held finer than the recipe stores it may pass within the ulp, but has none of its bits.
  void note_unrounded(RunReport& report, const Record& record) const {
    const Row& row = report.rows.back();
    const std::size_t finer = count_unrounded(record.tensor, replayer_->plan().at(row.slot).storage);
    if (finer * 100 <= record.tensor.size()) return;
    report.notes.push_back(
        fmt::format("{} is held unrounded: {} of {} elements are no numbers of {}, the recipe's format",
                    compressor::to_string(row.slot), finer, record.tensor.size(), row.format));
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

  /// entries.KK and state.*; gives how many were judged.
  std::size_t add_decoded(RunReport& report, const Bench& bench) {
    const Decoding decoding{problem_, dump_, truth_, recipe_, replayer_ ? &*replayer_ : nullptr};
    DecodedRows decoded = decoded_rows(decoding, options_, bench);
    if (!verdict_) verdict_ = std::move(decoded.verdict);
    report.notes.insert(report.notes.end(), decoded.notes.begin(), decoded.notes.end());
    std::move(decoded.rows.begin(), decoded.rows.end(), std::back_inserter(report.rows));
    return decoded.judged;
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
  std::optional<Verdict> beyond_tables_;
};

void add_births(RunReport& report, const Suspect& suspect, unsigned threads) {
  if (!has_strays(report.rows)) return;
  Nonfinite found = certify(suspect, threads);
  report.nonfinite = std::move(found.certificates);
  report.notes.insert(report.notes.end(), found.notes.begin(), found.notes.end());
}

}  // namespace

RunReport measure_run(const Problem& problem, const compressor::Run& run, const Truth& truth, unsigned threads) {
  RunReport report;
  report.recipe = run.recipe.name;
  report.backend = run.backend;
  report.spec = run.recipe.spec;
  report.truth = truth.info;
  const compressor::Plan plan(run.recipe, problem.config);
  const Bench bench{plan.config(), &plan, threads, &truth.enclosures};
  for (const Slot slot : compressor::program_order(problem, run.recipe)) {
    const Record* record = run.tape.find(slot);
    if (record == nullptr) {
      report.rows.push_back(absent_row(slot, "the " + run.backend + " backend does not keep it", bench));
      continue;
    }
    report.rows.push_back(measured_row(slot, *record, truth.tape.find(slot), bench));
    Row& row = report.rows.back();
    if (!leave_unbounded(row, truth)) fail_on_class(row);
    collect(report.truth, truth, row);
  }
  for (const auto& [slot, reason] : run.tape.absent()) report.rows.push_back(absent_row(slot, reason, bench));
  report.invariants = check_invariants(run.tape, problem, run.recipe, {&truth.tape, {}});
  const Replayer replayer(problem, run.recipe, run.tape, threads);
  report.underflow = keep_ledger({problem, run.recipe, run.tape, truth.tape, replayer, Gaps::leave});
  add_births(report, {problem, run.recipe, run.tape, truth.tape}, threads);
  return report;
}

Problem judged_problem(const Problem& problem, const Dump& dump) {
  return dump.config ? compressor::with_config(problem, *dump.config) : problem;
}

namespace {

std::set<Slot> explained_slots(const RunReport& report) {
  std::set<Slot> slots;
  for (const Row& row : report.rows) {
    if (row.replay && row.tensor.empty() && row.status != Status::fail) slots.insert(row.slot);
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
  const Suspect suspect{problem, recipe ? *recipe : truth.recipe, dump.tape, truth.tape};
  if (!has_strays(report.rows)) return report;
  const compressor::Tape tape = with_decoded_strays(report, suspect, dump, options.threads);
  add_births(report, {problem, suspect.recipe, tape, truth.tape}, options.threads);
  return report;
}

}  // namespace ulpscope::judge
