// SPDX-License-Identifier: Apache-2.0
// A stray is born where its stage makes one of sound operands, or where the run holds one that its stage does not make
// of the run's own.
#include "core/judge/births.hpp"

#include <algorithm>
#include <cmath>

#include "core/compressor/evaluate.hpp"
#include "core/compressor/parallel.hpp"
#include "core/compressor/run.hpp"
#include "core/judge/ledger_rows.hpp"
#include "core/judge/product_rows.hpp"

namespace ulpscope::judge {
namespace {

using compressor::forward;
using compressor::Name;
using compressor::Record;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;

/// Where pads enter a run.
bool receives_pads(Slot slot) {
  return slot.direction == compressor::Direction::forward &&
         (slot.name == Name::values || slot.name == Name::logits || slot.name == Name::padded_gate);
}

}  // namespace

Births::Births(const Suspect& suspect, unsigned threads)
    : suspect_(suspect),
      threads_(threads),
      plan_(suspect.recipe, suspect.problem.config),
      graph_(suspect.recipe, plan_, {suspect.problem.has(Name::prior_kv) && suspect.problem.has(Name::prior_gate)}),
      tape_(suspect.tape),
      strays_(strays_of(suspect.tape, suspect.truth, threads)) {
  if (strays_.empty()) return;
  padded_ = compressor::padded_slots(suspect.problem, plan_.config(), suspect.recipe);
  complete();
  const Strays inputs = stray_inputs(suspect.problem, plan_, threads);
  sound_ = tape_;
  sound_problem_ = healed(suspect.problem, inputs, plan_);
  for (const auto& [slot, elements] : inputs) changed_[slot.index()] = true;
  strays_.insert(inputs.begin(), inputs.end());
  find_in_inputs();
  for (const Slot slot : graph_.order()) {
    if (tape_.has(slot)) find_in(slot);
  }
}

/// Slots between those that the suspect holds: from its nearest ones, by the recipe.
void Births::complete() {
  std::array<bool, compressor::slot_count> needed{};
  for (auto slot = graph_.order().rbegin(); slot != graph_.order().rend(); ++slot) {
    if (!needed[slot->index()] && !suspect_.tape.has(*slot)) continue;
    for (const Slot read : graph_.reads(*slot)) needed[read.index()] = true;
  }
  compressor::Partial partial{suspect_.tape, {}};
  for (const Slot slot : graph_.order()) {
    if (needed[slot.index()] && !suspect_.tape.has(slot)) partial.wanted.push_back(slot);
  }
  if (partial.wanted.empty()) return;
  compressor::RunOptions options;
  options.threads = threads_;
  const auto missing = compressor::run_from(suspect_.problem, suspect_.recipe, partial, options);
  for (const auto& [slot, record] : missing.tape.records()) tape_.set(slot, record.tensor, record.format);
  strays_.merge(strays_of(missing.tape, suspect_.truth, threads_));
}

Tape Births::reads_in(const Tape& tape, Slot slot) const {
  Tape reads;
  for (const Slot read : graph_.reads(slot)) {
    if (const Record* record = tape.find(read)) reads.set(read, record->tensor, record->format);
  }
  return reads;
}

/// Threads cost a tenth of a millisecond each.
compressor::RunOptions Births::options(Slot slot) const {
  constexpr std::size_t elements_of_a_thread = std::size_t{1} << 19;
  const std::size_t size = compressor::element_count(compressor::shape_of(slot, plan_.config()));
  const std::size_t useful = is_matrix_product(slot) ? threads_ : size / elements_of_a_thread;
  compressor::RunOptions options;
  options.plan = &plan_;
  options.threads = static_cast<unsigned>(std::clamp<std::size_t>(useful, 1, std::max(1U, threads_)));
  return options;
}

Tensor Births::computed(Slot slot, const compressor::Problem& problem, const Tape& reads) const {
  return compressor::run_from(problem, suspect_.recipe, {reads, {slot}}, options(slot)).tape.find(slot)->tensor;
}

/// Whether something that the slot's stage reads came from a stray, be it finite again.
bool Births::is_tainted(Slot slot) const {
  const auto& reads = graph_.reads(slot);
  return std::any_of(reads.begin(), reads.end(), [&](Slot read) { return changed_[read.index()]; });
}

bool Births::is_pad(Slot slot, std::size_t element) const {
  return receives_pads(slot) && padded_[element / plan_.config().head_dim] != 0;
}

void Births::add(const BirthGroup& birth, std::size_t element) {
  const auto alike = std::find_if(groups_.begin(), groups_.end(), [&](const BirthGroup& group) {
    return group.slot == birth.slot && group.origin == birth.origin && group.at_pad == birth.at_pad;
  });
  if (alike != groups_.end()) return alike->elements.add(element);
  groups_.push_back(birth);
  groups_.back().elements.add(element);
}

void Births::find_in_inputs() {
  for (const auto& [slot, elements] : strays_) {
    if (slot.direction == compressor::Direction::backward || !compressor::is_input(slot.name)) continue;
    elements.for_each([&, of = slot](std::size_t i) {
      const double given = suspect_.problem.input(of.name).at(i);
      add({of, Origin::input, false, std::isfinite(given) ? std::copysign(HUGE_VAL, given) : given, {}}, i);
    });
  }
}

const Tensor* Births::truth_of(Slot slot) const {
  const Record* const exact = suspect_.truth.find(slot);
  return exact != nullptr ? &exact->tensor : nullptr;
}

StrayProduct Births::own_product(Slot slot) const { return {slot, {plan_, suspect_.problem, tape_, scans_, threads_}}; }
StrayProduct Births::sound_product(Slot slot) const {
  return {slot, {plan_, sound_problem_, sound_, scans_, threads_}};
}

/// Whether every stray of a matrix product came with its factors, and either nothing but their sum reads it, or most of
/// it are strays, or hardly any: then its factors have told all, and no product is computed.
bool Births::is_passed_on(Slot slot, const IndexRanges& strays) const {
  if (!is_matrix_product(slot)) return false;
  const std::size_t size = tape_.find(slot)->tensor.size();
  const bool is_read = slot.direction == compressor::Direction::forward;
  if (is_read && 2 * strays.size() <= size && !are_few(strays)) return false;
  return sound_product(slot).stays_finite() && own_product(slot).carries(strays);
}

/// So few that each sum by itself costs less than a look at the product's factors as the engine has it.
bool Births::are_few(const IndexRanges& strays) const { return strays.size() <= 4 * plan_.config().features(); }

/// The elements, which came with what the slot reads, replaced by their sums where they are few and read, else by what
/// the truth has there; a weight's gradient, which nothing reads, keeps them.
void Births::pass_on(Slot slot, const IndexRanges& strays) {
  if (slot.name == Name::w_kv || slot.name == Name::w_gate) return;
  const Record& own = *tape_.find(slot);
  if (slot.direction == compressor::Direction::backward || !are_few(strays))
    return sound_.set(slot, healed(own.tensor, strays, truth_of(slot), own.format), own.format);
  const std::vector<double> sums = projected(slot.name, strays, sound_problem_, own.format);
  auto next = sums.begin();
  sound_.set(slot, replaced(own.tensor, strays, [&next](std::size_t) { return *next++; }), own.format);
}

namespace {

/// The rows that these elements stand in, and others.
IndexRanges rows_of(const IndexRanges& elements, std::size_t width, const IndexRanges& others) {
  std::vector<std::uint8_t> held;
  const auto hold = [&](std::size_t row) {
    if (held.size() <= row) held.resize(row + 1);
    held[row] = 1;
  };
  others.for_each(hold);
  for (const IndexRanges::Range& range : elements.ranges()) {
    for (std::size_t row = range.first / width; row <= (range.last - 1) / width; ++row) hold(row);
  }
  IndexRanges rows;
  for (std::size_t row = 0; row < held.size(); ++row) {
    if (held[row] != 0) rows.add(row);
  }
  return rows;
}

}  // namespace

/// The slot from what the run holds, as far as its strays go: those that a factor of theirs explains are NaN.
Tensor Births::from_own(Slot slot, const IndexRanges& strays) const {
  const Tensor& own = tape_.find(slot)->tensor;
  if (is_matrix_product(slot) && own_product(slot).carries(strays)) return own;
  if (!has_token_rows(slot)) return computed(slot, suspect_.problem, reads(slot));
  return with_rows({slot, suspect_.problem, suspect_.recipe, reads(slot)}, own, rows_of(strays, own.shape.back(), {}),
                   options(slot));
}

/// The slot as it would be without the strays before it. Of a product by tokens: the rows that hold strays, or that a
/// factor's stray may have reached; what no stray came before stays the run's own.
Tensor Births::from_sound(Slot slot, const IndexRanges& strays) const {
  if (!has_token_rows(slot)) return computed(slot, sound_problem_, sound_reads(slot));
  const Tensor& own = tape_.find(slot)->tensor;
  const IndexRanges rows = rows_of(strays, own.shape.back(), own_product(slot).tainted_rows());
  return with_rows({slot, sound_problem_, suspect_.recipe, sound_reads(slot)}, own, rows, options(slot));
}

void Births::find_in(Slot slot) {
  const bool tainted = is_tainted(slot);
  const auto strays = strays_.find(slot);
  if (!tainted && strays == strays_.end()) return;
  changed_[slot.index()] = true;
  static const IndexRanges none;
  const IndexRanges& suspects = strays == strays_.end() ? none : strays->second;
  if (is_passed_on(slot, suspects)) return pass_on(slot, suspects);
  const Tensor* const truth = truth_of(slot);
  const Record& own = *tape_.find(slot);
  const bool both = tainted && !suspects.empty();
  Tensor made;
  Tensor again;
  // Beside each other, but for products, whose factors are looked at for both.
  compressor::parallel_tasks(both ? 2 : 1, is_matrix_product(slot) ? 1 : threads_, [&](std::size_t i) {
    (i == 0 ? made : again) = i == 0 ? from_sound(slot, suspects) : from_own(slot, suspects);
  });
  if (!both) again = made;
  const Values values(made);
  const Values exact(truth != nullptr ? *truth : made);
  const auto is_born = [&](std::size_t i) { return is_stray(values[i], exact[i], slot.direction); };
  if (!suspects.empty()) {
    const Values others(again);
    unlike(suspects, made, again).for_each([&](std::size_t i) {
      if (!is_born(i) && is_stray(others[i], exact[i], slot.direction)) return;
      add({slot, is_born(i) ? Origin::arithmetic : Origin::foreign, is_pad(slot, i), own.tensor.at(i), {}}, i);
    });
  }
  // What no stray came before stays the run's own: a dump need not have the recipe's bits.
  const Tensor& sound = tainted ? made : own.tensor;
  const auto value_at = [&](std::size_t i) {
    return is_born(i) ? healed(truth != nullptr ? truth->at(i) : 1, own.format) : made.at(i);
  };
  sound_.set(slot, replaced(sound, strays_in(slot, sound, truth), value_at), own.format);
}

}  // namespace ulpscope::judge
