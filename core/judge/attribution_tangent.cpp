// SPDX-License-Identifier: Apache-2.0
// The second opinion: local errors pushed through the derivative, which dual numbers carry.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/compressor/evaluate_dual.hpp"
#include "core/judge/attribution_bench.hpp"

namespace ulpscope::judge {
namespace {

using compressor::DoubleDual;
using compressor::Slot;
using Doubles = std::vector<double>;

class Tangent {
 public:
  explicit Tangent(const AttributionBench& bench) : bench_(bench), truth_(bench.fp64_truth()) {}

  std::vector<Part> parts() const {
    std::vector<Part> parts;
    std::array<bool, compressor::slot_count> known{};
    for (const Slot slot : bench_.present()) {
      parts.push_back({slot, owner_of(slot, known, bench_.graph(), bench_.plan()), {}});
      known[slot.index()] = true;
      const Doubles local = local_error(slot);
      if (std::all_of(local.begin(), local.end(), [](double x) { return x == 0; })) continue;
      parts.back().value = pushed(slot, local);
    }
    return parts;
  }

 private:
  /// 0 where it is not finite, and beyond the rows that a partial dump holds.
  Doubles local_error(Slot slot) const {
    const Evidence& evidence = bench_.evidence();
    const Enclosure stage = std::move(
        evidence.exact.run({evidence.problem, bench_.suffix(), evidence.run, {slot}, evidence.threads}).at(slot));
    Doubles local = difference(enclosure_of(evidence.run.find(slot)->tensor), stage).value;
    const bool partial = evidence.partial != nullptr && evidence.partial->contains(slot);
    const std::size_t rows = partial ? evidence.partial->at(slot)[1] : 0;
    for (std::size_t i = 0; i < local.size(); ++i) {
      const bool held = !partial || i / stage.shape[2] % stage.shape[1] < rows;
      if (!held || !std::isfinite(local[i])) local[i] = 0;
    }
    return local;
  }

  std::vector<DoubleDual> duals(Slot slot, const Doubles& derivative) const {
    const compressor::Tensor& value = truth_.find(slot)->tensor;
    std::vector<DoubleDual> out(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) out[i] = {value.at(i), derivative.empty() ? 0 : derivative[i]};
    return out;
  }

  Difference pushed(Slot slot, const Doubles& local) const {
    if (slot == bench_.target()) return at_target(local);
    std::array<bool, compressor::slot_count> known = bench_.moved_by(slot);
    if (!known[bench_.target().index()]) return {};
    known[slot.index()] = false;
    for (const Slot each : bench_.graph().order()) known[each.index()] = !known[each.index()];
    compressor::Values<DoubleDual> given;
    for (const Slot leaf : bench_.graph().need({bench_.target()}, known).leaves) {
      if (known[leaf.index()]) given[leaf] = duals(leaf, leaf == slot ? local : Doubles{});
    }
    const Evidence& evidence = bench_.evidence();
    const auto found = compressor::differentiate_double(evidence.problem, bench_.suffix(), given,
                                                        {{bench_.target()}, evidence.threads});
    Doubles derivative;
    for (const DoubleDual& value : found.at(bench_.target())) derivative.push_back(value.derivative);
    return at_target(std::move(derivative));
  }

  /// Cut to what the run holds of the target.
  Difference at_target(Doubles values) const {
    Enclosure whole{truth_.find(bench_.target())->tensor.shape, std::move(values), {}, {}};
    crop(whole, bench_.run().shape);
    return {std::move(whole.value), {}};
  }

  const AttributionBench& bench_;
  compressor::Tape truth_;
};

}  // namespace

Attribution attribute_by_tangent(const Evidence& evidence, Slot target) {
  const AttributionBench bench(evidence, target);
  return attribution_of(bench, Tangent(bench).parts());
}

}  // namespace ulpscope::judge
