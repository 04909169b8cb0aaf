// SPDX-License-Identifier: Apache-2.0
// Slot by slot: counts first, then causes, then what the rows of the softmax have lost.
#include "core/judge/ledger.hpp"

#include <algorithm>
#include <cmath>

#include "core/compressor/evaluate.hpp"
#include "core/compressor/parallel.hpp"
#include "core/judge/dump.hpp"
#include "core/judge/ledger_bias.hpp"
#include "core/judge/ledger_count.hpp"
#include "core/judge/ledger_sentence.hpp"
#include "core/judge/slot_judge.hpp"

namespace ulpscope::judge {
namespace {

using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Record;
using compressor::Slot;
using compressor::Tensor;

class Ledger {
 public:
  explicit Ledger(const Books& books)
      : books_(books),
        plan_(books.replayer.plan()),
        config_(plan_.config()),
        stages_(books.problem, books.recipe, books.replayer, books.tape),
        grid_(stages_.grid()) {}

  std::vector<LedgerLine> run() {
    const std::vector<Slot> slots = slots_with_lines();
    lines_.resize(slots.size());
    // The replayer, which a dump's gaps need, is one thread's at a time, and has threads of its own.
    const unsigned threads = books_.gaps == Gaps::leave ? books_.replayer.threads() : 1;
    // From the last: the gradients of inputs are the largest slots.
    compressor::parallel_tasks(slots.size(), threads,
                               [&](std::size_t i) { lines_.rbegin()[i] = counted(slots.rbegin()[i]); });
    find_zeroed_weights();
    compressor::parallel_tasks(slots.size(), threads, [&](std::size_t i) { add_accounts(lines_[i]); });
    for (LedgerLine& line : lines_) add_pooled(line);
    for (LedgerLine& line : lines_) line.sentence = sentence_of(line, lines_);
    return std::move(lines_);
  }

 private:
  std::vector<Slot> slots_with_lines() const {
    std::vector<Slot> slots;
    for (const Slot slot : books_.replayer.graph().order()) {
      const bool kept = books_.filter == nullptr || books_.filter->keeps(slot);
      if (kept && books_.tape.has(slot) && compressor::level_of(slot) != compressor::Level::table)
        slots.push_back(slot);
    }
    return slots;
  }
  bool is_known(Slot slot) const { return books_.gaps == Gaps::replay || books_.tape.has(slot); }
  /// Of a dump that holds the first rows of a slot alone: what it does not hold is infinite, which nothing counts.
  Tensor held(Slot slot, const Tensor& whole) const {
    const auto* const part = part_of(slot);
    return part == nullptr ? whole : with_first_rows(whole, *part, HUGE_VAL);
  }
  const compressor::Shape* part_of(Slot slot) const {
    if (books_.partial == nullptr) return nullptr;
    const auto found = books_.partial->find(slot);
    return found == books_.partial->end() ? nullptr : &found->second;
  }

  LedgerLine counted(Slot slot) const {
    const Record& record = *books_.tape.find(slot);
    const Record* truth = books_.truth.find(slot);
    const Tensor found = held(slot, record.tensor);
    const Tensor exact = truth != nullptr ? held(slot, truth->tensor) : Tensor();
    SlotCount count(slot, found, truth != nullptr ? &exact : nullptr,
                    SlotMechanism(slot, books_.replayer, books_.recipe));
    LedgerLine line = count.line();
    line.stage = to_string(plan_.writer(slot));
    if (const auto* const part = part_of(slot)) line.count = compressor::element_count(*part);
    if (books_.gaps == Gaps::leave && !stages_.reads_are_kept(slot)) return line;
    // A run of ours moves what it says it moves, and is as close to its exact stage as its arithmetic promises.
    if (books_.gaps == Gaps::leave && count.keeps_values()) {
      line.became_zero = 0;
      return line;
    }
    if (books_.gaps == Gaps::leave && count.has_many_subnormals()) {
      if (const auto error = stages_.product_error(slot)) count.set_error(*error);
    }
    if (books_.gaps == Gaps::leave) count.skip_exact_sums();
    count.ask_subnormals();
    if (compressor::has_window_rows(slot.name)) count.set_pads(grid_);
    stages_.answer(slot, count);
    count.add_causes(line);
    if (books_.gaps == Gaps::replay && count.is_doubtful()) count.add_unexplained(line, books_.replayer.replay(slot));
    return line;
  }

