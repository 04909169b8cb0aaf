// SPDX-License-Identifier: Apache-2.0
// Residuals of the exact invariants and what bounds them.
#include "tests/laws/support/invariants.hpp"

#include <limits>

#include "core/compressor/evaluate.hpp"

namespace ulpscope::test {

using namespace compressor;
using N = Name;

namespace {

/// The larger; NaN where either is one, as std::max does not have it.
Real larger(const Real& a, const Real& b) {
  if (isnan(a)) return a;
  return isnan(b) || b > a ? b : a;
}

}  // namespace

Values<Real> in_real(const Tape& tape, const std::vector<Slot>& slots) {
  Values<Real> values;
  for (const Slot slot : slots) {
    const Tensor& tensor = tape.find(slot)->tensor;
    for (std::size_t i = 0; i < tensor.size(); ++i) values[slot].emplace_back(tensor.at(i));
  }
  return values;
}

Invariants::Invariants(const Problem& problem, const Recipe& recipe, Values<Real> slots)
    : config_(effective_config(problem.config, recipe)),
      slots_(std::move(slots)),
      padded_(padded_slots(problem, config_, recipe)) {}

std::vector<Slot> Invariants::slots() {
  return {forward(N::weights), forward(N::values),      forward(N::pooled),  gradient(N::weights), gradient(N::logits),
          gradient(N::values), gradient(N::normalized), gradient(N::pooled), gradient(N::ape)};
}

const Real& Invariants::at(Slot slot, std::size_t row, std::size_t channel) const {
  return slots_.at(slot)[row * config_.head_dim + channel];
}

/// sum_r |w_r g_r|: what the terms of the softmax VJP are made of.
Real Invariants::weighted_cotangents(std::size_t window, std::size_t c) const {
  Real sum = 0;
  for (std::size_t row = window * config_.window_slots(); row < (window + 1) * config_.window_slots(); ++row) {
    sum += abs(at(forward(N::weights), row, c) * at(gradient(N::weights), row, c));
  }
  return sum;
}

Real Invariants::mass(std::size_t window, std::size_t c) const {
  Real sum = -1;
  for (std::size_t r = 0; r < config_.window_slots(); ++r)
    sum += at(forward(N::weights), window * config_.window_slots() + r, c);
  return sum;
}

Real Invariants::logit_gradients(std::size_t window, std::size_t c) const {
  Real sum = 0;
  for (std::size_t r = 0; r < config_.window_slots(); ++r)
    sum += at(gradient(N::logits), window * config_.window_slots() + r, c);
  return sum / weighted_cotangents(window, c);
}

Real Invariants::value_gradients(std::size_t window, std::size_t c) const {
  const Real& whole = at(gradient(N::pooled), window, c);
  Real sum = -whole;
  for (std::size_t r = 0; r < config_.window_slots(); ++r)
    sum += at(gradient(N::values), window * config_.window_slots() + r, c);
  return sum / whole;
}

/// How far C lies outside [min V, max V] over the slots that hold a token, relative to max |V|.
Real Invariants::outside_hull(std::size_t window, std::size_t c) const {
  Real high = -std::numeric_limits<Real>::infinity();
  Real negated_low = high;
  for (std::size_t r = 0; r < config_.window_slots(); ++r) {
    const std::size_t row = window * config_.window_slots() + r;
    if (padded_[row] != 0) continue;
    high = larger(high, at(forward(N::values), row, c));
    negated_low = larger(negated_low, -at(forward(N::values), row, c));
  }
  const Real& pooled = at(forward(N::pooled), window, c);
  const Real outside = larger(0, larger(pooled - high, -negated_low - pooled));
  return outside / larger(abs(negated_low), abs(high));
}

/// Both halves of every row: each alone does not vanish.
Real Invariants::bias_gradients(std::size_t c) const {
  Real sum = 0;
  for (std::size_t row = 0; row < config_.ratio * config_.halves(); ++row) sum += at(gradient(N::ape), row, c);
  Real terms = 0;
  for (std::size_t w = 0; w < config_.batch * config_.windows(); ++w) terms += weighted_cotangents(w, c);
  return sum / terms;
}

Real Invariants::radial(std::size_t window) const {
  Real square = 0;
  Real along = 0;
  Real cotangent = 0;
  Real terms = 0;
  for (std::size_t c = 0; c < config_.head_dim; ++c) {
    const Real& pooled = at(forward(N::pooled), window, c);
    square += pooled * pooled;
    along += pooled * at(gradient(N::pooled), window, c);
    cotangent += pooled * at(gradient(N::normalized), window, c);
    terms += abs(pooled * at(gradient(N::normalized), window, c));
  }
  const Real rho = 1 / sqrt(square / config_.head_dim + Real(config_.eps));
  return (along - rho * rho * rho * Real(config_.eps) * cotangent) / (rho * terms);
}

Real Invariants::largest(Real (Invariants::*residual)(std::size_t, std::size_t) const) const {
  Real largest = 0;
  for (std::size_t w = 0; w < config_.batch * config_.windows(); ++w) {
    for (std::size_t c = 0; c < config_.head_dim; ++c) largest = larger(largest, abs((this->*residual)(w, c)));
  }
  return largest;
}

/// Roundings on the way, counted in the formulas of an implementation that computes everything in one format:
/// 1: a quotient and the L-1 additions of the denominator; exp is the same value above and below.
/// 2: each y (g - s) is rounded twice, |g| + |s| sums to 2 terms; s has L roundings, sum y another L.
/// 3: a product, and 1. 4: sums over the B n windows of terms whose absolute values add to 2, and 2.
/// 5: mass (L) and a sum of products (L). 6: rho (d+6), the mean (d+3), three roundings of each of two terms.
std::vector<Residual> Invariants::residuals() const {
  const std::size_t slots = config_.window_slots();
  const std::size_t windows = config_.batch * config_.windows();
  const std::size_t width = config_.head_dim;
  Real gauge = 0;
  for (std::size_t c = 0; c < width; ++c) gauge = larger(gauge, abs(bias_gradients(c)));
  Real norm = 0;
  for (std::size_t w = 0; w < windows; ++w) norm = larger(norm, abs(radial(w)));
  return {{"weights sum to 1", largest(&Invariants::mass), slots},
          {"logit gradients cancel", largest(&Invariants::logit_gradients), 2 * slots + 6},
          {"value gradients sum to grad.pooled", largest(&Invariants::value_gradients), slots + 1},
          {"bias gradients cancel over all rows", gauge, 2 * slots + 2 * windows + 8},
          {"pooled lies between the values", largest(&Invariants::outside_hull), 2 * slots + 1},
          {"the gradient of pooled has no radial part", norm, 2 * width + 20}};
}

}  // namespace ulpscope::test
