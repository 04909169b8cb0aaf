// SPDX-License-Identifier: Apache-2.0
// Overrides with other slots in sight.
#include "core/judge/mutant_plants.hpp"

#include <memory>

#include "precision/round_array.hpp"

namespace ulpscope::judge::plants {
namespace {

using compressor::Override;
using compressor::Slot;
using compressor::Tensor;

/// What already happens to the slot, then `next`.
void add(Planted& planted, Slot slot, Override next) {
  Override& here = planted.overrides[slot];
  here = [before = std::move(here), next = std::move(next)](Tensor& tensor) {
    if (before) before(tensor);
    next(tensor);
  };
}

}  // namespace

void change(Planted& planted, Slot slot, Change change, std::initializer_list<Slot> seen) {
  planted.changed.insert(slot);
  const auto values = std::make_shared<Seen>();
  for (const Slot other : seen)
    add(planted, other, [values, other](Tensor& tensor) { (*values)[other] = compressor::to_doubles(tensor); });
  precision::Format format = compressor::storage_format(slot, planted.recipe, planted.problem.config);
  if (format.mode == precision::RoundingMode::stochastic) format.mode = precision::RoundingMode::nearest_even;
  add(planted, slot, [values, change = std::move(change), format](Tensor& tensor) {
    std::vector<double> changed = compressor::to_doubles(tensor);
    change(changed, *values);
    precision::round_array(changed, changed, format);
    tensor.data = std::move(changed);
  });
}

}  // namespace ulpscope::judge::plants
