// SPDX-License-Identifier: Apache-2.0
// Each tensor's rows written over those of the slot that it is cut from.
#include "core/judge/decode_births.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "core/compressor/run.hpp"
#include "core/io/names.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Name;
using compressor::Record;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;

bool holds_strays(const Row& row) {
  return !row.tensor.empty() && row.metrics &&
         row.metrics->classes.nan + row.metrics->classes.pos_inf + row.metrics->classes.neg_inf != 0;
}

/// What the slot holds before any tensor is written over it.
Record base_of(Slot slot, const Suspect& suspect, unsigned threads) {
  if (const Record* const own = suspect.tape.find(slot)) return *own;
  compressor::RunOptions options;
  options.threads = threads;
  const auto made = compressor::run_from(suspect.problem, suspect.recipe, {suspect.tape, {slot}}, options);
  return *made.tape.find(slot);
}

/// Rows from `first` on of every batch row.
class Rows {
 public:
  Rows(const Tensor& whole, const Tensor& part, std::size_t first) : part_(part) {
    const std::size_t width = whole.shape.back();
    size_ = part.shape[1] * width;
    stride_ = whole.shape[1] * width;
    offset_ = first * width;
  }
  /// act(index in the whole, value)
  template <class F>
  void for_each(F act) const {
    for (std::size_t i = 0; i < part_.size(); ++i) act(i / size_ * stride_ + offset_ + i % size_, part_.at(i));
  }

 private:
  const Tensor& part_;
  std::size_t size_ = 0;
  std::size_t stride_ = 0;
  std::size_t offset_ = 0;
};

/// The slot with the tensors' rows.
Tensor overwritten(const Tensor& base, const std::vector<Tensor>& parts, std::size_t first) {
  std::vector<double> values = compressor::to_doubles(base);
  for (const Tensor& part : parts)
    Rows(base, part, first).for_each([&](std::size_t i, double value) { values[i] = value; });
  for (const Tensor& part : parts) {
    Rows(base, part, first).for_each([&](std::size_t i, double value) {
      if (!std::isfinite(value)) values[i] = value;
    });
  }
  return {base.shape, std::move(values), io::DType::f64};
}

}  // namespace

Tape with_decoded_strays(RunReport& report, const Suspect& suspect, const Dump& dump, unsigned threads) {
  std::map<Slot, std::vector<Tensor>> parts;
  std::map<Slot, std::vector<std::string>> names;
  for (const Row& row : report.rows) {
    if (!holds_strays(row)) continue;
    parts[row.slot].push_back(compressor::tensor_from_file(dump.others.at(row.tensor)));
    names[row.slot].push_back(row.tensor);
  }
  Tape tape = suspect.tape;
  const std::size_t taken = suspect.problem.config.windows() * suspect.problem.config.ratio;
  for (const auto& [slot, tensors] : parts) {
    const Record base = base_of(slot, suspect, threads);
    tape.set(slot, overwritten(base.tensor, tensors, slot.name == Name::output ? 0 : taken), base.format);
    report.notes.push_back(fmt::format("what is not finite in {} is certified as rows of {}", io::listed(names[slot]),
                                       compressor::to_string(slot)));
  }
  return tape;
}

}  // namespace ulpscope::judge
