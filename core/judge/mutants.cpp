// SPDX-License-Identifier: Apache-2.0
// The table of mutants.
#include "core/judge/mutants.hpp"

#include <array>

#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/mutant_plants.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Config;
using compressor::Name;
using compressor::Problem;
using compressor::Stage;

std::string_view no_overlap(const Problem&, const Config& c) { return c.overlap ? "" : "overlapping windows"; }
std::string_view no_rope(const Problem&, const Config& c) { return c.rope ? "" : "RoPE"; }
std::string_view no_yarn(const Problem&, const Config& c) { return c.rope && c.rope->yarn ? "" : "YaRN"; }
std::string_view no_norm(const Problem&, const Config& c) { return c.norm ? "" : "norm"; }
std::string_view no_mask(const Problem& p, const Config&) {
  return p.has(Name::attention_mask) ? "" : "attention_mask";
}
std::string_view no_segments(const Problem& p, const Config&) { return p.has(Name::segment_ids) ? "" : "segment_ids"; }
std::string_view one_entry(const Problem&, const Config& c) { return c.windows() > 1 ? "" : "second entry"; }
std::string_view one_token(const Problem&, const Config& c) { return c.seq > 1 ? "" : "second token"; }

constexpr std::array table{
    Mutant{"kv_and_gate_swapped", Stage::project_kv, "w_kv and w_gate change places", nullptr,
           plants::kv_and_gate_swapped},
    Mutant{"kv_halves_swapped", Stage::project_kv, "the feature halves of kv change places", no_overlap,
           plants::kv_halves_swapped},
    Mutant{"gate_halves_swapped", Stage::project_gate, "the feature halves of the gate change places", no_overlap,
           plants::gate_halves_swapped},
    Mutant{"one_token_late", Stage::project_kv, "token t reads what token t - 1 should", one_token,
           plants::one_token_late},
    Mutant{"fp8_hidden", Stage::project_kv, "the projections read hidden rounded to e4m3fn", nullptr,
           plants::fp8_hidden},
    Mutant{"mask_ignored", Stage::window, "masked tokens count", no_mask, plants::mask_ignored},
    Mutant{"segments_ignored", Stage::window, "windows reach across documents", no_segments, plants::segments_ignored},
    Mutant{"ape_missing", Stage::bias, "ape is never added", nullptr, plants::ape_missing},
    Mutant{"ape_bf16", Stage::bias, "ape was rounded to bf16", nullptr, plants::ape_bf16},
    Mutant{"ape_shifted", Stage::bias, "row r of a window gets row r + 1 of ape", nullptr, plants::ape_shifted},
    Mutant{"ape_halves_swapped", Stage::bias, "the feature halves of ape change places", no_overlap,
           plants::ape_halves_swapped},
    Mutant{"halves_swapped", Stage::window, "the halves of a window change places in values, not in logits", no_overlap,
           plants::halves_swapped},
    Mutant{"overlap_missing", Stage::window, "the previous window is padding everywhere", no_overlap,
           plants::overlap_missing},
    Mutant{"pad_gate_0", Stage::window, "the missing previous window has gate 0", no_overlap, plants::pad_gate_0},
    Mutant{"kv_nan_in_pad", Stage::window, "the missing previous window has NaN for kv", no_overlap,
           plants::kv_nan_in_pad},
    Mutant{"max_not_subtracted", Stage::softmax, "exp without the maximum subtracted", nullptr,
           plants::max_not_subtracted},
    Mutant{"softmax_bf16", Stage::softmax, "the softmax computes and adds in bf16", nullptr, plants::softmax_bf16},
    Mutant{"weights_bf16", Stage::softmax, "the weights are stored in bf16", nullptr, plants::weights_bf16},
    Mutant{"gate_ignored", Stage::softmax, "every slot of a window weighs the same", nullptr, plants::gate_ignored},
    Mutant{"pool_bf16", Stage::pool, "the weighted sum is added up in bf16", nullptr, plants::pool_bf16},
    Mutant{"channel_unwritten", Stage::pool, "the last channel is never written: 0", nullptr,
           plants::channel_unwritten},
    Mutant{"stale_entry", Stage::pool, "the last entry of a batch row repeats the one before", one_entry,
           plants::stale_entry},
    Mutant{"bit_flipped", Stage::pool, "one bit of one element flips, an eighth of its binade", nullptr,
           plants::bit_flipped},
    Mutant{"sum_of_squares", Stage::normalize, "the norm divides by the root of the sum, not of the mean", no_norm,
           plants::sum_of_squares},
    Mutant{"large_eps", Stage::normalize, "eps is ten times what it should be", no_norm, plants::large_eps},
    Mutant{"gamma_plus_one", Stage::scale, "the norm multiplies by 1 + gamma", no_norm, plants::gamma_plus_one},
    Mutant{"no_yarn", Stage::rotate, "RoPE without YaRN", no_yarn, plants::no_yarn},
    Mutant{"other_theta", Stage::rotate, "RoPE with the other kind of layer's theta", no_rope, plants::other_theta},
    Mutant{"frequencies_bf16", Stage::rotate, "RoPE's frequencies were rounded to bf16", no_rope,
           plants::frequencies_bf16},
    Mutant{"rope_at_index", Stage::rotate, "entry i is rotated as position i, not i * ratio", no_rope,
           plants::rope_at_index},
    Mutant{"rope_scaled", Stage::rotate, "cos and sin are multiplied by YaRN's 0.1 ln(factor) + 1", no_yarn,
           plants::rope_scaled},
    Mutant{"rope_backwards", Stage::rotate, "entries are rotated by the negative angle", no_rope,
           plants::rope_backwards},
    Mutant{"rope_half_split", Stage::rotate, "pairs are halves of the rotated channels, not neighbours", no_rope,
           plants::rope_half_split},
    Mutant{"rope_missing", Stage::rotate, "entries are not rotated", no_rope, plants::rope_missing},
    Mutant{"loss_scale_left", Stage::rotate, "gradients are 1024 times too large: the loss scale was left in", nullptr,
           plants::loss_scale_left},
    Mutant{"rope_gradient_not_inverse", Stage::rotate, "the backward pass rotates forward", no_rope,
           plants::rope_gradient_not_inverse},
    Mutant{"norm_gradient_straight", Stage::normalize, "the norm's gradient takes the norm for a constant", no_norm,
           plants::norm_gradient_straight},
    Mutant{"weights_constant", Stage::softmax, "no gradient passes through the softmax", nullptr,
           plants::weights_constant},
    Mutant{"shift_term_missing", Stage::softmax, "the softmax's gradient lacks the sum over the window", nullptr,
           plants::shift_term_missing},
    Mutant{"ape_gradient_mean", Stage::bias, "ape's gradient is a mean over windows, not a sum", one_entry,
           plants::ape_gradient_mean},
    Mutant{"overlap_gradient_lost", Stage::window, "no gradient reaches the previous window", no_overlap,
           plants::overlap_gradient_lost},
    Mutant{"hidden_gradient_of_kv", Stage::join_hidden, "hidden's gradient lacks the gate's branch", nullptr,
           plants::hidden_gradient_of_kv},
};

}  // namespace

