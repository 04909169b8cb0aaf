// SPDX-License-Identifier: Apache-2.0
// Which operands an element has, by the index arithmetic of windows; the operations are fp64's.
#include "core/judge/ledger_element.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/compressor/evaluate.hpp"
#include "precision/native.hpp"

namespace ulpscope::judge {
namespace {

using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;

/// exp in fp64, which no finite argument makes 0 in exact arithmetic.
double positive_exp(double x) {
  const double value = precision::Native<double>().exp(x);
  return std::isfinite(x) ? std::max(value, std::numeric_limits<double>::denorm_min()) : value;
}

double positive(double x) { return x == 0 ? std::numeric_limits<double>::denorm_min() : x; }

}  // namespace

struct ElementStages::Held {
  compressor::Tensor tensor;
  Values values;
  explicit Held(compressor::Tensor known) : tensor(std::move(known)), values(tensor) {}
  double operator[](std::size_t i) const { return values[i]; }
};

ElementStages::ElementStages(const compressor::Problem& problem, const compressor::Recipe& recipe,
                             const Replayer& replayer, Known known)
    : problem_(problem),
      recipe_(recipe),
      replayer_(replayer),
      config_(replayer.plan().config()),
      grid_(config_, compressor::padded_slots(problem, config_, recipe)),
      known_(std::move(known)),
      skips_(compressor::skips_pads(recipe.softmax, replayer.plan().pad())) {}

std::shared_ptr<const ElementStages::Held> ElementStages::held(Slot slot) const {
  return std::make_shared<const Held>(known_(slot));
}

std::optional<ElementRule> ElementStages::rule(Slot slot) const {
  const bool forwards = slot.direction == compressor::Direction::forward;
  return forwards ? forward_rule(slot.name) : backward_rule(slot.name);
}

ElementRule ElementStages::exponential(Name arguments) const {
  return [this, x = held(forward(arguments))](std::size_t i) { return is_left_out(i) ? 0 : positive_exp((*x)[i]); };
}

/// gate + ape, of the tokens of whole windows
ElementRule ElementStages::biased() const {
  const std::size_t whole = config_.windows() * config_.ratio * config_.features();
  const std::size_t row = config_.seq * config_.features();
  const std::size_t period = config_.ratio * config_.features();
  return [whole, row, period, x = held(forward(Name::gate)), a = held(forward(Name::ape))](std::size_t i) {
    return (*x)[i / whole * row + i % whole] + (*a)[i % period];
  };
}

ElementRule ElementStages::shifted() const {
  return [x = held(forward(Name::logits)), maximum = by_window(forward(Name::row_max))](std::size_t i) {
    return (*x)[i] - maximum(i);
  };
}

/// exp(logit - maximum) / denominator
ElementRule ElementStages::online_softmax() const {
  const auto logits = held(forward(Name::logits));
  const ElementRule maximum = by_window(forward(Name::row_max));
  const ElementRule denominator = by_window(forward(Name::denominator));
  return [this, logits, maximum, denominator](std::size_t i) {
    if (is_left_out(i)) return 0.0;
    const double value = positive_exp((*logits)[i] - maximum(i)) / denominator(i);
    return std::isfinite((*logits)[i]) ? positive(value) : value;
  };
}

/// exp((logit - maximum) - log(denominator))
ElementRule ElementStages::logarithmic_softmax() const {
  const ElementRule logarithm = by_window(forward(Name::log_denominator));
  return [this, logarithm, x = held(forward(Name::shifted))](std::size_t i) {
    return is_left_out(i) ? 0 : positive_exp((*x)[i] - logarithm(i));
  };
}

ElementRule ElementStages::quotient() const {
  return [e = held(forward(Name::exp)), s = by_window(forward(Name::denominator))](std::size_t i) {
    return (*e)[i] / s(i);
  };
}

/// where_post masks after the sum.
ElementRule ElementStages::masked_softmax() const {
  const bool masks = recipe_.softmax == compressor::Softmax::where_post;
  return [this, masks, x = held(forward(Name::softmax))](std::size_t i) {
    return masks && grid_.is_padded(i) ? 0 : (*x)[i];
  };
}

ElementRule ElementStages::copy(Slot slot) const {
  return [x = held(slot)](std::size_t i) { return (*x)[i]; };
}

ElementRule ElementStages::product(Slot a, Slot b) const {
  return [x = held(a), y = held(b)](std::size_t i) { return (*x)[i] * (*y)[i]; };
}

ElementRule ElementStages::sum(Slot a, Slot b) const {
  return [x = held(a), y = held(b)](std::size_t i) { return (*x)[i] + (*y)[i]; };
}

/// A slot with one row a window, at an element of one with L rows.
ElementRule ElementStages::by_window(Slot slot) const {
  return [this, x = held(slot)](std::size_t i) { return (*x)[window_of(i) * grid_.channels() + i % grid_.channels()]; };
}

/// What a row of a window holds: a pad, or a token's half of the features.
std::optional<ElementRule> ElementStages::window_rule(Name name) const {
  if (config_.overlap && problem_.has(Name::prior_kv)) return std::nullopt;
  const bool is_kv = name == Name::values;
  const bool from_biased = name == Name::logits;
  const double pad = is_kv ? replayer_.plan().pad().kv : replayer_.plan().pad().gate;
  const Slot source = forward(is_kv ? Name::kv : from_biased ? Name::biased : Name::gate);
  const std::size_t tokens = from_biased ? config_.windows() * config_.ratio : config_.seq;
  return [this, pad, tokens, x = held(source)](std::size_t i) {
    if (grid_.is_padded(i)) return pad;
    const std::size_t row = i / grid_.channels() % grid_.rows();
    const bool previous = config_.overlap && row < config_.ratio;
    const std::size_t window = window_of(i);
    const std::size_t batch = window / config_.windows();
    const std::size_t first = (window % config_.windows() - (previous ? 1 : 0)) * config_.ratio;
    const std::size_t half = config_.overlap && !previous ? grid_.channels() : 0;
    const std::size_t token = batch * tokens + first + row % config_.ratio;
    return (*x)[token * config_.features() + half + i % grid_.channels()];
  };
}

/// A token's gradient comes from the one window that holds its half; from none behind the last window, and from pads.
ElementRule ElementStages::to_tokens(Slot windows, std::size_t tokens) const {
  return [this, tokens, x = held(windows)](std::size_t i) {
    const std::size_t feature = i % config_.features();
    const std::size_t token = i / config_.features() % tokens;
    const std::size_t batch = i / config_.features() / tokens;
    const bool first_half = config_.overlap && feature < grid_.channels();
    const std::size_t window = token / config_.ratio + (first_half ? 1 : 0);
    if (window >= config_.windows()) return 0.0;
    const std::size_t row = token % config_.ratio + (config_.overlap && !first_half ? config_.ratio : 0);
    const std::size_t at = batch * config_.windows() + window;
    return grid_.is_padded(at, row) ? 0.0 : (*x)[grid_.at(at, row) + feature % grid_.channels()];
  };
}

/// grad.gate of bias_first: whole windows, then nothing.
ElementRule ElementStages::from_biased() const {
  return [this, x = held(gradient(Name::biased))](std::size_t i) {
    const std::size_t whole = config_.windows() * config_.ratio * config_.features();
    const std::size_t row = config_.seq * config_.features();
    return i % row < whole ? (*x)[i / row * whole + i % row] : 0;
  };
}

/// y_r (g_r - sum_q y_q g_q); the sums of a window are kept while its elements are asked for.
ElementRule ElementStages::softmax_vjp() const {
  const auto& reads = replayer_.graph().reads(gradient(Name::logits));
  const auto has = [&](Name name) { return std::find(reads.begin(), reads.end(), forward(name)) != reads.end(); };
  const bool written_out = !has(Name::softmax) && !has(Name::weights);
  const ElementRule y = written_out ? quotient() : copy(forward(has(Name::softmax) ? Name::softmax : Name::weights));
  struct Sums {
    std::size_t window = std::numeric_limits<std::size_t>::max();
    std::vector<double> of;
  };
  const auto sums = std::make_shared<Sums>();
  return [this, y, g = held(gradient(Name::weights)), sums](std::size_t i) {
    const double weight = y(i);
    if (weight == 0) return 0.0;
    const std::size_t window = window_of(i);
    if (sums->window != window) {
      sums->window = window;
      sums->of.assign(grid_.channels(), 0);
      for (std::size_t j = grid_.at(window, 0); j < grid_.at(window + 1, 0); ++j) {
        const double other = y(j);
        if (other != 0) sums->of[j % grid_.channels()] += other * (*g)[j];
      }
    }
    return weight * ((*g)[i] - sums->of[i % grid_.channels()]);
  };
}

/// grad.ape: every window adds what comes to one of its tokens; pad_first, to the softmax slot of that token's half.
std::optional<ElementRule> ElementStages::over_windows() const {
  const bool bias_first = recipe_.pipeline == compressor::Pipeline::bias_first;
  if (bias_first && problem_.has(Name::prior_gate)) return std::nullopt;
  const Name name = bias_first ? Name::biased : Name::logits;
  const std::size_t step = bias_first ? config_.ratio * config_.features() : grid_.rows() * grid_.channels();
  return [this, bias_first, step, x = held(gradient(name))](std::size_t i) {
    const std::size_t feature = i % config_.features();
    const std::size_t half = feature / grid_.channels();
    const std::size_t row = i / config_.features() + half * config_.ratio;
    const std::size_t first = bias_first ? i : row * grid_.channels() + feature % grid_.channels();
    double sum = 0;
    for (std::size_t at = first; at < x->tensor.size(); at += step) sum += (*x)[at];
    return sum;
  };
}

std::optional<ElementRule> ElementStages::forward_rule(Name name) const {
  const bool online = compressor::is_online(recipe_.softmax);
  const bool logarithmic = recipe_.softmax == compressor::Softmax::log_softmax;
  switch (name) {
    case Name::values:
    case Name::padded_gate:
      return window_rule(name);
    case Name::logits:
      if (recipe_.pipeline == compressor::Pipeline::bias_first) return window_rule(name);
      return std::nullopt;
    case Name::biased:
      return biased();
    case Name::shifted:
      return shifted();
    case Name::exp:
      return exponential(recipe_.softmax == compressor::Softmax::naive ? Name::logits : Name::shifted);
    case Name::softmax:
      if (logarithmic) return logarithmic_softmax();
      return online ? online_softmax() : quotient();
    case Name::weights:
      return masked_softmax();
    case Name::products:
      return product(forward(Name::weights), forward(Name::values));
    default:
      return std::nullopt;
  }
}

std::optional<ElementRule> ElementStages::backward_rule(Name name) const {
  const bool bias_first = recipe_.pipeline == compressor::Pipeline::bias_first;
  switch (name) {
    case Name::products:
      return by_window(gradient(Name::pooled));
    case Name::weights:
      return product(gradient(Name::products), forward(Name::values));
    case Name::values:
      return product(gradient(Name::products), forward(Name::weights));
    case Name::logits:
      return softmax_vjp();
    case Name::padded_gate:
      return copy(gradient(Name::logits));
    case Name::kv:
      return to_tokens(gradient(Name::values), config_.seq);
    case Name::biased:
      return to_tokens(gradient(Name::logits), config_.windows() * config_.ratio);
    case Name::ape:
      return over_windows();
    case Name::gate:
      return bias_first ? from_biased() : to_tokens(gradient(Name::padded_gate), config_.seq);
    case Name::hidden:
      return sum(gradient(Name::hidden_kv), gradient(Name::hidden_gate));
    default:
      return std::nullopt;
  }
}

}  // namespace ulpscope::judge
