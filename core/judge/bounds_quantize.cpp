// SPDX-License-Identifier: Apache-2.0
// Bounds of quantised blocks. A block's scale is decided without a rounding, from the run's own inputs; what follows is
// monotone in the size of an element, so each step takes a range of sizes to a range. See quantize.md.
#include <algorithm>
#include <cmath>

#include "core/compressor/kernels/phase.hpp"
#include "core/judge/bounds_parts.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Name;
using compressor::kernels::ElementRounding;
using compressor::rows::BlockRule;
using precision::Format;
using Doubles = std::vector<double>;

/// Where the size of a number lies, whichever way its roundings went.
struct Range {
  double low = 0;
  double high = 0;
};

Range rounded(Range range, Format format) {
  const bool flushes = format.flush_results || format.flush_inputs;
  format.flush_results = format.flush_inputs = false;
  format.mode = precision::RoundingMode::down;
  range.low = precision::round(range.low, format);
  if (flushes && range.low < precision::min_normal(format)) range.low = 0;
  format.mode = precision::RoundingMode::up;
  range.high = precision::round(range.high, format);
  return range;
}

bool is_power_of_two(double x) {
  int exponent = 0;
  return std::frexp(x, &exponent) == .5;
}

/// One block's steps: s to the compute format; x / s in it; the element; times s in it; the cast.
class Block {
 public:
  Block(const compressor::QuantizeRule& rule, const compressor::SlotArithmetic& a, double scale)
      : element_(rule), compute_(a.compute), storage_(a.storage), scale_(rounded({scale, scale}, a.compute)) {
    const bool exact = scale_.low == scale_.high && is_power_of_two(scale);
    of_division_ = exact ? 0 : 0x1p-51;  // of this file's, in fp64, and of the exact stage's
  }

  Range operator()(double x) const {
    const double size = std::fabs(x);
    const bool flushed = compute_.flush_inputs && size < precision::min_normal(compute_);
    const Range reduced = rounded({flushed ? 0 : size / scale_.high * (1 - of_division_),
                                   scale_.low > 0 ? size / scale_.low * (1 + of_division_) : HUGE_VAL},
                                  compute_);
    const Range product{element_(reduced.low) * scale_.low, element_(reduced.high) * scale_.high};
    return rounded(rounded(product, compute_), storage_);
  }

 private:
  ElementRounding element_;
  Format compute_;
  Format storage_;
  Range scale_;
  double of_division_ = 0;
};

}  // namespace

std::optional<LocalBounds> quantized_bounds(compressor::Slot slot, const Replayer& replayer,
                                            const compressor::Tape& reads) {
  const compressor::Config& config = replayer.plan().config();
  if (slot != compressor::forward(Name::quantized) || !config.quantize) return std::nullopt;
  const compressor::QuantizeRule& rule = replayer.plan().quantize();
  const compressor::SlotArithmetic& a = replayer.plan().at(slot);
  const BlockRule of_scale{rule.scale, rule.floor_of, rule.ties, rule.floor, rule.format.max_finite};
  const Doubles before = compressor::to_doubles(reads.find(replayer.graph().reads(slot).front())->tensor);
  LocalBounds bounds{compressor::to_doubles(replayer.exact(slot, reads)), {}, {}};
  bounds.typical.resize(before.size());
  const auto bound = [&](std::size_t i, Range range) {
    const double exact = std::fabs(bounds.exact[i]);
    bounds.typical[i] = std::max(exact - range.low, range.high - exact);
  };
  const std::size_t quantized = config.head_dim - config.quantize->skip_last;
  for (std::size_t entry = 0; entry < before.size(); entry += config.head_dim) {
    for (std::size_t c = 0; c < quantized; c += config.quantize->block) {
      const std::size_t first = entry + c;
      const std::size_t end = first + config.quantize->block;
      double largest = 0;
      for (std::size_t i = first; i < end; ++i) {
        const double size = std::fabs(before[i]);
        if (!std::isnan(largest) && !(size <= largest)) largest = size;
      }
      const Block block(rule, a, compressor::rows::block_scale(of_scale, largest));
      for (std::size_t i = first; i < end; ++i) bound(i, block(before[i]));
    }
    for (std::size_t i = entry + quantized; i < entry + config.head_dim; ++i)
      bound(i, rounded({std::fabs(before[i]), std::fabs(before[i])}, a.storage));
  }
  bounds.worst = bounds.typical;
  for (std::size_t i = 0; i < before.size(); ++i) bounds.worst[i] += 4 * 0x1p-52 * std::fabs(bounds.exact[i]);
  return bounds;
}

}  // namespace ulpscope::judge
