// SPDX-License-Identifier: Apache-2.0
// The arithmetic plan: a recipe on a config, resolved slot by slot; formats, orders and variants, no strings left.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "core/compressor/algorithms.hpp"
#include "core/compressor/config.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/slot.hpp"
#include "core/compressor/slot_arithmetic.hpp"  // IWYU pragma: export
#include "precision/pow_variant.hpp"

namespace ulpscope::compressor {

/// How the RoPE table is made: frequencies, angles = position * frequency, and cos and sin are each rounded to their
/// format. Absent: exact (computed so precisely that only the next rounding shows).
struct TableArithmetic {
  std::optional<precision::Format> frequencies;
  std::optional<precision::Format> angles;
  std::optional<precision::Format> storage;
  precision::PowChoice power{};  ///< of theta, where frequencies have a format
};

/// How roles are resolved [contract: recipes]:
/// - A role of a stage is a value, or an object by slot whose "*" is every other slot of the stage. Left out:
/// `default`.
/// - `storage` belongs to the stage's last slot; inner slots keep `compute`, sums (denominator, mean_square)
///   keep `accumulate`, row_max the logits' format (online: both the state's), unless an object names them. Left out,
///   it is `default`; or the format that the value is carried in, where all of its values are also values of `default`
///   (the same bits, named truthfully). `window` moves values: left out, its slots keep the formats of kv, gate and
///   biased.
/// - Gradients take the roles of the backward's stage, each left-out field from the forward's stage; except `storage`
/// and
///   `materialize`, which belong to single casts: a gradient is stored in the format of the slot that it is the
///   gradient of, as autograd does; of an input: the format of `inputs`, or `default` where that is as given. A
///   backward `storage` without slots applies to every gradient that the stage writes, but not to grad.output and the
///   last slot's gradient. grad.hidden.kv and grad.hidden.gate take join_hidden's `branches` first.
class Plan {
 public:
  /// Applies the recipe's `omit` to the config itself. Throws InputError where the two contradict each other.
  Plan(const Recipe& recipe, const Config& config);

  const SlotArithmetic& at(Slot slot) const { return slots_[slot.index()]; }
  const SlotArithmetics& all() const { return slots_; }
  /// What an input is rounded to before anything reads it; absent: it stays as given.
  std::optional<precision::Format> input_format(Name name) const;
  const TableArithmetic& table() const { return table_; }
  const QuantizeRule& quantize() const { return quantize_; }
  const Online& online() const { return online_; }
  Butterfly butterfly() const { return butterfly_; }
  const PadValues& pad() const { return pad_; }
  /// Formats of the RoPE table and of quantised elements do not count: their code is apart from the carriers.
  Kind kind() const { return kind_; }
  /// Some operation rounds stochastically.
  bool is_random() const { return random_; }
  /// The stage that computes a slot, forward or backward (see writer_of).
  Stage writer(Slot slot) const { return writer_of(slot, pipeline_, config_); }
  const Config& config() const { return config_; }  ///< effective: without the omitted stages

  /// The stage that computes a slot under a pipeline and an effective config. Inputs: the stage that reads them first.
  /// Gradients: the stage whose backward step computes them: quantize, hadamard, rotate: the slot before them;
  /// scale: grad.normalized, grad.gamma; normalize: grad.pooled; pool: grad.products; products: grad.weights,
  /// grad.values; softmax: grad.logits and those inside; window: grad.kv, grad.prior_*, and grad.biased (bias_first) or
  /// grad.gate (pad_first); bias: grad.ape, and grad.gate (bias_first) or grad.padded_gate (pad_first);
  /// project_*: grad.w_*, grad.hidden.*; join_hidden: grad.hidden.
  static Stage writer_of(Slot slot, Pipeline pipeline, const Config& config);

 private:
  void name_exact_tables();

  Config config_;
  Pipeline pipeline_;
  SlotArithmetics slots_;
  std::map<Name, precision::Format> inputs_;
  TableArithmetic table_;
  QuantizeRule quantize_;
  Online online_;
  Butterfly butterfly_ = Butterfly::ascending;
  PadValues pad_;
  Kind kind_ = Kind::native_float;
  bool random_ = false;
};

}  // namespace ulpscope::compressor