std::span<const Mutant> mutants() { return table; }

const Mutant& mutant_named(std::string_view name) {
  std::vector<std::string> names;
  for (const Mutant& mutant : table) {
    if (mutant.name == name) return mutant;
    names.emplace_back(mutant.name);
  }
  throw InputError(io::unknown_name("mutant", std::string(name), names));
}

std::string reason_against(const Mutant& mutant, const Problem& problem, const compressor::Recipe& recipe) {
  if (mutant.lacks == nullptr) return "";
  const std::string_view lacking = mutant.lacks(problem, compressor::effective_config(problem.config, recipe));
  if (lacking.empty()) return "";
  return problem.source + " has no " + std::string(lacking) + " in recipe " + io::in_quotes(recipe.name);
}

namespace {

/// A run to be with the bug in it; `before` are changes that were asked for anyway.
Planted planted_in(const Problem& problem, const compressor::Recipe& recipe, const Mutant& mutant,
                   std::map<compressor::Slot, compressor::Override> before) {
  if (const std::string reason = reason_against(mutant, problem, recipe); !reason.empty())
    throw InputError("mutant " + io::in_quotes(mutant.name) + " has no place here: " + reason);
  Planted planted{problem, recipe, std::move(before)};
  planted.problem.config = compressor::effective_config(problem.config, recipe);
  mutant.plant(planted);
  return planted;
}

}  // namespace

compressor::Run run_mutant(const Problem& problem, const compressor::Recipe& recipe, const Mutant& mutant,
                           const compressor::RunOptions& options) {
  Planted planted = planted_in(problem, recipe, mutant, options.overrides);
  compressor::RunOptions with_bug = options;
  with_bug.overrides = std::move(planted.overrides);
  compressor::Run run = compressor::run_traced(planted.problem, planted.recipe, with_bug);
  run.recipe = recipe;
  run.config = compressor::effective_config(problem.config, recipe);
  return run;
}

std::optional<compressor::Tensor> replay_mutant(const Problem& problem, const compressor::Recipe& recipe,
                                                const Mutant& mutant, const Wanted& wanted) {
  Planted planted = planted_in(problem, recipe, mutant, {});
  for (const auto& [slot, override] : planted.overrides) {  // a given slot is not computed: it is seen as it is
    const compressor::Record* record = wanted.given.find(slot);
    if (record == nullptr || slot == wanted.slot || planted.changed.contains(slot)) continue;
    compressor::Tensor seen = record->tensor;
    override(seen);
  }
  compressor::RunOptions options;
  options.threads = wanted.threads;
  options.overrides = std::move(planted.overrides);
  const auto result = compressor::run_from(planted.problem, planted.recipe, {wanted.given, {wanted.slot}}, options);
  const compressor::Record* record = result.tape.find(wanted.slot);
  return record == nullptr ? std::nullopt : std::optional(record->tensor);
}

}  // namespace ulpscope::judge
