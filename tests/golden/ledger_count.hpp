// SPDX-License-Identifier: Apache-2.0
// Counts over a tape in long double, written out from the formulas: what the ledger must agree with.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/judge/slot_product.hpp"
#include "precision/rounding.hpp"
#include "precision/ulp.hpp"
#include "tests/golden/golden.hpp"

namespace ulpscope::test {

/// Zeros whose stage is not 0 on the tape's own values: at least, and at most where roundings of a sum could decide.
struct Counted {
  std::uint64_t zero = 0, subnormal = 0, underflowed = 0;
  std::uint64_t became_zero_least = 0, became_zero_most = 0;
  std::uint64_t stored_least = 0, stored_most = 0;  ///< subnormal numbers that were normal ones of the accumulator
  double lost = 0;
  double lost_here = 0;  ///< what stages that are known give where the tape has 0
};
struct Mass {
  double worst = 0, rms = 0, flushed = 0, pads = 0;
};
struct Bias {
  std::uint64_t count = 0, absorbed = 0;
  double bits_lost = 0;
};

class BruteForce {
 public:
  using Name = compressor::Name;
  using Slot = compressor::Slot;
  using Real = long double;

  BruteForce(const compressor::Problem& problem, const compressor::Recipe& recipe, const compressor::Tape& tape,
             const compressor::Tape& truth)
      : problem_(problem),
        recipe_(recipe),
        tape_(tape),
        truth_(truth),
        plan_(recipe, problem.config),
        config_(compressor::effective_config(problem.config, recipe)),
        m_(config_.ratio),
        rows_(config_.window_slots()),
        d_(config_.head_dim),
        f_(config_.features()),
        entries_(config_.batch * config_.windows()) {
    const auto& inputs = recipe.spec["inputs"];
    ape_format_ = precision::parse_format(inputs.contains("ape") ? inputs["ape"].get<std::string>() : "fp32");
  }

  Counted count(Slot slot) const {
    const auto& record = *tape_.find(slot);
    const auto* truth = truth_.find(slot);
    Counted counted;
    double lost = 0;
    double norm = 0;
    Real here = 0, held = 0;
    for (std::size_t i = 0; i < record.tensor.size(); ++i) {
      const double value = record.tensor.at(i);
      const double exact = truth == nullptr ? 0 : truth->tensor.at(i);
      if (std::isfinite(value)) held += static_cast<Real>(value) * value;
      if (std::isfinite(exact)) norm += exact * exact;
      counted.subnormal += value != 0 && std::fabs(value) < std::ldexp(1.0, record.format.emin);
      if (value != 0 && std::fabs(value) < std::ldexp(1.0, record.format.emin)) add_subnormal(slot, i, counted);
      if (value != 0) continue;
      ++counted.zero;
      counted.underflowed += exact != 0;
      if (std::isfinite(exact)) lost += exact * exact;
      const Exact stage = exact_stage(slot, i);
      here += stage.value * stage.value;
      // fp64's own sums are good to a part in 2^40 of their terms, here; beyond that both answers are right.
      counted.became_zero_least += stage.known && std::fabs(stage.value) > stage.terms * 0x1p-40L;
      counted.became_zero_most += !stage.known || stage.terms != 0 || stage.value != 0;
    }
    counted.lost = lost == 0 ? 0 : std::sqrt(lost / norm);
    counted.lost_here = here == 0 ? 0 : static_cast<double>(std::sqrt(here / (here + held)));
    return counted;
  }

  Mass mass() const {
    Mass mass;
    double squares = 0;
    for (std::size_t window = 0; window < entries_; ++window) {
      for (std::size_t c = 0; c < d_; ++c) {
        Real sum = 0, pads = 0, flushed = 0;
        for (std::size_t r = 0; r < rows_; ++r) {
          const Real w = at(Name::weights, place(window, r, c));
          sum += w;
          if (is_pad(window, r)) pads += w;
          if (w == 0) flushed += exact_weight(window, r, c);
        }
        const double off = std::fabs(static_cast<double>(1 - sum));
        squares += off * off;
        mass.worst = std::max(mass.worst, off);
        mass.flushed = std::max(mass.flushed, static_cast<double>(flushed));
        mass.pads = std::max(mass.pads, static_cast<double>(pads));
      }
    }
    mass.rms = std::sqrt(squares / static_cast<double>(entries_ * d_));
    return mass;
  }

  bool has_pads() const { return config_.overlap; }

