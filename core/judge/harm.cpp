// SPDX-License-Identifier: Apache-2.0
// The slots behind a birth, computed with the strays and without.
#include "core/judge/harm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/compressor/run.hpp"
#include "core/io/error.hpp"
#include "core/judge/ledger_rows.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Direction;
using compressor::Name;
using compressor::Slot;
using compressor::Tensor;

/// A stray there is harm: gradients too, though a later stage may clear them.
bool is_harm(Slot slot) { return slot.direction == Direction::backward || slot.name == Name::output; }

class Aftermath {
 public:
  Aftermath(const Births& births, const Complaint& complaint) : births_(births), from_(complaint.group.slot) {
    reached_[from_.index()] = true;
    for (const PathStep& step : complaint.path) {
      reached_[step.slot.index()] = true;
      does_harm_ = does_harm_ || is_harm(step.slot);
    }
    does_harm_ = does_harm_ || is_harm(from_);
  }

  std::optional<std::string> why_harmless() const {
    if (does_harm_) return std::nullopt;
    std::string readers;
    bool held = true;
    for (const Slot slot : births_.graph().order()) {
      if (reached_[slot.index()] || !reads_reached(slot)) continue;
      held = held && births_.tape().has(slot);
      if (!births_.tape().has(slot)) continue;
      if (!is_same(slot)) return std::nullopt;
      readers += (readers.empty() ? "" : ", ") + compressor::to_string(slot);
    }
    if (readers.empty() || (!held && !ends_well())) return std::nullopt;
    return fmt::format("none needed: without it the same numbers are in all that reads it ({})", readers);
  }

 private:
  bool reads_reached(Slot slot) const {
    const auto& reads = births_.graph().reads(slot);
    return std::any_of(reads.begin(), reads.end(), [&](Slot read) { return reached_[read.index()]; });
  }

  bool is_same(Slot slot) const {
    const Tensor with = births_.computed(slot, births_.suspect().problem, births_.reads(slot));
    const Tensor without = births_.computed(slot, births_.sound_problem(), births_.sound_reads(slot));
    const Values a(with);
    const Values b(without);
    for (std::size_t i = 0; i < with.size(); ++i) {
      if (!(a[i] == b[i])) return false;
    }
    return true;
  }

  /// Whether the recipe, run on from what the suspect holds, has no stray in the output and none in a gradient.
  bool ends_well() const {
    compressor::RunOptions options;
    options.threads = births_.threads();
    options.gradients = compressor::Gradients::all;
    const auto& [problem, recipe, tape, truth] = births_.suspect();
    try {
      const auto run = compressor::run_pinned(problem, recipe, births_.tape(), options);
      const Strays strays = strays_of(run, truth, births_.threads());
      return std::none_of(strays.begin(), strays.end(), [](const auto& one) { return is_harm(one.first); });
    } catch (const InputError&) {
      return false;
    }
  }

  const Births& births_;
  Slot from_;
  std::array<bool, compressor::slot_count> reached_{};
  bool does_harm_ = false;
};

}  // namespace

std::optional<std::string> why_harmless(const Births& births, const Complaint& complaint) {
  return Aftermath(births, complaint).why_harmless();
}

}  // namespace ulpscope::judge
