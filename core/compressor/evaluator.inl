// SPDX-License-Identifier: Apache-2.0
// Storage and order of phases; the phases themselves are in evaluator_phases.inl. Included once per kind of number.
#pragma once

#include "core/compressor/evaluator.hpp"
#include "precision/poll.hpp"

namespace ulpscope::compressor {

template <class T>
Evaluator<T>::Evaluator(const Evaluation<T>& evaluation)
    : job_(evaluation), config_(evaluation.plan->config()), multiply_(*evaluation.kernels, evaluation.threads) {
  std::array<bool, slot_count> given{};
  for (std::size_t i = 0; i < slot_count; ++i) given[i] = job_.given[i] != nullptr;
  for (const Slot slot : job_.graph->need(job_.wanted, given).compute) compute_[slot.index()] = true;
  const Memory* const memory = job_.kernels->memory;
  prior_biased_.use(memory);
  padded_.use(memory);
  for (Workspace<T>& panels : panels_) panels.use(memory);
  for (Workspace<T>& storage : storage_) storage.use(memory), storage.share_among(job_.threads);
  padded_ = std::vector<std::uint8_t>(*job_.padded);
  plan_storage();
}

template <class T>
When Evaluator<T>::summed(Slot slot) const {
  const auto kind = arithmetic(slot).summation.kind;
  const bool running = kind == precision::Summation::Kind::sequential || kind == precision::Summation::Kind::blas;
  return running && !is_random(arithmetic(slot)) ? When::in_blocks : When::at_the_end;
}

template <class T>
bool Evaluator<T>::is_summed(Slot slot, std::optional<When> when) const {
  for (const Slot reader : job_.graph->order()) {
    const Level level = level_of(reader);
    if (!computed(reader) || (level != Level::sum && level != Level::weight)) continue;
    if (when && summed(reader) != *when) continue;
    const auto& reads = job_.graph->reads(reader);
    if (std::find(reads.begin(), reads.end(), slot) != reads.end()) return true;
  }
  return false;
}

/// Sums whose order is not sequential need all their rows at once.
template <class T>
bool Evaluator<T>::keeps_whole(Slot slot) const {
  const Level level = level_of(slot);
  if (level == Level::table || level == Level::sum || level == Level::weight) return true;
  return whole() || is_wanted(slot) || is_summed(slot, When::at_the_end);
}

/// Whether a computed slot has memory outside a window's frame.
template <class T>
bool Evaluator<T>::needs_view(Slot slot) const {
  if (is_wanted(slot)) return true;
  if (slot == forward(Name::biased)) return job_.plan->is_random();  // drawn once, token by token
  if (level_of(slot) != Level::window || slot.name == Name::pooled) return true;
  if (slot == forward(Name::row_max) || slot == forward(Name::denominator)) return computed(gradient(Name::logits));
  return is_summed(slot, std::nullopt);
}

template <class T>
void Evaluator<T>::plan_storage() {
  for (std::size_t i = 0; i < slot_count; ++i) {
    const bool backward = i >= name_count;
    const Slot slot{static_cast<Name>(backward ? i - name_count : i),
                    backward ? Direction::backward : Direction::forward};
    if (job_.given[i] == nullptr && !compute_[i]) continue;
    const Shape shape = shape_of(slot, config_);
    width_[i] = shape.empty() ? 1 : shape.back();
    if (slot.name == Name::mean_square) width_[i] = 1;
    if (compute_[i]) {
      if (!needs_view(slot)) continue;
      scratch_[i] = !keeps_whole(slot);
      const bool elsewhere = job_.into[i] != nullptr;
      precision::ask_poll();
      if (!scratch_[i] && !elsewhere) storage_[i].assign_zeros(element_count(shape));
      views_[i] = {elsewhere ? job_.into[i] : storage_[i].data(), 0, width_[i]};
    } else {
      views_[i] = {const_cast<T*>(job_.given[i]), 0, width_[i]};  // given slots are only read
    }
  }
}

/// Rows of a block's scratch, and the global index of its first row.
template <class T>
std::size_t Evaluator<T>::block_first(Slot slot, const Block& block) const {
  if (level_of(slot) == Level::token) {
    if (slot.name == Name::prior_kv || slot.name == Name::prior_gate) return 0;
    if (slot.name == Name::biased) return block.batch * config_.windows() * config_.ratio + block.token_first;
    return block.batch * config_.seq + block.token_first;
  }
  const std::size_t per_window = has_window_rows(slot.name) ? config_.window_slots() : 1;
  return (block.batch * config_.windows() + block.first) * per_window;
}
template <class T>
std::size_t Evaluator<T>::block_rows(Slot slot, const Block& block) const {
  if (level_of(slot) == Level::token) {
    if (slot.name == Name::prior_kv || slot.name == Name::prior_gate) return config_.batch * config_.ratio;
    const bool projected = slot == forward(Name::kv) || slot == forward(Name::gate);  // in whole calls of BLAS
    return std::max(block.token_reach, block.token_own) - block.token_first + (projected ? blas_rows : 0);
  }
  return (block.reach - block.first) * (has_window_rows(slot.name) ? config_.window_slots() : 1);
}

/// Points scratch views at this block. kv and gate keep the rows that are already projected.
template <class T>
void Evaluator<T>::place_scratch(const Block& block) {
  for (const Slot slot : job_.graph->order()) {
    const std::size_t i = slot.index();
    if (!scratch_[i] || (slot == gradient(Name::biased) && shares_gate_gradient())) continue;
    if (slot == gradient(Name::hidden_kv) && begins_as_branch()) {
      views_[i] = views_[gradient(Name::hidden).index()];
      continue;
    }
    const std::size_t first = block_first(slot, block);
    Workspace<T>& values = storage_[i];
    const bool carried = block.first > 0 && (slot == forward(Name::kv) || slot == forward(Name::gate));
    if (carried) {
      const T* from = views_[i].row(first);
      std::copy(from, from + (block.batch * config_.seq + projected_ - first) * width_[i], values.data());
    }
    const std::size_t size = block_rows(slot, block) * width_[i];
    if (carried || slot.name == Name::hidden_kv || slot.name == Name::hidden_gate) {
      values.resize(size);  // the branches of grad.hidden are large, and each product writes all of its rows
    } else {
      values.assign_zeros(size);
    }
    views_[i] = {values.data(), first, width_[i]};
  }
  if (!shares_gate_gradient()) return;
  T* shared = views_[gradient(Name::gate).index()].row(block.batch * config_.seq + block.token_first);
  const std::size_t first = block_first(gradient(Name::biased), block);
  views_[gradient(Name::biased).index()] = {shared, first, config_.features()};
}

/// grad.gate is grad.biased in the gate's format: where that changes nothing, and nobody keeps grad.biased, the windows
/// write straight to it.
template <class T>
bool Evaluator<T>::shares_gate_gradient() const {
  const Slot biased = gradient(Name::biased);
  const Slot gate = gradient(Name::gate);
  return computed(gate) && computed(biased) && scratch_[biased.index()] &&
         arithmetic(gate).storage == arithmetic(biased).storage;
}

/// grad.hidden's memory holds its first branch until the second is there: large memory costs time to come by.
template <class T>
bool Evaluator<T>::begins_as_branch() const {
  const Slot joined = gradient(Name::hidden);
  return computed(joined) && views_[joined.index()] && !scratch_[joined.index()];
}

/// Blocks bound the memory of slots that nobody keeps; where each has its place anyway, they would only cost. BLAS sums
/// in steps that begin with a block.
template <class T>
bool Evaluator<T>::needs_blocks() const {
  const auto& order = job_.graph->order();
  return std::any_of(order.begin(), order.end(), [&](Slot slot) {
    if (!computed(slot)) return false;
    const bool shared = slot == gradient(Name::biased) && shares_gate_gradient();
    const bool is_sum = level_of(slot) == Level::sum || level_of(slot) == Level::weight;
    const bool by_blas = arithmetic(slot).summation.kind == precision::Summation::Kind::blas;
    return is_sum || by_blas || (scratch_[slot.index()] && !shared);
  });
}

template <class T>
Values<T> Evaluator<T>::run() {
  run_tables();
  add_prior_bias();
  const std::size_t windows = config_.windows();
  const bool at_once = whole() || !needs_blocks();
  const std::size_t step = at_once ? std::max<std::size_t>(windows, 1) : job_.block_windows;
  const std::size_t halo = config_.overlap ? 1 : 0;
  for (std::size_t batch = 0; batch < config_.batch; ++batch) {
    projected_ = 0;
    for (std::size_t first = 0; first == 0 || first < windows; first += step) {
      Block block;
      block.batch = batch;
      block.first = first;
      block.last = std::min(first + step, windows);
      block.reach = std::min(block.last + halo, windows);
      block.token_first = (first - std::min(first, halo)) * config_.ratio;
      block.token_own = block.last == windows ? config_.seq : block.last * config_.ratio;
      block.token_reach = block.last == windows ? config_.seq : block.reach * config_.ratio;
      run_block(block);
    }
  }
  finish_sums();
  Values<T> values;
  for (const Slot slot : job_.wanted) {
    if (job_.into[slot.index()] == nullptr) values[slot] = storage_[slot.index()].take();
  }
  return values;
}

template <class T>
void Evaluator<T>::run_block(const Block& block) {
  place_scratch(block);
  project(block);
  add_bias(block);
  run_windows(block, Direction::forward);
  run_entries(block);
  run_windows(block, Direction::backward);
  gate_gradient(block);
  token_gradients(block);
  const std::size_t base = block.batch * config_.windows();
  sum_rows(base + block.first, base + block.last, When::in_blocks);
}

template <class T>
Values<T> evaluate(const Evaluation<T>& evaluation) {
  return Evaluator<T>(evaluation).run();
}

}  // namespace ulpscope::compressor

#include "core/compressor/evaluator_phases.inl"   // IWYU pragma: export
#include "core/compressor/evaluator_windows.inl"  // IWYU pragma: export
