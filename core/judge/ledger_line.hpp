// SPDX-License-Identifier: Apache-2.0
// Ledger lines: what underflow, flushes, clamping and absorption did to one slot, and what that cost; plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/compressor/slot.hpp"
#include "core/io/json.hpp"

namespace ulpscope::judge {

/// What an element lost by.
enum class Mechanism : std::uint8_t {
  exponential,   ///< exp of a finite number is below what its format holds
  division,      ///< e / s, or its rounding
  product,       ///< a product of factors that are not 0
  sum,           ///< a sum whose exact value is below what its format holds, or that its roundings brought to 0
  cancellation,  ///< a difference that its operands' roundings brought to 0
  storage,       ///< the cast to the format of the slot: the format before it holds the value
  flush,         ///< FTZ or DAZ: the format has a subnormal number there
  quantize,      ///< the scale of the element's block
  saturation,    ///< beyond the largest finite number of a format that saturates
  absorption,    ///< an addend so small that the sum is the other addend
  unexplained,   ///< a dump holds 0 where the recipe gives another value
};
std::string_view to_string(Mechanism mechanism);

/// What became of the element.
enum class Effect : std::uint8_t { zero, subnormal, clamped, absorbed };
std::string_view to_string(Effect effect);

struct Cause {
  Mechanism mechanism;
  Effect effect;
  std::uint64_t count = 0;
};

/// One row of a softmax, or its channel of an entry.
struct Spot {
  std::size_t window = 0;  ///< batch row major
  std::size_t channel = 0;
  std::string place;  ///< "window 0, channel 17"
};

/// Of `weights`: what rows lack to 1, over rows that are finite and have a token.
struct MassAccount {
  double lost = 0;         ///< 1 - sum of weights, where it is farthest from 0
  double before_cast = 0;  ///< 1 - sum of softmax in that row; NaN: softmax is not known
  Spot at;
  double rms = 0;      ///< of 1 - sum of weights over all rows
  double flushed = 0;  ///< largest sum of exact weights, by the run's own logits, of the slots that hold 0
  Spot flushed_at;
};

/// Of `weights`: slots without a token beside slots with one.
struct PadAccount {
  std::string slots;  ///< "0..3" of the window whose pads hold the largest mass
  double mass = 0;    ///< the sum of their weights
  Spot at;
  double pad = 0;     ///< the logit of a pad where the next is
  double gap = 0;     ///< smallest M - pad, M the largest logit of a token; inf where pads are -inf
  double needed = 0;  ///< beyond this gap the weight is 0, whatever the denominator
  Spot nearest;
};

/// Of the sum of gate and bias (of `logits` where a dump holds the gate and not the sum), over the elements with a
/// token and a bias that is not 0.
struct BiasAccount {
  int precision = 0;         ///< bits of the bias's format
  std::uint64_t count = 0;   ///< elements
  double bits_lost = 0;      ///< mean over elements of the bias's bits below the last place of the sum
  std::size_t worst = 0;     ///< feature channel
  double worst_lost = 0;     ///< its mean
  std::vector<double> lost;  ///< mean per feature channel; NaN where no bias
};

/// Of `logits`: their distance to the truth's, which is the relative error that it makes in a weight.
struct LogitAccount {
  double worst = 0;
  double rms = 0;
};

/// Of the slot that exponentiates (of `weights` where a dump does not hold it), over slots with a token.
struct ExpAccount {
  std::string format;          ///< of the exponential
  double lowest = 0;           ///< smallest finite argument
  double zero_below = 0;       ///< at and below it exp rounds to 0 in its format
  double subnormal_below = 0;  ///< below it exp is subnormal
  Spot at;
};

/// Of `denominator` (of `weights` where a dump does not hold it).
struct DenominatorAccount {
  bool subtracts_maximum = true;
  double smallest = 0;
  std::uint64_t below_one = 0;
};

/// Of `pooled`: what the weights that hold 0 would have added, by the run's own logits and values.
struct PooledAccount {
  double rms_rel = 0;           ///< its norm / ||truth||
  std::optional<double> share;  ///< of the error of pooled, signed; nothing: there is no error
};

/// One slot. Elements that are NaN or infinite are not counted: they have certificates of their own.
struct LedgerLine {
  compressor::Slot slot;
  std::string stage;
  std::string format;
  std::uint64_t count = 0;
  std::uint64_t zero = 0;
  /// Zeros where the exact stage on the run's own inputs is not 0; nothing: those inputs are not kept.
  std::optional<std::uint64_t> became_zero;
  std::uint64_t at_pads = 0;    ///< of those, in softmax slots without a token
  std::uint64_t subnormal = 0;  ///< not 0, below the smallest normal number of the format
  std::uint64_t flushed = 0;    ///< zeros that FTZ or DAZ made
  std::uint64_t saturated = 0;
  std::uint64_t absorbed = 0;  ///< sums that equal the gate though the bias is not 0; without pads
  std::vector<Cause> causes;
  double lost_here = 0;           ///< ||exact stage where it became zero|| / ||exact stage there, the run elsewhere||
  std::uint64_t underflowed = 0;  ///< truth not 0, run 0
  double lost = 0;                ///< ||truth there|| / ||truth||
  std::optional<MassAccount> mass;
  std::optional<PadAccount> pads;
  std::optional<BiasAccount> bias;
  std::optional<LogitAccount> logits;
  std::optional<ExpAccount> exp;
  std::optional<DenominatorAccount> denominator;
  std::optional<PooledAccount> pooled;
  std::string sentence;  ///< empty: nothing to say
};

io::Json to_json(const LedgerLine& line);

}  // namespace ulpscope::judge
