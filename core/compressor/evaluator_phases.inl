// SPDX-License-Identifier: Apache-2.0
// The phases of a run, in program order.
#pragma once

#include "core/compressor/draws.hpp"
#include "core/compressor/evaluator.hpp"
#include "core/compressor/kernels/fusion.hpp"

namespace ulpscope::compressor {

using kernels::Elementwise;

template <class T>
void Evaluator<T>::elementwise(Slot slot, Elementwise operation, const Operands& operands, std::size_t count) const {
  const kernels::ElementwiseJob<T> job{&arithmetic(slot), operation,  draw_key(job_.seed, slot), operands.first,
                                       operands.a,        operands.b, operands.out};
  job_.kernels->elementwise(job, 0, count);
}

template <class T>
void Evaluator<T>::run_tables() {
  const Slot frequencies = forward(Name::rope_frequencies);
  if (computed(frequencies)) {
    storage_[frequencies.index()] = rope_frequencies<T>(config_, job_.plan->table());
    views_[frequencies.index()].data = storage_[frequencies.index()].data();
  }
  const Slot cos = forward(Name::rope_cos);
  const Slot sin = forward(Name::rope_sin);
  if (!computed(cos) && !computed(sin)) return;
  const T* known = data(frequencies);
  RopeTable<T> table = rope_table<T>(config_, job_.plan->table(), std::vector<T>(known, known + config_.rope->dim / 2));
  if (computed(cos)) storage_[cos.index()] = std::move(table.cos);
  if (computed(sin)) storage_[sin.index()] = std::move(table.sin);
  if (computed(cos)) views_[cos.index()].data = storage_[cos.index()].data();
  if (computed(sin)) views_[sin.index()].data = storage_[sin.index()].data();
}

template <class T>
void Evaluator<T>::project_rows(Slot slot, Name weight, const Block& block) {
  if (!computed(slot)) return;
  const std::size_t reach = std::min(config_.seq, (block.token_reach + blas_rows - 1) / blas_rows * blas_rows);
  if (reach <= projected_) return;
  MatrixProduct<T> product;
  product.arithmetic = &arithmetic(slot);
  product.key = draw_key(job_.seed, slot);
  product.first_row = block.batch * config_.seq + projected_;
  product.a = input(Name::hidden) + (block.batch * config_.seq + projected_) * config_.hidden;
  product.a_row = config_.hidden;
  product.b = {input(weight), config_.hidden, Transpose::yes};
  product.rows = reach - projected_;
  product.depth = config_.hidden;
  product.columns = config_.features();
  product.out = views_[slot.index()].row(block.batch * config_.seq + projected_);
  multiply_(product, panels_[weight == Name::w_kv ? 0 : 1]);
}

template <class T>
void Evaluator<T>::project(const Block& block) {
  project_rows(forward(Name::kv), Name::w_kv, block);
  project_rows(forward(Name::gate), Name::w_gate, block);
  projected_ = std::max(projected_, std::min(config_.seq, (block.token_reach + blas_rows - 1) / blas_rows * blas_rows));
}

/// biased = gate + ape, row by row of tokens, where it is kept; else each window's frame adds its own.
template <class T>
void Evaluator<T>::add_bias(const Block& block) {
  const Slot slot = forward(Name::biased);
  if (!computed(slot) || !views_[slot.index()]) return;
  const std::size_t first = block.token_first / config_.ratio;
  parallel_for({first, block.reach, 1}, job_.threads, [&](std::size_t begin, std::size_t end) {
    for (std::size_t token = begin * config_.ratio; token < end * config_.ratio; ++token) {
      const T* gate = views_[forward(Name::gate).index()].row(block.batch * config_.seq + token);
      T* out = views_[slot.index()].row(block.batch * config_.windows() * config_.ratio + token);
      const T* ape = input(Name::ape) + token % config_.ratio * config_.features();
      const std::size_t row = block.batch * config_.windows() * config_.ratio + token;
      elementwise(slot, Elementwise::bias, {gate, ape, out, row * config_.features()}, config_.features());
    }
  });
}

/// The prior window's gate is raw: it takes the same bias, outside any slot.
template <class T>
void Evaluator<T>::add_prior_bias() {
  const T* prior = input(Name::prior_gate);
  if (prior == nullptr || input(Name::ape) == nullptr || job_.recipe->pipeline != Pipeline::bias_first) return;
  const std::size_t features = config_.features();
  prior_biased_.assign(config_.batch * config_.ratio * features, T(0));
  for (std::size_t row = 0; row < config_.batch * config_.ratio; ++row) {
    const T* ape = input(Name::ape) + row % config_.ratio * features;
    const std::size_t after_all = config_.batch * config_.seq;  // the prior rows' draws follow those of the tokens
    const Operands operands{prior + row * features, ape, prior_biased_.data() + row * features,
                            (after_all + row) * features};
    elementwise(forward(Name::biased), Elementwise::bias, operands, features);
  }
}

/// Slots that a window's frame computes: window level, and the gradients that it scatters to tokens.
inline bool in_window_phase(Slot slot, Pipeline pipeline) {
  if (level_of(slot) == Level::window) return true;
  if (slot.direction == Direction::forward || level_of(slot) != Level::token) return false;
  switch (slot.name) {
    case Name::kv:
    case Name::biased:
    case Name::prior_kv:
    case Name::prior_gate: return true;
    case Name::gate: return pipeline == Pipeline::pad_first;
    default: return false;
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

template <class T>
typename Evaluator<T>::Phase Evaluator<T>::window_phase(Direction direction) const {
  Phase phase;
  phase.config = &config_;
  phase.graph = job_.graph;
  phase.plan = job_.plan;
  phase.pipeline = job_.recipe->pipeline;
  phase.softmax = job_.recipe->softmax;
  phase.skip_pads = skips_pads(job_.recipe->softmax, job_.plan->pad());
  phase.zero_pads = phase.skip_pads || job_.recipe->softmax == Softmax::where_post;
  phase.loss_scale = job_.recipe->loss_scale;
  phase.seed = job_.seed;
  phase.views = &views_;
  phase.padded = job_.padded->data();
  phase.prior_biased = prior_biased_.data();
  std::array<bool, slot_count> seen{};
  for (const Slot slot : job_.graph->order()) {
    if (slot.direction != direction || !computed(slot) || !views_[slot.index()]) continue;
    if (in_window_phase(slot, phase.pipeline)) add_window_step(phase, slot, direction, seen);
  }
  const Slot padded = gradient(phase.pipeline == Pipeline::bias_first ? Name::logits : Name::padded_gate);
  for (const auto& [slot, from] :
       {std::pair{forward(Name::values), forward(Name::kv)}, std::pair{forward(Name::logits), forward(Name::biased)},
        std::pair{forward(Name::padded_gate), forward(Name::gate)}, std::pair{gradient(Name::kv), gradient(Name::values)},
        std::pair{gradient(Name::prior_kv), gradient(Name::values)}, std::pair{gradient(Name::biased), padded},
        std::pair{gradient(Name::gate), padded}, std::pair{gradient(Name::prior_gate), padded}}) {
    const bool in_format = slot.direction == Direction::forward || computed(from);
    phase.moves_unchanged[slot.index()] = in_format && arithmetic(slot).storage == arithmetic(from).storage;
  }
  phase.fusion = kernels::fusion_of(phase);
  if (job_.plan->is_random()) {
    phase.channels = 1;
    lay_out_frame(phase);
    return phase;
  }
  const std::size_t lanes = job_.kernels->lanes;
  const std::size_t least = phase.fusion == kernels::Fusion::none ? 1 : fused_channels;
  const std::size_t fit = std::max(frame_values / config_.window_slots(), least);
  const std::size_t channels = std::min(config_.head_dim, fit);
  phase.channels = static_cast<int>((channels + lanes - 1) / lanes * lanes);
  lay_out_frame(phase);
  return phase;
}

/// Gives each slot of a frame its place: its own, or that of a slot which it is the last to read.
template <class T>
void Evaluator<T>::lay_out_frame(Phase& phase) const {
  const auto place = [&](Slot slot) {
    phase.places[slot.index()] = phase.arena;
    phase.arena += kernels::frame_rows(slot, config_) * static_cast<std::size_t>(phase.channels);
  };
  for (const Slot slot : phase.loads) place(slot);
  for (std::size_t i = 0; i < phase.steps.size(); ++i) {
    const Slot slot = phase.steps[i];
    const std::optional<Slot> dying = replaceable(phase, i);
    if (dying) {
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
    const bool rows = kernels::frame_rows(read, config_) == kernels::frame_rows(*later, config_);
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
  const Phase phase = window_phase(direction);
  if (phase.steps.empty()) return;
  const std::size_t base = block.batch * config_.windows();
  parallel_for({base + block.first, base + block.reach, 1}, job_.threads,
               [&](std::size_t begin, std::size_t end) {
                 std::vector<T> arena(phase.arena);
                 job_.kernels->windows(phase, begin, end, arena.data());
               });
}

template <class T>
void Evaluator<T>::run_entries(const Block& block) {
  Phase phase;
  phase.config = &config_;
  phase.graph = job_.graph;
  phase.plan = job_.plan;
  phase.loss_scale = job_.recipe->loss_scale;
  phase.seed = job_.seed;
  phase.views = &views_;
  for (const Slot slot : job_.graph->order()) {
    if (computed(slot) && level_of(slot) == Level::entry) phase.steps.push_back(slot);
  }
  if (phase.steps.empty()) return;
  const std::size_t base = block.batch * config_.windows();
  parallel_for({base + block.first, base + block.reach, 1}, job_.threads,
               [&](std::size_t begin, std::size_t end) {
                 job_.kernels->entries(phase, begin, end, nullptr);
               });
}

/// bias_first: grad.gate is grad.biased in the gate's format; 0 at remainder tokens.
template <class T>
void Evaluator<T>::gate_gradient(const Block& block) {
  const Slot slot = gradient(Name::gate);
  const bool separate = job_.recipe->pipeline == Pipeline::bias_first && !shares_gate_gradient();
  if (!computed(slot) || !separate || block.first == block.last) return;
  const std::size_t first = block.first * config_.ratio;
  const T* from = views_[gradient(Name::biased).index()].row(block.batch * config_.windows() * config_.ratio + first);
  T* out = views_[slot.index()].row(block.batch * config_.seq + first);
  const std::size_t element = (block.batch * config_.seq + first) * config_.features();
  elementwise(slot, Elementwise::store, {from, nullptr, out, element},
              (block.last - block.first) * config_.ratio * config_.features());
}

/// grad.hidden = (grad.kv w_kv) + (grad.gate w_gate); then this block's share of the weight gradients.
template <class T>
void Evaluator<T>::token_gradients(const Block& block) {
  const std::size_t first = block.batch * config_.seq + block.first * config_.ratio;
  const std::size_t count = block.token_own - block.first * config_.ratio;
  for (const bool gate : {false, true}) {
    const Slot slot = gradient(gate ? Name::hidden_gate : Name::hidden_kv);
    if (!computed(slot)) continue;
    MatrixProduct<T> product;
    product.arithmetic = &arithmetic(slot);
    product.key = draw_key(job_.seed, slot);
    product.first_row = first;
    product.a = views_[gradient(gate ? Name::gate : Name::kv).index()].row(first);
    product.a_row = config_.features();
    product.b = {input(gate ? Name::w_gate : Name::w_kv), config_.hidden, Transpose::no};
    product.rows = count;
    product.depth = config_.features();
    product.columns = config_.hidden;
    product.out = views_[slot.index()].row(first);
    multiply_(product, panels_[gate ? 3 : 2]);
  }
  const Slot joined = gradient(Name::hidden);
  if (computed(joined)) {
    const std::size_t width = config_.hidden;
    parallel_for({first, first + count, 16}, job_.threads, [&](std::size_t begin, std::size_t end) {
      const Operands operands{views_[gradient(Name::hidden_kv).index()].row(begin),
                              views_[gradient(Name::hidden_gate).index()].row(begin), views_[joined.index()].row(begin),
                              begin * width};
      elementwise(joined, Elementwise::add, operands, (end - begin) * width);
    });
  }
  weight_gradients(first, count, When::in_blocks);
}

/// grad.w[j, k] = sum over tokens of grad[t, j] hidden[t, k].
template <class T>
void Evaluator<T>::weight_gradients(std::size_t first_token, std::size_t count, When when) {
  std::vector<T> panels;
  for (const bool gate : {false, true}) {
    const Slot slot = gradient(gate ? Name::w_gate : Name::w_kv);
    if (!computed(slot) || summed(slot) != when) continue;
    MatrixProduct<T> product;
    product.arithmetic = &arithmetic(slot);
    product.key = draw_key(job_.seed, slot);
    product.a = views_[gradient(gate ? Name::gate : Name::kv).index()].row(first_token);
    product.a_row = 1;
    product.a_depth = config_.features();
    product.a_transposed = Transpose::yes;
    product.b = {input(Name::hidden) + first_token * config_.hidden, config_.hidden, Transpose::no};
    product.rows = config_.features();
    product.depth = count;
    product.columns = config_.hidden;
    product.out = data(slot);
    product.continued = started_[slot.index()];
    product.store = false;
    multiply_(product, panels);
    started_[slot.index()] = true;
  }
}

template <class T>
void Evaluator<T>::column_sum(Slot slot, const Rows& rows, const Rows* factors, T* out) {
  const kernels::ColumnSumJob<T> job{&arithmetic(slot), draw_key(job_.seed, slot), static_cast<std::size_t>(out - data(slot)),
                                     &rows, factors, out, started_[slot.index()]};
  job_.kernels->column_sum(job, 0, config_.head_dim);
}

/// grad.gamma = sum over entries of grad.normed * normalized.
template <class T>
void Evaluator<T>::sum_gamma(std::size_t first_entry, std::size_t last_entry) {
  const Slot slot = gradient(Name::gamma);
  Rows cotangents;
  Rows factors;
  for (std::size_t entry = first_entry; entry < last_entry; ++entry) {
    cotangents.push_back(views_[gradient(Name::normed).index()].row(entry));
    factors.push_back(views_[forward(Name::normalized).index()].row(entry));
  }
  column_sum(slot, cotangents, &factors, data(slot));
}

/// Rows whose sum is grad.ape[j, half]: one per window, the prior window's first. Without overlap nothing reads a prior
/// window, and the rows at its place are window 0's own.
template <class T>
typename Evaluator<T>::Rows Evaluator<T>::ape_rows(std::size_t j, std::size_t half, std::size_t first, std::size_t last) const {
  const std::size_t windows = config_.windows();
  const bool bias_first = job_.recipe->pipeline == Pipeline::bias_first;
  const bool prior = config_.overlap && job_.graph->computes(gradient(Name::prior_gate));
  const kernels::View<T>& logits = views_[gradient(Name::logits).index()];
  Rows rows;
  for (std::size_t w = first; w < last; ++w) {
    if (!bias_first) {
      rows.push_back(logits.row(w * config_.window_slots() + half * config_.ratio + j));
      continue;
    }
    if (w % windows == 0 && half == 0 && prior) rows.push_back(logits.row(w * config_.window_slots() + j));
    rows.push_back(views_[gradient(Name::biased).index()].row(w * config_.ratio + j) + half * config_.head_dim);
  }
  return rows;
}

template <class T>
void Evaluator<T>::sum_ape(std::size_t first_window, std::size_t last_window) {
  const Slot slot = gradient(Name::ape);
  parallel_for({0, config_.ratio * config_.halves(), 1}, job_.threads, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      const std::size_t j = row / config_.halves();
      const std::size_t half = row % config_.halves();
      T* out = data(slot) + j * config_.features() + half * config_.head_dim;
      column_sum(slot, ape_rows(j, half, first_window, last_window), nullptr, out);
    }
  });
}

template <class T>
void Evaluator<T>::sum_rows(std::size_t first, std::size_t last, When when) {
  if (first == last) return;
  if (computed(gradient(Name::gamma)) && summed(gradient(Name::gamma)) == when) {
    sum_gamma(first, last);
    started_[gradient(Name::gamma).index()] = true;
  }
  if (computed(gradient(Name::ape)) && summed(gradient(Name::ape)) == when) {
    sum_ape(first, last);
    started_[gradient(Name::ape).index()] = true;
  }
}

/// Sums in orders that need all rows; then every finished sum goes to its storage format.
template <class T>
void Evaluator<T>::finish_sums() {
  sum_rows(0, config_.batch * config_.windows(), When::at_the_end);
  weight_gradients(0, config_.batch * config_.seq, When::at_the_end);
  for (const Name name : {Name::ape, Name::gamma, Name::w_kv, Name::w_gate}) {
    const Slot slot = gradient(name);
    if (!computed(slot)) continue;
    elementwise(slot, Elementwise::store, {data(slot), nullptr, data(slot), 0}, element_count(shape_of(slot, config_)));
  }
}

}  // namespace ulpscope::compressor