  double gap() const {
    double gap = HUGE_VAL;
    for (std::size_t window = 0; window < entries_; window += config_.windows()) {
      for (std::size_t c = 0; c < d_; ++c) {
        for (std::size_t r = 0; r < m_; ++r) {
          double largest = -HUGE_VAL;
          for (std::size_t q = m_; q < rows_; ++q)
            largest = std::max(largest, static_cast<double>(at(Name::logits, place(window, q, c))));
          gap = std::min(gap, largest - static_cast<double>(at(Name::logits, place(window, r, c))));
        }
      }
    }
    return gap;
  }

  double smallest(Name name) const {
    double low = HUGE_VAL;
    for (std::size_t i = 0; i < size(name); ++i) low = std::min(low, static_cast<double>(at(name, i)));
    return low;
  }

  double lowest_shifted() const {
    double low = 0;
    for (std::size_t i = 0; i < size(Name::shifted); ++i) {
      const bool pad = is_pad(i / (rows_ * d_), i / d_ % rows_);
      if (!pad) low = std::min(low, static_cast<double>(at(Name::shifted, i)));
    }
    return low;
  }

  Bias bias() const {
    const bool bias_first = recipe_.pipeline == compressor::Pipeline::bias_first;
    const Name sum = bias_first ? Name::biased : Name::logits;
    const auto& arithmetic = plan_.at(compressor::forward(sum));
    const auto& coarse =
        arithmetic.compute.precision < arithmetic.storage.precision ? arithmetic.compute : arithmetic.storage;
    Bias bias;
    for (std::size_t i = 0; i < size(sum); ++i) {
      if (!bias_first && is_pad(i / (rows_ * d_), i / d_ % rows_)) continue;
      const double a = ape_of(i, sum);
      if (a == 0) continue;
      ++bias.count;
      const double s = static_cast<double>(at(sum, i));
      const double g = static_cast<double>(gate_of(i, sum));
      bias.absorbed += s == g;
      double lost = s == 0 ? 0 : std::log2(precision::ulp(s, coarse) / precision::ulp(a, ape_format_));
      lost = std::min(std::max(lost, 0.0), static_cast<double>(ape_format_.precision));
      bias.bits_lost += s == g ? ape_format_.precision : lost;
    }
    if (bias.count != 0) bias.bits_lost /= static_cast<double>(bias.count);
    return bias;
  }

 private:
  /// Of a matrix product.
  void add_subnormal(Slot slot, std::size_t i, Counted& counted) const {
    if (!judge::is_matrix_product(slot)) return;
    const Exact stage = exact_stage(slot, i);
    const Real normal = std::ldexp(1.0L, plan_.at(slot).accumulate.emin);
    counted.stored_least += std::fabs(stage.value) - stage.terms * 0x1p-40L >= normal;
    counted.stored_most += std::fabs(stage.value) + stage.terms * 0x1p-40L >= normal;
  }

  /// A stage at one element, and the sum of the absolute values of its terms (0: it has one term only).
  struct Exact {
    Real value = 0, terms = 0;
    bool known = true;
    void add(Real term) {
      value += term;
      terms += std::fabs(term);
    }
  };
  static Exact one(Real value) { return {value, 0, true}; }
  static Exact unknown() { return {0, 0, false}; }

  const compressor::Tensor& tensor(Slot slot) const { return tape_.find(slot)->tensor; }
  bool has(Slot slot) const { return tape_.has(slot); }
  std::size_t size(Name name) const { return tensor(compressor::forward(name)).size(); }
  Real at(Name name, std::size_t i) const { return static_cast<Real>(tensor(compressor::forward(name)).at(i)); }
  Real grad(Name name, std::size_t i) const { return static_cast<Real>(tensor(compressor::gradient(name)).at(i)); }
  Real input(Name name, std::size_t i) const { return static_cast<Real>(problem_.input(name).at(i)); }
  std::size_t place(std::size_t window, std::size_t r, std::size_t c) const { return (window * rows_ + r) * d_ + c; }
  bool is_pad(std::size_t window, std::size_t r) const {
    return config_.overlap && window % config_.windows() == 0 && r < m_;
  }
  /// [ratio, c*d]: row r < ratio of an overlapping window is the first half.
  double ape_of(std::size_t i, Name sum) const {
    const std::size_t r = i / d_ % rows_;
    const std::size_t at =
        sum == Name::biased ? i / f_ % m_ * f_ + i % f_ : r % m_ * f_ + (config_.overlap && r >= m_ ? d_ : 0) + i % d_;
    return precision::round(problem_.input(Name::ape).at(at), ape_format_);
  }
  Real gate_of(std::size_t i, Name sum) const {
    if (sum != Name::biased) return at(Name::padded_gate, i);
    const std::size_t tokens = config_.windows() * m_;
    const std::size_t token = i / f_;
    return at(Name::gate, (token / tokens * config_.seq + token % tokens) * f_ + i % f_);
  }

