// SPDX-License-Identifier: Apache-2.0
// Which slots are pads, and the engine in float and double.
#include "core/compressor/evaluate.hpp"

#include <numeric>

#include "core/compressor/evaluator.inl"

namespace ulpscope::compressor {
namespace {

/// Whether the problem's masks and segments hide tokens, by the recipe's policies.
class Tokens {
 public:
  Tokens(const Problem& problem, const Config& config, const Recipe& recipe)
      : config_(config), segments_(recipe.segments), prior_(problem.has(Name::prior_gate)) {
    if (recipe.mask == MaskPolicy::pad && problem.has(Name::attention_mask))
      mask_ = &problem.input(Name::attention_mask);
    if (segments_ != SegmentPolicy::ignore && problem.has(Name::segment_ids)) ids_ = &problem.input(Name::segment_ids);
  }

  /// Whether softmax slot r of a window holds no token.
  bool pads(std::size_t batch, std::size_t window, std::size_t r) const {
    const bool previous = config_.overlap && r < config_.ratio;
    if (previous && window == 0) return !prior_;
    if (previous && hides_previous_half(batch, window)) return true;
    const std::size_t j = config_.overlap && !previous ? r - config_.ratio : r;
    const std::size_t token = (window - (previous ? 1 : 0)) * config_.ratio + j;
    return masked(batch, token) || of_other_document(batch, window, token);
  }

 private:
  bool masked(std::size_t batch, std::size_t token) const {
    return mask_ != nullptr && mask_->at(batch * config_.seq + token) == 0;
  }
  /// previous_half: a window that mixes documents, or follows another one's, does not see the window before.
  bool hides_previous_half(std::size_t batch, std::size_t window) const {
    if (ids_ == nullptr || segments_ != SegmentPolicy::previous_half) return false;
    return window_id(batch, window) != window_id(batch, window - 1);
  }
  /// strict: a slot is kept iff its token is of the document of the window's last token.
  bool of_other_document(std::size_t batch, std::size_t window, std::size_t token) const {
    if (ids_ == nullptr || segments_ != SegmentPolicy::strict) return false;
    return id(batch, token) != id(batch, (window + 1) * config_.ratio - 1);
  }

  double id(std::size_t batch, std::size_t token) const { return ids_->at(batch * config_.seq + token); }
  double window_id(std::size_t batch, std::size_t window) const {
    const double first = id(batch, window * config_.ratio);
    for (std::size_t j = 1; j < config_.ratio; ++j) {
      if (id(batch, window * config_.ratio + j) != first) return -1;
    }
    return first;
  }

  const Config& config_;
  SegmentPolicy segments_;
  bool prior_;
  const Tensor* mask_ = nullptr;
  const Tensor* ids_ = nullptr;
};

}  // namespace

std::vector<std::uint8_t> padded_slots(const Problem& problem, const Config& config, const Recipe& recipe) {
  const Tokens tokens(problem, config, recipe);
  const std::size_t slots = config.window_slots();
  std::vector<std::uint8_t> flags(config.batch * config.windows() * slots);
  for (std::size_t i = 0; i < flags.size(); ++i) {
    const std::size_t row = i / slots;
    flags[i] = tokens.pads(row / config.windows(), row % config.windows(), i % slots) ? 1 : 0;
  }
  return flags;
}

std::size_t default_block_windows(const Config& config) {
  constexpr std::size_t tokens = 2048;
  const std::size_t period = std::lcm(config.ratio, blas_rows);
  return std::max<std::size_t>(tokens / period, 1) * period / config.ratio;
}

template Values<float> evaluate<float>(const Evaluation<float>&);
template Values<double> evaluate<double>(const Evaluation<double>&);

}  // namespace ulpscope::compressor
