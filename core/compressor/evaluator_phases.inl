// SPDX-License-Identifier: Apache-2.0
// The phases of a run, in program order.
#pragma once

#include "core/compressor/draws.hpp"
#include "core/compressor/evaluator.hpp"

namespace ulpscope::compressor {

using kernels::Elementwise;

template <class T>
void Evaluator<T>::elementwise(Slot slot, Elementwise operation, const Operands& operands, std::size_t count) const {
  const kernels::ElementwiseJob<T> job{&arithmetic(slot), operation,      draw_key(job_.recipe->seed, slot),
                                       operands.first,    operands.a,     operands.b,
                                       operands.out,      operands.period};
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

/// Rows [projected_, reach) of the current batch row's kv or gate.
template <class T>
MatrixProduct<T> Evaluator<T>::projection(Slot slot, std::size_t batch, std::size_t reach) {
  const std::size_t first = batch * config_.seq + projected_;
  MatrixProduct<T> product;
  product.arithmetic = &arithmetic(slot);
  product.key = draw_key(job_.recipe->seed, slot);
  product.first_row = first;
  product.a = input(Name::hidden) + first * config_.hidden;
  product.a_row = config_.hidden;
  product.b = {input(slot.name == Name::kv ? Name::w_kv : Name::w_gate), config_.hidden, Transpose::yes};
  product.rows = reach - projected_;
  product.depth = config_.hidden;
  product.columns = config_.features();
  product.out = views_[slot.index()].row(first);
  return product;
}

template <class T>
void Evaluator<T>::project(const Block& block) {
  const std::size_t reach = std::min(config_.seq, (block.token_reach + blas_rows - 1) / blas_rows * blas_rows);
  if (reach <= projected_) return;
  std::vector<MatrixTask<T>> tasks;
  for (const bool gate : {false, true}) {
    const Slot slot = forward(gate ? Name::gate : Name::kv);
    if (computed(slot)) tasks.push_back({projection(slot, block.batch, reach), &panels_[gate ? 1 : 0]});
  }
  multiply_(tasks);
  projected_ = reach;
}

/// biased = gate + ape, row by row of tokens, where it is kept; else each window's frame adds its own.
template <class T>
void Evaluator<T>::add_bias(const Block& block) {
  const Slot slot = forward(Name::biased);
  if (!computed(slot) || !views_[slot.index()]) return;
  const std::size_t period = config_.ratio * config_.features();
  const std::size_t tokens = block.batch * config_.windows() * config_.ratio;
  const std::size_t first = block.token_first / config_.ratio;
  parallel_for({first, block.reach, 1}, job_.threads, [&](std::size_t begin, std::size_t end) {
    const std::size_t token = begin * config_.ratio;
    const T* gate = views_[forward(Name::gate).index()].row(block.batch * config_.seq + token);
    T* out = views_[slot.index()].row(tokens + token);
    const Operands operands{gate, input(Name::ape), out, (tokens + token) * config_.features(), period};
    elementwise(slot, Elementwise::bias, operands, (end - begin) * period);
  });
}

/// The prior window's gate is raw: it takes the same bias, outside any slot.
template <class T>
void Evaluator<T>::add_prior_bias() {
  const T* prior = input(Name::prior_gate);
  if (prior == nullptr || input(Name::ape) == nullptr || job_.recipe->pipeline != Pipeline::bias_first) return;
  const std::size_t period = config_.ratio * config_.features();
  prior_biased_.assign_zeros(config_.batch * period);
  const std::size_t after_all = config_.batch * config_.seq;  // the prior rows' draws follow those of the tokens
  const Operands operands{prior, input(Name::ape), prior_biased_.data(), after_all * config_.features(), period};
  elementwise(forward(Name::biased), Elementwise::bias, operands, config_.batch * period);
}

template <class T>
void Evaluator<T>::run_entries(const Block& block) {
  Phase phase = any_phase();
  for (const Slot slot : job_.graph->order()) {
    if (!computed(slot) || level_of(slot) != Level::entry) continue;
    phase.steps.push_back(slot);
    const bool forwards = slot.direction == Direction::forward;
    phase.from[slot.index()] = forwards ? forward(job_.graph->before(slot.name)) : job_.graph->reads(slot).front();
  }
  if (phase.steps.empty()) return;
  const std::size_t base = block.batch * config_.windows();
  parallel_for({base + block.first, base + block.reach, 1}, job_.threads,
               [&](std::size_t begin, std::size_t end) { job_.kernels->entries(phase, begin, end, nullptr); });
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
  std::vector<MatrixTask<T>> tasks;
  for (const bool gate : {false, true}) {
    const Slot slot = gradient(gate ? Name::hidden_gate : Name::hidden_kv);
    if (!computed(slot)) continue;
    MatrixProduct<T> product;
    product.arithmetic = &arithmetic(slot);
    product.key = draw_key(job_.recipe->seed, slot);
    product.first_row = first;
    product.a = views_[gradient(gate ? Name::gate : Name::kv).index()].row(first);
    product.a_row = config_.features();
    product.b = {input(gate ? Name::w_gate : Name::w_kv), config_.hidden, Transpose::no};
    product.rows = count;
    product.depth = config_.features();
    product.columns = config_.hidden;
    product.out = views_[slot.index()].row(first);
    tasks.push_back({product, &panels_[gate ? 3 : 2]});
  }
  multiply_(tasks);
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
  Workspace<T> panels(job_.kernels->memory);
  std::vector<MatrixTask<T>> tasks;
  for (const bool gate : {false, true}) {
    const Slot slot = gradient(gate ? Name::w_gate : Name::w_kv);
    if (!computed(slot) || summed(slot) != when) continue;
    MatrixProduct<T> product;
    product.arithmetic = &arithmetic(slot);
    product.key = draw_key(job_.recipe->seed, slot);
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
    tasks.push_back({product, &panels});
    started_[slot.index()] = true;
  }
  multiply_(tasks);
}

/// Columns of a slot that is summed over rows: an order may depend on where in the whole slot a column stands.
template <class T>
void Evaluator<T>::column_sum(Slot slot, const Rows& rows, const Rows* factors, T* out) {
  const auto first = static_cast<std::size_t>(out - data(slot));
  const std::size_t width = element_count(shape_of(slot, config_));
  for (const ColumnPart& part : column_parts(arithmetic(slot), {first, first + config_.head_dim}, width)) {
    const kernels::ColumnSumJob<T> job{&part.arithmetic,
                                       draw_key(job_.recipe->seed, slot),
                                       first,
                                       rows.data(),
                                       factors == nullptr ? nullptr : factors->data(),
                                       rows.size(),
                                       out,
                                       started_[slot.index()]};
    job_.kernels->column_sum(job, part.first - first, part.last - first);
  }
}

template <class T>
typename Evaluator<T>::Rows Evaluator<T>::listed(const std::vector<const T*>& rows) const {
  Rows list(job_.kernels->memory);
  list = std::vector<const T*>(rows);
  return list;
}

/// grad.gamma = sum over entries of grad.normed * normalized.
template <class T>
void Evaluator<T>::sum_gamma(std::size_t first_entry, std::size_t last_entry) {
  const Slot slot = gradient(Name::gamma);
  std::vector<const T*> cotangents;
  std::vector<const T*> factors;
  for (std::size_t entry = first_entry; entry < last_entry; ++entry) {
    cotangents.push_back(views_[gradient(Name::normed).index()].row(entry));
    factors.push_back(views_[forward(Name::normalized).index()].row(entry));
  }
  const Rows second = listed(factors);
  column_sum(slot, listed(cotangents), &second, data(slot));
}

/// Rows whose sum is grad.ape[j, half]: one per window, the prior window's first. Without overlap nothing reads a prior
/// window, and the rows at its place are window 0's own.
template <class T>
typename Evaluator<T>::Rows Evaluator<T>::ape_rows(std::size_t j, std::size_t half, std::size_t first,
                                                   std::size_t last) const {
  const std::size_t windows = config_.windows();
  const bool bias_first = job_.recipe->pipeline == Pipeline::bias_first;
  const bool prior = config_.overlap && job_.graph->computes(gradient(Name::prior_gate));
  const kernels::View<T>& logits = views_[gradient(Name::logits).index()];
  std::vector<const T*> rows;
  for (std::size_t w = first; w < last; ++w) {
    if (!bias_first) {
      rows.push_back(logits.row(w * config_.window_slots() + half * config_.ratio + j));
      continue;
    }
    if (w % windows == 0 && half == 0 && prior) rows.push_back(logits.row(w * config_.window_slots() + j));
    rows.push_back(views_[gradient(Name::biased).index()].row(w * config_.ratio + j) + half * config_.head_dim);
  }
  return listed(rows);
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
    parallel_for({0, element_count(shape_of(slot, config_)), 4096}, job_.threads,
                 [&](std::size_t begin, std::size_t end) {
                   T* const values = data(slot) + begin;
                   elementwise(slot, Elementwise::store, {values, nullptr, values, begin}, end - begin);
                 });
  }
}

}  // namespace ulpscope::compressor
