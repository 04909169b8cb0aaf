// SPDX-License-Identifier: Apache-2.0
// S1, S2 and the order of everything: forward, then the VJP in reverse.
#include "reference/oracle.hpp"

#include <string>
#include <xtensor/xmanipulation.hpp>
#include <xtensor/xmath.hpp>

#include "precision/format.hpp"
#include "reference/arrays.hpp"
#include "reference/entries.hpp"
#include "reference/pool.hpp"
#include "reference/rope.hpp"
#include "reference/windows.hpp"

namespace ulpscope::reference {
namespace {

using compressor::Config;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Pipeline;
using compressor::Problem;
using compressor::Slot;
using compressor::Tape;

// Y = X W^T
Entries project(const Entries& x, const Matrix& w) { return split_batch(product(join_batch(x), xt::transpose(w)), x); }

// dX = dY W
Entries project_vjp_input(const Entries& dy, const Matrix& w) { return split_batch(product(join_batch(dy), w), dy); }

// dW = dY^T X
Matrix project_vjp_weight(const Entries& dy, const Entries& x) {
  const Matrix rows = join_batch(dy);
  return product(xt::transpose(rows), join_batch(x));
}

class Oracle {
 public:
  Oracle(const Problem& problem, const OracleOptions& options)
      : problem_(problem), config_(problem.config), options_(options), slots_(problem, options) {}

  Tape run() {
    project_tokens();
    fill_windows();
    pool_windows();
    finish_entries();
    entries_vjp();
    pool_windows_vjp();
    bias_vjp();
    project_tokens_vjp();
    explain_absences();
    return std::move(tape_);
  }

 private:
  bool bias_first() const { return options_.pipeline == Pipeline::bias_first; }
  bool has_prior() const { return problem_.has(Name::prior_kv); }

  template <std::size_t N>
  xt::xtensor<double, N> input(Name name) const {
    return to_array<N>(problem_.input(name));
  }
  Entries prior(Name name) const { return has_prior() ? input<3>(name) : Entries::from_shape({0, 0, 0}); }

  template <std::size_t N>
  void set(Slot slot, const xt::xtensor<double, N>& array) {
    tape_.set(slot, to_tensor(array), fp64_);
  }

  // S1: K = H Wkv^T,  Z = H Wg^T
  void project_tokens() {
    const auto hidden = input<3>(Name::hidden);
    kv_ = project(hidden, input<2>(Name::w_kv));
    gate_ = project(hidden, input<2>(Name::w_gate));
    set(forward(Name::kv), kv_);
    set(forward(Name::gate), gate_);
  }

  // S2: Z[b,i,j] += P[j];  S3: slots from tokens. pad_first: the same sum after S3, in every slot, pads too.
  void fill_windows() {
    const auto bias = input<2>(Name::ape);
    values_ = slots_.gather(slots_.cut(kv_), prior(Name::prior_kv), options_.kv_pad);
    if (bias_first()) {
      const Windows biased = slots_.cut(gate_) + bias;
      Entries biased_prior = prior(Name::prior_gate);
      if (has_prior()) biased_prior += bias;
      logits_ = slots_.gather(biased, biased_prior, options_.gate_pad);
      set(forward(Name::biased), biased);
    } else {
      const Windows padded = slots_.gather(slots_.cut(gate_), prior(Name::prior_gate), options_.gate_pad);
      logits_ = padded + slots_.lay_out(bias);
      set(forward(Name::padded_gate), padded);
    }
    set(forward(Name::values), values_);
    set(forward(Name::logits), logits_);
  }

  // S4, S5; nothing is cast, so weights is softmax.
  void pool_windows() {
    pool_ = pool(logits_, values_);
    set(forward(Name::row_max), pool_.row_max);
    set(forward(Name::shifted), pool_.shifted);
    set(forward(Name::exp), pool_.exp);
    set(forward(Name::denominator), pool_.denominator);
    set(forward(Name::softmax), pool_.weights);
    set(forward(Name::weights), pool_.weights);
    set(forward(Name::products), pool_.products);
    set(forward(Name::pooled), pool_.pooled);
  }

  // S6 .. S9
  void finish_entries() {
    Entries last = pool_.pooled;
    const auto follow = [&](Name name, const Entries& entries) { set(forward(name), last = entries); };
    if (config_.norm) {
      norm_ = rms_norm(last, input<1>(Name::gamma), config_.eps);
      set(forward(Name::mean_square), norm_.mean_square);
      set(forward(Name::normalized), norm_.normalized);
      follow(Name::normed, norm_.normed);
    }
    if (config_.rope) {
      const Vector frequencies = rope_frequencies(*config_.rope);
      rope_ = rope_table(entry_positions(config_), frequencies);
      set(forward(Name::rope_frequencies), frequencies);
      set(forward(Name::rope_cos), rope_.cos);
      set(forward(Name::rope_sin), rope_.sin);
      follow(Name::rotated, rotate(last, rope_.cos, rope_.sin));
    }
    if (config_.hadamard) follow(Name::hadamard, hadamard(last));
    if (config_.quantize) follow(Name::quantized, quantize(last, *config_.quantize, amax_floor()));
    set(forward(Name::output), last);
  }

  double amax_floor() const {
    return options_.amax_floor.value_or(config_.quantize->format == "e2m1" ? 6 * 0x1p-126 : 1e-4);
  }

