// SPDX-License-Identifier: Apache-2.0
// One clause for each account that a line holds, joined.
#include "core/judge/ledger_sentence.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/judge/text_table.hpp"

namespace ulpscope::judge {
namespace {

using compressor::forward;
using compressor::Name;

using Clauses = std::vector<std::string>;

/// Less than fp64 sees beside 1 is not worth a word.
constexpr double negligible = 0x1p-53;

std::string causes_text(const LedgerLine& line, Effect effect) {
  std::string text;
  for (const Cause& cause : line.causes) {
    if (cause.effect == effect)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", to_string(cause.mechanism), cause.count);
  }
  return text;
}

/// Where gradients are lost, and what they are wanted for; not what only moves them.
bool is_telling_gradient(compressor::Slot slot) {
  if (slot.direction == compressor::Direction::forward) return false;
  return compressor::is_input(slot.name) || slot.name == Name::logits || slot.name == Name::values;
}

void add_zeros(Clauses& clauses, const LedgerLine& line) {
  const std::uint64_t zeros = line.became_zero.value_or(0) - line.at_pads;
  if (zeros != 0) {
    std::string text = fmt::format("{} of {} values become 0 ({})", zeros, line.count, causes_text(line, Effect::zero));
    if (line.at_pads != 0) text += fmt::format(", and {} in slots without a token", line.at_pads);
    if (line.lost_here > negligible)
      text += fmt::format("; they are {} of the slot's norm", short_number(line.lost_here));
    clauses.push_back(std::move(text));
  }
  const std::string subnormal = causes_text(line, Effect::subnormal);
  if (!subnormal.empty()) clauses.push_back(fmt::format("subnormal, with fewer bits: {}", subnormal));
  if (line.saturated != 0) clauses.push_back(fmt::format("{} are clamped to the largest number", line.saturated));
  if (is_telling_gradient(line.slot) && line.lost > negligible)
    clauses.push_back(fmt::format("0 where the truth is not: {} elements, {} of its norm", line.underflowed,
                                  short_number(line.lost)));
}

void add_mass(Clauses& clauses, const MassAccount& mass) {
  if (mass.flushed > negligible)
    clauses.push_back(fmt::format("weights that are 0 held at most {} of a row ({})", short_number(mass.flushed),
                                  mass.flushed_at.place));
  std::string text =
      fmt::format("1 - sum of weights is {} in the worst row ({})", short_number(mass.lost), mass.at.place);
  if (!std::isnan(mass.before_cast)) text += fmt::format(", {} there before the cast", short_number(mass.before_cast));
  clauses.push_back(text + fmt::format(", {} rms", short_number(mass.rms)));
}

void add_pads(Clauses& clauses, const PadAccount& pads) {
  if (pads.mass != 0)
    clauses.push_back(
        fmt::format("pads, slots {} of {}, hold a mass of {}", pads.slots, pads.at.place, short_number(pads.mass)));
  if (std::isinf(pads.gap)) {
    clauses.push_back("pads are -inf, and their weight is 0 in every format");
    return;
  }
  const std::string stand =
      pads.gap >= 0 ? fmt::format("pads of {:.9g} stand {:.6g} below the maximum at the nearest ({})", pads.pad,
                                  pads.gap, pads.nearest.place)
                    : fmt::format("pads of {:.9g} stand {:.6g} above the largest logit of a token at the worst ({})",
                                  pads.pad, -pads.gap, pads.nearest.place);
  if (std::isinf(pads.needed)) {
    clauses.push_back(stand + "; no gap makes their weight 0 for sure");
    return;
  }
  const double margin = pads.gap - pads.needed;
  clauses.push_back(fmt::format("{}; {:.6g} below it make their weight 0 for sure: {} by {:.4g}", stand, pads.needed,
                                margin >= 0 ? "clear of the cliff" : "short", std::fabs(margin)));
}

void add_bias(Clauses& clauses, const BiasAccount& bias, std::uint64_t absorbed) {
  std::string text = fmt::format("{:.1f} of the {} bits of ape are lost in the sum, {:.1f} in channel {}",
                                 bias.bits_lost, bias.precision, bias.worst_lost, bias.worst);
  if (absorbed != 0) text += fmt::format("; {} of {} sums are the gate alone", absorbed, bias.count);
  clauses.push_back(std::move(text));
}

void add_exp(Clauses& clauses, const ExpAccount& exp) {
  if (std::isinf(exp.zero_below)) {
    clauses.push_back(fmt::format("the lowest argument of exp is {:.4g} ({}); {} never gives 0 for sure", exp.lowest,
                                  exp.at.place, exp.format));
    return;
  }
  const double room = exp.lowest - exp.zero_below;
  clauses.push_back(fmt::format("the lowest argument of exp is {:.4g} ({}); {} gives 0 at {:.4g}: {} {:.3g}",
                                exp.lowest, exp.at.place, exp.format, exp.zero_below,
                                room > 0 ? "room" : "beyond it by", std::fabs(room)));
}

void add_pooled(Clauses& clauses, const PooledAccount& pooled) {
  if (!(pooled.rms_rel > negligible)) return;
  std::string text = fmt::format("weights that are 0 would have added {} of its norm", short_number(pooled.rms_rel));
  if (pooled.share) text += fmt::format(", {:.2g}% of its error", 100 * *pooled.share);
  clauses.push_back(std::move(text));
}

const LedgerLine* line_of(const std::vector<LedgerLine>& lines, Name name) {
  for (const LedgerLine& line : lines) {
    if (line.slot == forward(name)) return &line;
  }
  return nullptr;
}

/// What a softmax loses beside its denominator.
std::string real_losses(const std::vector<LedgerLine>& lines) {
  Clauses losses;
  if (const LedgerLine* logits = line_of(lines, Name::logits); logits != nullptr && logits->logits)
    losses.push_back(fmt::format("logits are off by {} (rms, at most {}), a weight's relative error",
                                 short_number(logits->logits->rms), short_number(logits->logits->worst)));
  for (const Name name : {Name::biased, Name::logits}) {
    const LedgerLine* sum = line_of(lines, name);
    if (sum != nullptr && sum->bias)
      losses.push_back(
          fmt::format("{:.1f} of {} bits of the bias are absorbed", sum->bias->bits_lost, sum->bias->precision));
  }
  if (const LedgerLine* weights = line_of(lines, Name::weights); weights != nullptr && weights->mass)
    losses.push_back(fmt::format("rounded weights miss 1 by {} (rms)", short_number(weights->mass->rms)));
  std::string text;
  for (const std::string& loss : losses) text += (text.empty() ? "" : "; ") + loss;
  return text;
}

void add_denominator(Clauses& clauses, const LedgerLine& line, const std::vector<LedgerLine>& lines) {
  const DenominatorAccount& found = *line.denominator;
  if (!found.subtracts_maximum) {
    clauses.push_back(fmt::format(
        "the maximum is not subtracted, so nothing keeps the denominator from underflow or overflow: smallest {}",
        short_number(found.smallest)));
    return;
  }
  if (found.below_one != 0) {
    clauses.push_back(fmt::format("{} denominators are below 1, smallest {}, though the maximum is subtracted",
                                  found.below_one, short_number(found.smallest)));
    return;
  }
  const std::string losses = real_losses(lines);
  clauses.push_back(fmt::format(
      "the denominator is >= 1 because the maximum is subtracted (smallest {:.6g}) and cannot underflow{}{}",
      found.smallest, losses.empty() ? "" : "; what is lost instead: ", losses));
}

}  // namespace

std::string sentence_of(const LedgerLine& line, const std::vector<LedgerLine>& lines) {
  Clauses clauses;
  add_zeros(clauses, line);
  if (line.mass) add_mass(clauses, *line.mass);
  if (line.pads) add_pads(clauses, *line.pads);
  if (line.bias) add_bias(clauses, *line.bias, line.absorbed);
  if (line.exp) add_exp(clauses, *line.exp);
  if (line.pooled) add_pooled(clauses, *line.pooled);
  if (line.denominator) add_denominator(clauses, line, lines);
  std::string text;
  for (const std::string& clause : clauses) text += (text.empty() ? "" : "; ") + clause;
  return text;
}

}  // namespace ulpscope::judge