  Real exact_weight(std::size_t window, std::size_t r, std::size_t c) const {
    Real largest = -HUGE_VALL, sum = 0;
    for (std::size_t q = 0; q < rows_; ++q) largest = std::max(largest, at(Name::logits, place(window, q, c)));
    for (std::size_t q = 0; q < rows_; ++q) sum += std::exp(at(Name::logits, place(window, q, c)) - largest);
    return std::exp(at(Name::logits, place(window, r, c)) - largest) / sum;
  }

  Exact dot(std::size_t count, const std::function<Real(std::size_t)>& term) const {
    Exact exact;
    for (std::size_t k = 0; k < count; ++k) exact.add(term(k));
    return exact;
  }

  Exact exact_stage(Slot slot, std::size_t i) const {
    return slot.direction == compressor::Direction::forward ? exact_forward(slot.name, i)
                                                            : exact_backward(slot.name, i);
  }

  Exact exact_forward(Name name, std::size_t i) const {
    const std::size_t h = config_.hidden;
    const bool online = compressor::is_online(recipe_.softmax);
    switch (name) {
      case Name::kv:
      case Name::gate: {
        const Name w = name == Name::kv ? Name::w_kv : Name::w_gate;
        return dot(h, [&](std::size_t k) { return input(Name::hidden, i / f_ * h + k) * input(w, i % f_ * h + k); });
      }
      case Name::biased:
        return dot(2, [&](std::size_t k) { return k == 0 ? gate_of(i, name) : static_cast<Real>(ape_of(i, name)); });
      case Name::shifted:
        return one(at(Name::logits, i) - at(Name::row_max, i / (rows_ * d_) * d_ + i % d_));
      case Name::exp:
        return one(std::isfinite(at(Name::shifted, i)) ? 1 : 0);
      case Name::softmax: {
        if (online) return one(std::isfinite(at(Name::logits, i)) ? 1 : 0);
        return one(at(Name::exp, i) / at(Name::denominator, i / (rows_ * d_) * d_ + i % d_));
      }
      case Name::weights:
        return one(at(Name::softmax, i));
      case Name::products:
        return one(at(Name::weights, i) * at(Name::values, i));
      case Name::normalized:
        return one(at(Name::pooled, i));
      case Name::normed:
        return one(at(Name::normalized, i) * input(Name::gamma, i % d_));
      default:
        return unknown();
    }
  }

  Exact exact_backward(Name name, std::size_t i) const {
    const std::size_t h = config_.hidden;
    const std::size_t tokens = config_.batch * config_.seq;
    const bool kv = name == Name::w_kv || name == Name::hidden_kv;
    const Name above = kv ? Name::kv : Name::gate;
    switch (name) {
      case Name::products:
        return one(grad(Name::pooled, i / (rows_ * d_) * d_ + i % d_));
      case Name::weights:
        return one(grad(Name::products, i) * at(Name::values, i));
      case Name::values:
        return one(grad(Name::products, i) * at(Name::weights, i));
      case Name::logits:
        return exact_softmax_vjp(i);
      case Name::w_kv:
      case Name::w_gate:
        return dot(tokens,
                   [&](std::size_t t) { return grad(above, t * f_ + i / h) * input(Name::hidden, t * h + i % h); });
      case Name::hidden_kv:
      case Name::hidden_gate: {
        const Name w = kv ? Name::w_kv : Name::w_gate;
        return dot(f_, [&](std::size_t k) { return grad(above, i / h * f_ + k) * input(w, k * h + i % h); });
      }
      case Name::hidden:
        return dot(2, [&](std::size_t k) { return grad(k == 0 ? Name::hidden_kv : Name::hidden_gate, i); });
      default:
        return unknown();
    }
  }

  /// y_r (g_r - sum_q y_q g_q), terms y_r |g_r| and y_r |y_q g_q|.
  Exact exact_softmax_vjp(std::size_t i) const {
    const Name y = has(compressor::forward(Name::softmax)) ? Name::softmax : Name::weights;
    const std::size_t window = i / (rows_ * d_);
    Exact exact;
    exact.add(at(y, i) * grad(Name::weights, i));
    for (std::size_t q = 0; q < rows_; ++q) {
      const std::size_t j = place(window, q, i % d_);
      exact.add(-at(y, i) * at(y, j) * grad(Name::weights, j));
    }
    return exact;
  }

  const compressor::Problem& problem_;
  const compressor::Recipe& recipe_;
  const compressor::Tape& tape_;
  const compressor::Tape& truth_;
  compressor::Plan plan_;
  compressor::Config config_;
  std::size_t m_, rows_, d_, f_, entries_;
  precision::Format ape_format_;
};

}  // namespace ulpscope::test
