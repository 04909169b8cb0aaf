// SPDX-License-Identifier: Apache-2.0
// Running recipes: whole runs, partial runs from given slots, replay. One call each.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"

namespace ulpscope::compressor {

namespace kernels {
struct Provider;
}
class Plan;

enum class Gradients : std::uint8_t { none, all };

/// Changes one slot right after it was computed (mutants, planted faults).
using Override = std::function<void(Tensor&)>;

struct RunOptions {
  Gradients gradients = Gradients::all;
  unsigned threads = 1;
  std::string simd;                             ///< "" = the best level; "scalar", "v2", "v3", "v4"
  const kernels::Provider* provider = nullptr;  ///< whose kernels run; null: this processor's, at level `simd`
  std::size_t block_windows = 0;  ///< fused: windows per block; 0: about 2048 tokens. Bits do not depend on it
  std::map<Slot, Override> overrides;
  const Plan* plan = nullptr;  ///< of this recipe on this problem's config, where the caller has it: many small runs
};

struct Run {
  Tape tape;
  Recipe recipe;
  Config config;        ///< effective: minus the omitted stages
  std::string backend;  ///< who computed it
  std::string kind;     ///< "float", "double", "emulated over float", "emulated over double"
};

/// Every slot on the tape.
Run run_traced(const Problem& problem, const Recipe& recipe, const RunOptions& options);
/// Only output and the gradients of inputs; window block by window block, working memory independent of S. Bits equal
/// the traced run's.
Run run_fused(const Problem& problem, const Recipe& recipe, const RunOptions& options);

/// Computes `wanted` from `given` (slots that a tape or dump holds; a slot both given and wanted is recomputed from the
/// others). What is neither given nor wanted but needed is computed on the way, from its nearest given slots.
struct Partial {
  const Tape& given;
  std::vector<Slot> wanted;
};
struct PartialResult {
  Tape tape;                               ///< the wanted slots
  std::map<Slot, std::vector<Slot>> from;  ///< wanted slot -> the given slots it was computed from
};
PartialResult run_from(const Problem& problem, const Recipe& recipe, const Partial& partial, const RunOptions& options);
/// All later slots when `given` (the first k slots in program order, say) hold these values: for given slots, nothing
/// is recomputed.
Tape run_pinned(const Problem& problem, const Recipe& recipe, const Tape& given, const RunOptions& options);

/// Forward then backward; kv before gate. The order of pinning, of reports, of "first stage that ...".
std::vector<Slot> program_order(const Problem& problem, const Recipe& recipe);
/// Throws InputError: the recipe refuses tokens behind the last whole window.
void require_whole_windows(const Config& config, const Recipe& recipe);
/// The format in which a recipe stores a slot.
precision::Format storage_format(Slot slot, const Recipe& recipe, const Config& config);

/// Problem judged under another config (a dump that carries its own); inputs stay.
Problem with_config(const Problem& problem, const Config& config);

}  // namespace ulpscope::compressor
