// SPDX-License-Identifier: Apache-2.0
// The phases over windows: which slots a frame computes, where they stand in it, and the walk.
#pragma once

#include "core/compressor/evaluator.hpp"
#include "core/compressor/kernels/fusion.hpp"

namespace ulpscope::compressor {

/// Slots that a window's frame computes: window level, and the gradients that it scatters to tokens.
inline bool in_window_phase(Slot slot, Pipeline pipeline) {
  if (level_of(slot) == Level::window) return true;
  if (slot.direction == Direction::forward || level_of(slot) != Level::token) return false;
  switch (slot.name) {
    case Name::kv:
    case Name::biased:
    case Name::prior_kv:
    case Name::prior_gate:
      return true;
    case Name::gate:
      return pipeline == Pipeline::pad_first;
    default:
      return false;
  }
}

/// Adds `slot` and what it needs: what has values outside the frame by now is loaded, the rest is computed (again).
template <class T>
void Evaluator<T>::add_window_step(Phase& phase, Slot slot, Direction direction,
                                   std::array<bool, slot_count>& seen) const {
  if (seen[slot.index()]) return;
  seen[slot.index()] = true;
  const bool bias = slot == forward(Name::biased) && !views_[slot.index()];
  const bool in_frame = bias || in_window_phase(slot, phase.pipeline) || slot == gradient(Name::pooled);
  if (!in_frame) return;  // tokens: gathered through views
  const bool stored_before = slot.direction != direction || slot == gradient(Name::pooled);
  if (views_[slot.index()] && (!computed(slot) || stored_before)) {
    if (level_of(slot) != Level::token) phase.loads.push_back(slot);
    return;
  }
  for (const Slot read : job_.graph->reads(slot)) add_window_step(phase, read, direction, seen);
  phase.steps.push_back(slot);
}

inline kernels::Geometry geometry_of(const Config& config) {
  kernels::Geometry geometry;
  geometry.ratio = config.ratio;
  geometry.windows = config.windows();
  geometry.seq = config.seq;
  geometry.head_dim = config.head_dim;
  geometry.features = config.features();
  geometry.window_slots = config.window_slots();
  geometry.overlap = config.overlap;
  geometry.eps = config.eps;
  if (config.rope) geometry.rotated = static_cast<int>(config.rope->dim);
  if (config.quantize) {
    geometry.quantize_block = static_cast<int>(config.quantize->block);
    geometry.quantize_skip_last = static_cast<int>(config.quantize->skip_last);
  }
  return geometry;
}

/// What phases over windows and over entries have in common.
template <class T>
typename Evaluator<T>::Phase Evaluator<T>::any_phase() const {
  Phase phase;
  phase.geometry = geometry_of(config_);
  phase.arithmetic = &job_.plan->all();
  phase.online = &job_.plan->online();
  phase.quantize = &job_.plan->quantize();
  phase.pad = job_.plan->pad();
  phase.butterfly = job_.plan->butterfly();
  phase.random = job_.plan->is_random();
  phase.loss_scale = job_.recipe->loss_scale;
  phase.seed = job_.recipe->seed;
  phase.views = &views_;
  return phase;
}

/// Rows of a slot in a window's frame: L, or 1. Token slots are staged there by gather and scatter.
inline std::uint32_t frame_rows(Slot slot, const Config& config) {
  const bool rows = has_window_rows(slot.name) || level_of(slot) == Level::token;
  return rows ? static_cast<std::uint32_t>(config.window_slots()) : 1U;
}

template <class T>
typename Evaluator<T>::Phase Evaluator<T>::window_phase(Direction direction) const {
  Phase phase = any_phase();
  phase.pipeline = job_.recipe->pipeline;
  phase.softmax = job_.recipe->softmax;
  phase.skip_pads = skips_pads(job_.recipe->softmax, job_.plan->pad());
  phase.zero_pads = phase.skip_pads || job_.recipe->softmax == Softmax::where_post;
  phase.padded = padded_.data();
  phase.prior_biased = prior_biased_.data();
  std::array<bool, slot_count> seen{};
  for (const Slot slot : job_.graph->order()) {
    if (slot.direction != direction || !computed(slot) || !views_[slot.index()]) continue;
    if (in_window_phase(slot, phase.pipeline)) add_window_step(phase, slot, direction, seen);
  }
  const Slot padded = gradient(phase.pipeline == Pipeline::bias_first ? Name::logits : Name::padded_gate);
  for (const auto& [slot, from] :
       {std::pair{forward(Name::values), forward(Name::kv)}, std::pair{forward(Name::logits), forward(Name::biased)},
        std::pair{forward(Name::padded_gate), forward(Name::gate)},
        std::pair{gradient(Name::kv), gradient(Name::values)},
        std::pair{gradient(Name::prior_kv), gradient(Name::values)}, std::pair{gradient(Name::biased), padded},
        std::pair{gradient(Name::gate), padded}, std::pair{gradient(Name::prior_gate), padded}}) {
    const bool in_format = slot.direction == Direction::forward || computed(from);
    phase.moves_unchanged[slot.index()] = in_format && arithmetic(slot).storage == arithmetic(from).storage;
  }
  for (const Slot slot : phase.steps) phase.kept[slot.index()] = views_[slot.index()] && level_of(slot) != Level::token;
  phase.fusion = kernels::fusion_of(phase);
  if (job_.plan->is_random()) {
    phase.channels = 1;
    lay_out_frame(phase);
    return phase;
  }
  phase.channels = static_cast<int>(frame_channels(phase));
  lay_out_frame(phase);
  return phase;
}

/// Channels of a frame: whole packs, of which a few slots stay in a cache.
template <class T>
std::size_t Evaluator<T>::frame_channels(const Phase& phase) const {
  const std::size_t slots = config_.window_slots();
  const std::size_t lanes = job_.kernels->lanes;
  const Kind kind = job_.plan->kind();
  const bool packs = lanes > 1 && (kind == Kind::native_float || kind == Kind::native_double);
  std::size_t fit = std::max<std::size_t>(frame_values / slots, 1);
  if (packs && kernels::may_follow_memory(phase)) {
    fit = ordered_channels;
  } else if (phase.fusion != kernels::Fusion::none) {
    fit = std::max(fit, fused_channels);
  }
  return (std::min(config_.head_dim, fit) + lanes - 1) / lanes * lanes;
}

/// Gives each slot of a frame its place: its own, or that of a slot which it is the last to read.
template <class T>
void Evaluator<T>::lay_out_frame(Phase& phase) const {
  const auto place = [&](Slot slot) {
    phase.rows[slot.index()] = frame_rows(slot, config_);
    phase.places[slot.index()] = phase.scratch;
    phase.scratch += phase.rows[slot.index()];
  };
  for (const Slot slot : phase.loads) place(slot);
  for (std::size_t i = 0; i < phase.steps.size(); ++i) {
    const Slot slot = phase.steps[i];
    const std::optional<Slot> dying = replaceable(phase, i);
    if (dying) {
      phase.rows[slot.index()] = phase.rows[dying->index()];
      phase.places[slot.index()] = phase.places[dying->index()];
    } else {
      place(slot);
    }
  }
}

/// Steps that finish with row r of what they may replace before they write row r of their slot.
inline bool works_in_place(Slot slot, Slot read) {
  if (slot == gradient(Name::logits)) return read == gradient(Name::weights);
  if (slot == forward(Name::logits)) return read == forward(Name::biased);
  return has_window_rows(slot.name) && slot.name != Name::padded_gate;
}

/// A slot of the frame that step i reads, nobody reads later, and nobody stores.
template <class T>
std::optional<Slot> Evaluator<T>::replaceable(const Phase& phase, std::size_t i) const {
  const auto later = phase.steps.begin() + static_cast<std::ptrdiff_t>(i);
  for (const Slot read : job_.graph->reads(*later)) {
    const bool in_frame = std::find(phase.steps.begin(), later, read) != later && !views_[read.index()];
    const bool rows = frame_rows(read, config_) == frame_rows(*later, config_);
    if (!in_frame || !rows || !works_in_place(*later, read)) continue;
    const bool read_again = std::any_of(later + 1, phase.steps.end(), [&](Slot reader) {
      const auto& reads = job_.graph->reads(reader);
      return std::find(reads.begin(), reads.end(), read) != reads.end();
    });
    if (!read_again) return read;
  }
  return std::nullopt;
}

template <class T>
void Evaluator<T>::run_windows(const Block& block, Direction direction) {
  const Phase whole = window_phase(direction);
  if (whole.steps.empty()) return;
  const std::vector<ChannelPart> parts = channel_parts(job_.plan->all(), whole.steps, config_.head_dim);
  std::vector<Phase> phases(parts.size(), whole);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    phases[i].arithmetic = &parts[i].arithmetic;
    phases[i].first_channel = parts[i].first;
    phases[i].last_channel = parts[i].last;
  }
  const std::size_t base = block.batch * config_.windows();
  parallel_for({base + block.first, base + block.reach, 1}, job_.threads, [&](std::size_t begin, std::size_t end) {
    typename Arenas<T>::Lease arena(arenas_, job_.kernels->spreads ? 0 : whole.arena());
    for (const Phase& phase : phases) job_.kernels->windows(phase, begin, end, arena.data());
  });
}

}  // namespace ulpscope::compressor