  // S9: straight-through. S8: its own VJP. S7: the rotation by -angle. S6: rms_norm_vjp.
  void entries_vjp() {
    Entries g = options_.loss_scale * input<3>(Name::cotangent);
    set(gradient(Name::output), g);
    if (config_.quantize) set(gradient(Name::quantized), g);
    if (config_.hadamard) {
      set(gradient(Name::hadamard), g);
      g = hadamard(g);
    }
    if (config_.rope) {
      set(gradient(Name::rotated), g);
      g = rotate(g, rope_.cos, -rope_.sin);
    }
    if (config_.norm) {
      set(gradient(Name::normed), g);
      const NormGradient norm = rms_norm_vjp(norm_, input<1>(Name::gamma), config_.eps, g);
      set(gradient(Name::gamma), norm.gamma);
      set(gradient(Name::normalized), norm.normalized);
      g = norm.pooled;
    }
    set(gradient(Name::pooled), g);
    d_pooled_ = g;
  }

  // S5, S4; then S3 and the cut back to tokens, for kv
  void pool_windows_vjp() {
    const PoolGradient g = pool_vjp(pool_, values_, d_pooled_);
    set(gradient(Name::products), g.products);
    set(gradient(Name::weights), g.weights);
    set(gradient(Name::values), g.values);
    set(gradient(Name::logits), g.logits);
    d_logits_ = g.logits;
    d_kv_ = slots_.join(slots_.scatter(g.values));
    set(gradient(Name::kv), d_kv_);
    if (has_prior()) set(gradient(Name::prior_kv), slots_.scatter_prior(g.values));
  }

  // bias_first: dP[j] = sum_{b,i} dZ[b,i,j], and the prior window's.  pad_first: dP = sum_{b,i} dZ[b,i,r] over all
  // slots.
  void bias_vjp() {
    const Windows d_gate = slots_.scatter(d_logits_);
    const Entries d_prior = slots_.scatter_prior(d_logits_);
    if (bias_first()) {
      set(gradient(Name::biased), d_gate);
      Matrix d_bias = sum_entries(d_gate);
      if (has_prior()) d_bias += Matrix(xt::sum(d_prior, {0}));
      set(gradient(Name::ape), d_bias);
    } else {
      set(gradient(Name::padded_gate), d_logits_);
      set(gradient(Name::ape), slots_.lay_back(sum_entries(d_logits_)));
    }
    if (has_prior()) set(gradient(Name::prior_gate), d_prior);
    d_gate_ = slots_.join(d_gate);
    set(gradient(Name::gate), d_gate_);
  }

  // S1: dWkv = dK^T H,  dWg = dZ^T H,  dH = dK Wkv + dZ Wg
  void project_tokens_vjp() {
    const auto hidden = input<3>(Name::hidden);
    set(gradient(Name::w_kv), project_vjp_weight(d_kv_, hidden));
    set(gradient(Name::w_gate), project_vjp_weight(d_gate_, hidden));
    const Entries through_kv = project_vjp_input(d_kv_, input<2>(Name::w_kv));
    const Entries through_gate = project_vjp_input(d_gate_, input<2>(Name::w_gate));
    set(gradient(Name::hidden_kv), through_kv);
    set(gradient(Name::hidden_gate), through_gate);
    set(gradient(Name::hidden), Entries(through_kv + through_gate));
  }

  void explain_absences() {
    const auto explain = [this](std::initializer_list<Name> names, const std::string& reason) {
      for (const Name name : names) {
        for (const Slot slot : {forward(name), gradient(name)}) {
          const bool given = slot.direction == compressor::Direction::forward && is_input(name);
          const bool exists = compressor::find_slot(to_string(slot)).has_value();
          if (exists && !given && !tape_.has(slot)) tape_.set_absent(slot, reason);
        }
      }
    };
    if (bias_first()) explain({Name::padded_gate}, "bias_first has no padded gate");
    if (!bias_first()) explain({Name::biased}, "pad_first adds the bias to the slots, not to the windows");
    explain({Name::row_max, Name::shifted, Name::exp, Name::denominator, Name::softmax},
            "inside the softmax's closed VJP");
    explain({Name::log_denominator}, "the shifted softmax has no log denominator");
    explain({Name::mean_square}, "inside the norm's closed VJP");
    if (!config_.norm) explain({Name::normalized, Name::normed, Name::gamma}, "norm is off");
    explain({Name::rope_frequencies, Name::rope_cos, Name::rope_sin, Name::rotated}, "the config has no RoPE");
    if (!has_prior()) explain({Name::prior_kv, Name::prior_gate}, "the problem has no prior window");
    explain({Name::hadamard}, "the config has no Hadamard transform");
    explain({Name::quantized}, "the config does not quantise");
  }

  const Problem& problem_;
  const Config& config_;
  const OracleOptions& options_;
  SlotMap slots_;
  precision::Format fp64_ = precision::parse_format("fp64");
  Entries kv_, gate_;
  Windows values_, logits_;
  Pool pool_;
  Norm norm_;
  RopeTable rope_;
  Entries d_pooled_, d_kv_, d_gate_;
  Windows d_logits_;
  Tape tape_;
};

}  // namespace

Tape oracle(const Problem& problem, const OracleOptions& options) { return Oracle(problem, options).run(); }

}  // namespace ulpscope::reference