  void add_accounts(LedgerLine& line) const {
    const Slot sum = forward(books_.recipe.pipeline == compressor::Pipeline::bias_first ? Name::biased : Name::logits);
    const bool stands_for_sum =
        line.slot == forward(Name::logits) && is_missing(sum) && books_.tape.has(forward(Name::gate));
    if (line.slot == sum || stands_for_sum) add_bias(line, sum);
    if (line.slot == forward(Name::logits)) add_logits(line);
    if (line.slot == account_slot(exponentiating())) add_exp(line);
    if (line.slot == account_slot(Name::denominator)) add_denominator(line);
    if (line.slot == forward(Name::weights)) add_weights(line);
  }

  /// A dump does not hold it, and it is replayed.
  bool is_missing(Slot slot) const {
    return books_.gaps == Gaps::replay && books_.replayer.graph().computes(slot) && !books_.tape.has(slot);
  }
  /// Where the account of a slot inside the softmax stands.
  Slot account_slot(Name name) const { return forward(is_missing(forward(name)) ? Name::weights : name); }

  Name exponentiating() const { return compressor::is_online(books_.recipe.softmax) ? Name::softmax : Name::exp; }

  void add_bias(LedgerLine& line, Slot slot) const {
    const bool bias_first = slot.name == Name::biased;
    const Slot gate = forward(bias_first ? Name::gate : Name::padded_gate);
    if (!is_known(gate)) return;
    const compressor::SlotArithmetic& arithmetic = plan_.at(slot);
    const bool computed = arithmetic.compute.precision < arithmetic.storage.precision;
    const Tensor known_gate = stages_.known(gate);
    const Tensor ape = stages_.input(Name::ape);
    const auto format = plan_.input_format(Name::ape);
    const Tensor known_sum = stages_.known(slot);
    const BiasRows rows{slot,
                        known_sum,
                        known_gate,
                        ape,
                        format ? *format : precision::parse_format(ape.dtype == io::DType::f64 ? "fp64" : "fp32"),
                        computed ? arithmetic.compute : arithmetic.storage};
    const auto absorption = bias_account(rows, config_, grid_);
    if (!absorption) return;
    line.bias = absorption->account;
    line.absorbed = absorption->absorbed;
    if (line.absorbed != 0) line.causes.push_back({Mechanism::absorption, Effect::absorbed, line.absorbed});
  }

  void add_logits(LedgerLine& line) const {
    const Record* truth = books_.truth.find(line.slot);
    if (truth != nullptr) line.logits = logit_account(books_.tape.find(line.slot)->tensor, truth->tensor, grid_);
  }

  void add_exp(LedgerLine& line) const {
    const bool naive = books_.recipe.softmax == compressor::Softmax::naive;
    const bool online = compressor::is_online(books_.recipe.softmax);
    const Slot arguments = forward(naive || online ? Name::logits : Name::shifted);
    if (!is_known(arguments) || (online && !is_known(forward(Name::row_max)))) return;
    const Tensor known = stages_.known(arguments);
    const Tensor maximum = online ? stages_.known(forward(Name::row_max)) : known;
    line.exp = exp_account({known, online ? &maximum : nullptr}, grid_, points());
    if (line.exp) line.exp->format = exp_format().name;
  }
  /// Of the exponential: online, it is inside the stage that gives the softmax, and is not stored.
  const precision::Format& exp_format() const {
    const compressor::SlotArithmetic& arithmetic = plan_.at(forward(exponentiating()));
    return compressor::is_online(books_.recipe.softmax) ? arithmetic.compute : arithmetic.storage;
  }
  ExpPoints points() const { return exp_points(plan_.at(forward(exponentiating())), exp_format()); }

