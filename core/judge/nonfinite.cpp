// SPDX-License-Identifier: Apache-2.0
// From groups of births to certificates: operation, operands, path, mask, cure.
#include "core/judge/nonfinite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/compressor/element_record.hpp"
#include "core/compressor/evaluate.hpp"
#include "core/judge/cures.hpp"
#include "core/judge/layout.hpp"
#include "core/judge/ledger_rows.hpp"
#include "precision/ulp.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Direction;
using compressor::Name;
using compressor::Slot;

constexpr std::size_t most_rows = 8;
/// Recorded numbers are 16 bytes each: operands of a stage beyond this many are not recorded.
constexpr std::size_t most_recorded = std::size_t{1} << 26;

class Certifier {
 public:
  Certifier(const Births& births, Cures cures)
      : births_(births),
        cures_(cures),
        padded_(compressor::padded_slots(births.suspect().problem, births.plan().config(), births.suspect().recipe)) {}

  /// Gives how many births found no room.
  std::size_t certify(const BirthGroup& group, Nonfinite& out) const {
    std::string cure;
    std::size_t left_out = 0;
    for (const IndexRanges& elements : rows_of(group)) {
      if (out.certificates.size() == most_certificates) {
        left_out += elements.size();
        continue;
      }
      BirthCertificate certificate = placed(group, elements);
      describe(group, certificate);
      certificate.path = path_of(group.slot);
      certificate.masked_by = mask_of(group.slot, certificate.path);
      if (cures_ == Cures::run && elements.front() == group.elements.front()) {  // one cure is run for all of the group
        const Complaint complaint{group, births_.plan().writer(group.slot), certificate.birth_class, certificate.path};
        cure = find_cure(births_, complaint).value_or("");
      }
      certificate.cure = cure;
      out.certificates.push_back(std::move(certificate));
    }
    note_truth(group, out);
    note_infinities(group, out);
    return left_out;
  }

 private:
  const compressor::Tensor& tensor_of(Slot slot) const {
    const compressor::Record* record = births_.tape().find(slot);
    return record != nullptr ? record->tensor : births_.suspect().problem.input(slot.name);
  }
  Layout layout(Slot slot) const { return layout_of(slot, tensor_of(slot).shape, births_.plan().config()); }

  /// The group's elements by row, where there are few rows; else all of them together.
  std::vector<IndexRanges> rows_of(const BirthGroup& group) const {
    const std::size_t channels = layout(group.slot).channels;
    std::vector<IndexRanges> rows;
    std::size_t row = 0;
    for (const IndexRanges::Range& range : group.elements.ranges()) {
      for (std::size_t first = range.first; first < range.last; first = std::min(range.last, (row + 1) * channels)) {
        if (rows.empty() || first / channels != row) rows.emplace_back();
        if (rows.size() > most_rows) return {group.elements};
        row = first / channels;
        rows.back().add(first, std::min(range.last, (row + 1) * channels));
      }
    }
    return rows;
  }

  BirthCertificate placed(const BirthGroup& group, const IndexRanges& elements) const {
    BirthCertificate certificate;
    certificate.slot = group.slot;
    certificate.stage = compressor::to_string(births_.plan().writer(group.slot));
    certificate.index = elements.front();
    certificate.count = elements.size();
    const Layout shape = layout(group.slot);
    const Place place = place_of(certificate.index, shape);
    if (shape.windows != 0) certificate.window = place.window;
    if (compressor::has_window_rows(group.slot.name)) certificate.softmax_slot = place.slot_index;
    if (shape.has_channels) certificate.channel = place.channel;
    return certificate;
  }

  void describe(const BirthGroup& group, BirthCertificate& certificate) const {
    if (group.origin == Origin::input) return describe_input(group, certificate);
    const compressor::OperationRecord operation = recorded(group, certificate.index);
    certificate.operation = operation.name == "constant" && group.at_pad ? "pad" : operation.name;
    certificate.birth_class = operation.birth_class;
    if (certificate.operation == "pad") certificate.birth_class = "from pad";
    if (group.origin == Origin::foreign) certificate.birth_class = group.at_pad ? "from pad" : "not from the recipe";
    if (certificate.birth_class.empty()) certificate.birth_class = std::isnan(group.value) ? "nan" : "overflow";
    for (const auto& operand : operation.operands)
      certificate.operands.push_back({operand.value, precision::hex(operand.value, operand.format)});
  }

  /// The input holds it, or its rounding makes it.
  void describe_input(const BirthGroup& group, BirthCertificate& certificate) const {
    const double given = births_.suspect().problem.input(group.slot.name).at(certificate.index);
    certificate.operation = std::isfinite(given) ? "round" : "input";
    certificate.birth_class = std::isfinite(given) ? "overflow" : "from input";
    certificate.operands.push_back({given, precision::hex(given, precision::parse_format("fp64"))});
  }

  /// The operation behind an element: the first that is not finite, of sound operands; else the recipe's last, of the
  /// run's own.
  compressor::OperationRecord recorded(const BirthGroup& group, std::size_t index) const {
    const bool arithmetic = group.origin == Origin::arithmetic;
    const compressor::Tape reads = arithmetic ? births_.sound_reads(group.slot) : births_.reads(group.slot);
    const auto& problem = arithmetic ? births_.sound_problem() : births_.suspect().problem;
    std::size_t size = 0;
    for (const Slot read : births_.graph().reads(group.slot)) size += tensor_of(read).size();
    if (size > most_recorded) return {"not recorded: its stage reads too many values", group.value, {}, ""};
    const auto record = compressor::record_element(problem, births_.suspect().recipe, reads, {group.slot, index});
    return arithmetic && record.birth ? *record.birth : record.last;
  }

