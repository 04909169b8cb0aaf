// SPDX-License-Identifier: Apache-2.0
// The pipelines: what each slot reads.
#include "core/compressor/graph.hpp"

#include "core/compressor/arithmetic_plan.hpp"

namespace ulpscope::compressor {
namespace {

using N = Name;

}  // namespace

Level level_of(Slot slot) {
  switch (slot.name) {
    case N::rope_frequencies:
    case N::rope_cos:
    case N::rope_sin:
      return Level::table;
    case N::hidden:
    case N::hidden_kv:
    case N::hidden_gate:
    case N::kv:
    case N::gate:
    case N::biased:
    case N::prior_kv:
    case N::prior_gate:
      return Level::token;
    case N::mean_square:
    case N::normalized:
    case N::normed:
    case N::rotated:
    case N::hadamard:
    case N::quantized:
    case N::output:
      return Level::entry;
    case N::pooled:
      return slot.direction == Direction::forward ? Level::window : Level::entry;
    case N::ape:
    case N::gamma:
      return Level::sum;
    case N::w_kv:
    case N::w_gate:
      return Level::weight;
    default:
      return Level::window;
  }
}

bool has_window_rows(Name name) {
  switch (name) {
    case N::values:
    case N::logits:
    case N::padded_gate:
    case N::shifted:
    case N::exp:
    case N::softmax:
    case N::weights:
    case N::products:
      return true;
    default:
      return false;
  }
}

Graph::Graph(const Recipe& recipe, const Plan& plan, Extras extras) {
  const Config& config = plan.config();
  add_tables(config);
  add_pool(recipe, plan, extras);
  add_entries(config);
  add_entry_gradients(config);
  add_pool_gradients(recipe, plan, extras);
  add_projection_gradients();
  explain_absences(recipe, config);
}

void Graph::add(Slot slot, std::vector<Slot> reads) {
  order_.push_back(slot);
  reads_[slot.index()] = Reads{true, std::move(reads)};
}

void Graph::add_tables(const Config& config) {
  if (!config.rope) return;
  add(forward(N::rope_frequencies), {});
  add(forward(N::rope_cos), {forward(N::rope_frequencies)});
  add(forward(N::rope_sin), {forward(N::rope_frequencies)});
}

void Graph::add_pool(const Recipe& recipe, const Plan& plan, Extras extras) {
  const auto with_prior = [&](std::vector<Slot> slots, std::initializer_list<Name> priors) {
    if (extras.prior) {
      for (const Name prior : priors) slots.push_back(forward(prior));
    }
    return slots;
  };
  add(forward(N::kv), {forward(N::hidden), forward(N::w_kv)});
  add(forward(N::gate), {forward(N::hidden), forward(N::w_gate)});
  if (recipe.pipeline == Pipeline::bias_first) {
    add(forward(N::biased), {forward(N::gate), forward(N::ape)});
    add(forward(N::values), with_prior({forward(N::kv)}, {N::prior_kv}));
    add(forward(N::logits), with_prior({forward(N::biased)}, {N::prior_gate, N::ape}));
  } else {
    add(forward(N::values), with_prior({forward(N::kv)}, {N::prior_kv}));
    add(forward(N::padded_gate), with_prior({forward(N::gate)}, {N::prior_gate}));
    add(forward(N::logits), {forward(N::padded_gate), forward(N::ape)});
  }
  add_softmax(recipe);
  if (is_online(recipe.softmax)) {
    add(forward(N::pooled), {forward(N::logits), forward(N::values)});
    return;
  }
  add(forward(N::products), {forward(N::weights), forward(N::values)});
  if (plan.at(forward(N::products)).compute_exact) {
    add(forward(N::pooled), {forward(N::weights), forward(N::values)});
  } else {
    add(forward(N::pooled), {forward(N::products)});
  }
}

void Graph::add_softmax(const Recipe& recipe) {
  const bool naive = recipe.softmax == Softmax::naive;
  const bool online = is_online(recipe.softmax);
  if (!naive) add(forward(N::row_max), {forward(N::logits)});
  if (online) {
    add(forward(N::denominator), {forward(N::logits)});
    add(forward(N::softmax), {forward(N::logits), forward(N::row_max), forward(N::denominator)});
  } else {
    if (!naive) add(forward(N::shifted), {forward(N::logits), forward(N::row_max)});
    add(forward(N::exp), {forward(naive ? N::logits : N::shifted)});
    add(forward(N::denominator), {forward(N::exp)});
    if (recipe.softmax == Softmax::log_softmax) {
      add(forward(N::log_denominator), {forward(N::denominator)});
      add(forward(N::softmax), {forward(N::shifted), forward(N::log_denominator)});
    } else {
      add(forward(N::softmax), {forward(N::exp), forward(N::denominator)});
    }
  }
  add(forward(N::weights), {forward(N::softmax)});
}

void Graph::add_entries(const Config& config) {
  Name last = N::pooled;
  const auto follow = [&](Name name, std::vector<Slot> more) {
    before_[static_cast<std::size_t>(name)] = last;
    more.insert(more.begin(), forward(last));
    add(forward(name), std::move(more));
    last = name;
  };
  if (config.norm) {
    add(forward(N::mean_square), {forward(N::pooled)});
    follow(N::normalized, {forward(N::mean_square)});
    follow(N::normed, {forward(N::gamma)});
  }
  if (config.rope) follow(N::rotated, {forward(N::rope_cos), forward(N::rope_sin)});
  if (config.hadamard) follow(N::hadamard, {});
  if (config.quantize) follow(N::quantized, {});
  last_ = last;
  before_[static_cast<std::size_t>(N::output)] = last;
  add(forward(N::output), {forward(last)});
}

void Graph::add_entry_gradients(const Config& config) {
  add(gradient(N::output), {forward(N::cotangent)});
  add(gradient(last_), {gradient(N::output)});
  const auto step_back = [&](Name name, std::vector<Slot> more) {
    more.insert(more.begin(), gradient(name));
    add(gradient(before(name)), std::move(more));
  };
  if (config.quantize) step_back(N::quantized, {});
  if (config.hadamard) step_back(N::hadamard, {});
  if (config.rope) step_back(N::rotated, {forward(N::rope_cos), forward(N::rope_sin)});
  if (config.norm) {
    step_back(N::normed, {forward(N::gamma)});
    add(gradient(N::gamma), {gradient(N::normed), forward(N::normalized)});
    step_back(N::normalized, {forward(N::pooled), forward(N::mean_square), forward(N::normalized)});
  }
}

void Graph::add_softmax_gradient(const Recipe& recipe, const Plan& plan) {
  const SlotArithmetic& arithmetic = plan.at(gradient(N::logits));
  const Name y = arithmetic.saved == Saved::stored ? N::weights : N::softmax;
  const bool closed = is_closed(arithmetic.softmax_vjp) || is_online(recipe.softmax);
  if (closed || recipe.softmax == Softmax::log_softmax) {
    add(gradient(N::logits), {gradient(N::weights), forward(y)});
    return;
  }
  std::vector<Slot> reads{gradient(N::weights), forward(N::exp), forward(N::denominator)};
  if (recipe.softmax != Softmax::naive) {
    reads.push_back(forward(N::logits));
    reads.push_back(forward(N::row_max));
  }
  add(gradient(N::logits), std::move(reads));
}

void Graph::add_pool_gradients(const Recipe& recipe, const Plan& plan, Extras extras) {
  add(gradient(N::products), {gradient(N::pooled)});
  add(gradient(N::weights), {gradient(N::products), forward(N::values)});
  add(gradient(N::values), {gradient(N::products), forward(N::weights)});
  add_softmax_gradient(recipe, plan);
  add(gradient(N::kv), {gradient(N::values)});
  const bool bias_first = recipe.pipeline == Pipeline::bias_first;
  const Name padded = bias_first ? N::logits : N::padded_gate;
  if (!bias_first) add(gradient(N::padded_gate), {gradient(N::logits)});
  if (extras.prior) {
    add(gradient(N::prior_kv), {gradient(N::values)});
    add(gradient(N::prior_gate), {gradient(padded)});
  }
  if (bias_first) add(gradient(N::biased), {gradient(N::logits)});
  std::vector<Slot> bias_reads{gradient(bias_first ? N::biased : N::logits)};
  if (bias_first && extras.prior) bias_reads.push_back(gradient(N::logits));
  add(gradient(N::ape), std::move(bias_reads));
  add(gradient(N::gate), {gradient(bias_first ? N::biased : N::padded_gate)});
}

void Graph::add_projection_gradients() {
  add(gradient(N::w_kv), {gradient(N::kv), forward(N::hidden)});
  add(gradient(N::w_gate), {gradient(N::gate), forward(N::hidden)});
  add(gradient(N::hidden_kv), {gradient(N::kv), forward(N::w_kv)});
  add(gradient(N::hidden_gate), {gradient(N::gate), forward(N::w_gate)});
  add(gradient(N::hidden), {gradient(N::hidden_kv), gradient(N::hidden_gate)});
}

void Graph::explain_absences(const Recipe& recipe, const Config& config) {
  const auto explain = [&](Name name, const std::string& reason) {
    for (const Slot slot : {forward(name), gradient(name)}) {
      const bool input = slot.direction == Direction::forward && is_input(name);
      if (!input && !computes(slot) && find_slot(to_string(slot))) absent_.emplace(slot, reason);
    }
  };
  const auto explain_gradient = [&](Name name, const std::string& reason) {
    if (!computes(gradient(name))) absent_.emplace(gradient(name), reason);
  };
  const bool bias_first = recipe.pipeline == Pipeline::bias_first;
  explain(bias_first ? N::padded_gate : N::biased,
          bias_first ? "bias_first adds the bias before the window, so no padded gate exists"
                     : "pad_first adds the bias after the window, so no biased gate exists");
  for (const Name name : {N::row_max, N::shifted, N::exp, N::denominator, N::log_denominator, N::softmax}) {
    explain_gradient(name, "inside the softmax's VJP, which gives grad.logits at once");
  }
  for (const Name name : {N::row_max, N::shifted, N::exp, N::log_denominator, N::products}) {
    explain(name, "the recipe's softmax algorithm does not write it");
  }
  if (!config.norm) {
    for (const Name name : {N::mean_square, N::normalized, N::normed, N::gamma}) explain(name, "norm is off");
  }
  explain_gradient(N::mean_square, "inside the norm's VJP, which gives grad.pooled at once");
  for (const Name name : {N::prior_kv, N::prior_gate}) explain(name, "the problem has no prior window");
  for (const Name name : {N::rope_frequencies, N::rope_cos, N::rope_sin, N::rotated})
    explain(name, "the config has no RoPE");
  explain(N::hadamard, "the config has no Hadamard transform");
  explain(N::quantized, "the config does not quantise");
}

Graph::Need Graph::need(const std::vector<Slot>& wanted, const std::array<bool, slot_count>& given) const {
  std::array<bool, slot_count> compute{};
  std::array<bool, slot_count> leaf{};
  std::vector<Slot> pending = wanted;
  while (!pending.empty()) {
    const Slot slot = pending.back();
    pending.pop_back();
    if (compute[slot.index()] || leaf[slot.index()]) continue;
    if (given[slot.index()] || !computes(slot)) {
      leaf[slot.index()] = true;
      continue;
    }
    compute[slot.index()] = true;
    for (const Slot read : reads(slot)) pending.push_back(read);
  }
  Need need;
  for (const Slot slot : order_) {
    if (compute[slot.index()]) need.compute.push_back(slot);
  }
  for (std::size_t index = 0; index < slot_count; ++index) {
    const bool backward = index >= name_count;
    const Slot slot{static_cast<Name>(backward ? index - name_count : index),
                    backward ? Direction::backward : Direction::forward};
    if (leaf[index]) need.leaves.push_back(slot);
  }
  return need;
}

}  // namespace ulpscope::compressor