  void add_denominator(LedgerLine& line) const {
    line.denominator = denominator_account(stages_.known(forward(Name::denominator)), grid_);
    if (line.denominator) line.denominator->subtracts_maximum = books_.recipe.softmax != compressor::Softmax::naive;
  }

  /// A weight is 0 for sure where exp (of a difference), the quotient or the cast rounds to 0: the nearest decides.
  double needed_gap() const {
    double needed = HUGE_VAL;
    for (const Name name : {Name::softmax, Name::weights})
      needed = std::min(needed, -exp_zero_below(plan_.at(forward(name)).storage));
    return books_.recipe.softmax == compressor::Softmax::naive ? needed : std::min(needed, -points().zero_below);
  }

  /// Before the accounts of the weights and of pooled, which both tell what they cost.
  void find_zeroed_weights() {
    const LedgerLine* const line = line_of(forward(Name::weights));
    if (line == nullptr || line->zero == 0 || !is_known(forward(Name::logits)) || !may_have_lost_weights()) return;
    const Tensor logits = stages_.known(forward(Name::logits));
    zeroed_ =
        zeroed_weights({books_.tape.find(line->slot)->tensor, logits, pad_role()}, grid_, books_.replayer.threads());
  }

  const LedgerLine* line_of(Slot slot) const {
    const auto line =
        std::find_if(lines_.begin(), lines_.end(), [&](const LedgerLine& one) { return one.slot == slot; });
    return line == lines_.end() ? nullptr : &*line;
  }

  void add_weights(LedgerLine& line) const {
    const Tensor& weights = books_.tape.find(line.slot)->tensor;
    const bool has_logits = is_known(forward(Name::logits));
    const Tensor logits = has_logits ? stages_.known(forward(Name::logits)) : weights;
    const bool has_softmax = is_known(forward(Name::softmax));
    const Tensor softmax = has_softmax ? stages_.known(forward(Name::softmax)) : weights;
    line.mass = mass_account({weights, has_softmax ? &softmax : nullptr, zeroed_}, grid_);
    if (has_logits) line.pads = pad_account(weights, logits, grid_, needed_gap());
  }

  void add_pooled(LedgerLine& line) const {
    const Record* truth = books_.truth.find(line.slot);
    if (line.slot != forward(Name::pooled) || zeroed_.empty() || truth == nullptr || !is_known(forward(Name::values)))
      return;
    const Tensor values = stages_.known(forward(Name::values));
    line.pooled = pooled_account({zeroed_, values, books_.tape.find(line.slot)->tensor, truth->tensor}, grid_);
  }

  /// Zeros that are all inherited from logits of -inf cost nothing.
  bool may_have_lost_weights() const {
    for (const Name name : {Name::exp, Name::softmax, Name::weights}) {
      if (!books_.replayer.graph().computes(forward(name))) continue;
      const LedgerLine* const line = line_of(forward(name));
      if (line == nullptr || line->became_zero != 0U) return true;
    }
    return false;
  }

  PadRole pad_role() const {
    if (compressor::skips_pads(books_.recipe.softmax, plan_.pad())) return PadRole::left_out;
    return books_.recipe.softmax == compressor::Softmax::where_post ? PadRole::masked : PadRole::counted;
  }

  const Books& books_;
  const compressor::Plan& plan_;
  const compressor::Config& config_;
  ExactStages stages_;
  const WindowGrid& grid_;
  std::vector<LedgerLine> lines_;
  std::vector<ZeroedWeight> zeroed_;  ///< of the run's weights
};

}  // namespace

std::vector<LedgerLine> keep_ledger(const Books& books) {
  const compressor::Config& config = books.replayer.plan().config();
  if (config.batch * config.windows() == 0) return {};
  return Ledger(books).run();
}

}  // namespace ulpscope::judge