  /// Later slots that hold strays and read the birth's slot, or one of these.
  std::vector<PathStep> path_of(Slot from) const {
    std::vector<PathStep> path;
    std::array<bool, compressor::slot_count> reached{};
    reached[from.index()] = true;
    for (const Slot slot : births_.graph().order()) {
      const auto strays = births_.strays().find(slot);
      if (strays == births_.strays().end() || reached[slot.index()]) continue;
      if (!reads_any(slot, reached)) continue;
      reached[slot.index()] = true;
      path.push_back({slot, strays->second.size()});
    }
    return path;
  }

  bool reads_any(Slot slot, const std::array<bool, compressor::slot_count>& reached) const {
    const auto& reads = births_.graph().reads(slot);
    return std::any_of(reads.begin(), reads.end(), [&](Slot read) { return reached[read.index()]; });
  }

  static bool is_result(Slot slot, Direction direction) {
    if (slot.direction != direction) return false;
    return direction == Direction::forward ? slot.name == Name::output : compressor::is_input(slot.name);
  }

  /// Infinities in slots that hold a token: the truth's too where they are no strays.
  std::size_t infinities(Slot slot) const {
    const compressor::Tensor& tensor = tensor_of(slot);
    const Values values(tensor);
    const bool rows = compressor::has_window_rows(slot.name);
    const std::size_t channels = births_.plan().config().head_dim;
    std::size_t found = 0;
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      if (std::isinf(values[i])) found += !rows || padded_[i / channels] == 0;
    }
    return found;
  }

  /// Where the path of the birth's direction ends short of a result: the first slot after it that reads it and is
  /// sound. One that is infinite in the truth too passes an infinity on.
  std::string mask_of(Slot from, const std::vector<PathStep>& path) const {
    std::array<bool, compressor::slot_count> reached{};
    Slot last = from;
    reached[from.index()] = true;
    for (const PathStep& step : path) {
      if (step.slot.direction != from.direction) continue;
      if (is_result(step.slot, from.direction)) return "";
      reached[step.slot.index()] = true;
      last = step.slot;
    }
    if (is_result(from, from.direction)) return "";
    bool beyond = births_.tape().find(last) == nullptr;  // an input stands before every slot of the order
    for (const Slot slot : births_.graph().order()) {
      const bool sound = births_.tape().has(slot) && !births_.strays().contains(slot);
      if (beyond && sound && slot.direction == from.direction && reads_any(slot, reached))
        return infinities(slot) == 0 ? compressor::to_string(slot) : "";
      beyond = beyond || slot == last;
    }
    return "";
  }

  /// Births that exact arithmetic has too. (Where the truth's gradients are NaN, its own forward pass may be why.)
  void note_truth(const BirthGroup& group, Nonfinite& out) const {
    const compressor::Record* truth = births_.suspect().truth.find(group.slot);
    if (truth == nullptr || group.slot.direction == Direction::backward) return;
    if (!std::isnan(group.value)) return;
    const std::size_t undefined =
        group.elements.where([&](std::size_t i) { return std::isnan(truth->tensor.at(i)); }).size();
    if (undefined == 0) return;
    out.notes.push_back(
        fmt::format("{} of the {} births in {} are NaN in the truth too: exact arithmetic has no number there",
                    undefined, group.elements.size(), compressor::to_string(group.slot)));
  }

  /// An infinite input makes infinities that are no strays: what is behind it is said here.
  void note_infinities(const BirthGroup& group, Nonfinite& out) const {
    if (group.origin != Origin::input || !std::isinf(group.value)) return;
    std::array<bool, compressor::slot_count> reached{};
    reached[group.slot.index()] = true;
    std::string slots;
    for (const Slot slot : births_.graph().order()) {
      const bool sound = births_.tape().has(slot) && !births_.strays().contains(slot);
      if (!sound || slot.direction == Direction::backward || !reads_any(slot, reached)) continue;
      const std::size_t count = infinities(slot);
      if (count == 0) continue;
      reached[slot.index()] = true;
      slots += fmt::format("{}{} ({})", slots.empty() ? "" : ", ", compressor::to_string(slot), count);
    }
    if (!slots.empty())
      out.notes.push_back(fmt::format("behind {} the truth is infinite too, which is no birth: {}",
                                      compressor::to_string(group.slot), slots));
  }

  const Births& births_;
  Cures cures_;
  std::vector<std::uint8_t> padded_;
};

}  // namespace

bool has_strays(const std::vector<Row>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const Row& row) {
    if (!row.metrics) return false;
    const Classes& classes = row.metrics->classes;
    return classes.nan != 0 || (classes.class_mismatch != 0 && classes.pos_inf + classes.neg_inf != 0);
  });
}

Nonfinite certify(const Suspect& suspect, unsigned threads, Cures cures) {
  const Births births(suspect, threads);
  const Certifier certifier(births, cures);
  Nonfinite out;
  std::string slots;
  std::size_t count = 0;
  for (const BirthGroup& group : births.groups()) {
    const std::size_t left_out = certifier.certify(group, out);
    if (left_out == 0) continue;
    count += left_out;
    slots += (slots.empty() ? "" : " ") + compressor::to_string(group.slot);
  }
  if (count != 0)
    out.notes.push_back(
        fmt::format("{} more births of values that are not finite are not certified, in {}", count, slots));
  return out;
}

}  // namespace ulpscope::judge
