// SPDX-License-Identifier: Apache-2.0
// Row accounts: what rows of the softmax lose, what pads hold, how far exp is from underflow. Internal to core/judge.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/ledger_line.hpp"
#include "core/judge/underflow_point.hpp"

namespace ulpscope::judge {

/// A tensor [windows, rows, channels] whose elements are read in order, without asking for its carrier each time.
class Values {
 public:
  explicit Values(const compressor::Tensor& tensor);
  double operator[](std::size_t i) const { return floats_ != nullptr ? static_cast<double>(floats_[i]) : doubles_[i]; }

 private:
  const float* floats_ = nullptr;
  const double* doubles_ = nullptr;
};

/// Windows of all batch rows; which of their slots hold no token.
class WindowGrid {
 public:
  WindowGrid(const compressor::Config& config, std::vector<std::uint8_t> padded);

  std::size_t windows() const { return windows_; }
  std::size_t rows() const { return rows_; }
  std::size_t channels() const { return channels_; }
  bool is_padded(std::size_t window, std::size_t row) const { return padded_[window * rows_ + row] != 0; }
  /// Of a flat element of a slot with L rows a window.
  bool is_padded(std::size_t element) const { return padded_[element / channels_] != 0; }
  std::size_t pads_of(std::size_t window) const;
  bool has_tokens(std::size_t window) const { return pads_of(window) < rows_; }
  std::size_t at(std::size_t window, std::size_t row) const { return (window * rows_ + row) * channels_; }
  /// window * channels + channel of such an element.
  std::size_t entry_of(std::size_t element) const {
    return element / (rows_ * channels_) * channels_ + element % channels_;
  }
  Spot spot(std::size_t window, std::size_t channel) const;
  /// "0..3", or "0, 2, 5" where they do not follow each other.
  std::string pads_text(std::size_t window) const;

 private:
  std::size_t windows_ = 0;
  std::size_t windows_per_batch_ = 0;
  std::size_t rows_ = 0;
  std::size_t channels_ = 0;
  std::vector<std::uint8_t> padded_;
};

/// A weight that is 0, and what fp64 gives from the run's own logits.
struct ZeroedWeight {
  std::size_t element = 0;
  double exact = 0;
};
/// How the softmax treats slots without a token.
enum class PadRole : std::uint8_t {
  counted,   ///< as any other
  masked,    ///< weight 0 after the sum
  left_out,  ///< of maximum and sum
};
struct LogitRows {
  const compressor::Tensor& weights;
  const compressor::Tensor& logits;
  PadRole pads;
};
/// Those of them that are not 0 in fp64, ascending.
std::vector<ZeroedWeight> zeroed_weights(const LogitRows& rows, const WindowGrid& grid, unsigned threads);

/// `softmax`: before the cast, null where it is not known.
struct WeightRows {
  const compressor::Tensor& weights;
  const compressor::Tensor* softmax = nullptr;
  const std::vector<ZeroedWeight>& zeroed;
};
/// Nothing where no row is finite.
std::optional<MassAccount> mass_account(const WeightRows& rows, const WindowGrid& grid);

/// `needed`: see PadAccount. Nothing where no window has both pads and tokens.
std::optional<PadAccount> pad_account(const compressor::Tensor& weights, const compressor::Tensor& logits,
                                      const WindowGrid& grid, double needed);

/// `arguments`: what exp takes, [windows, rows, channels]; minus `maximum` [windows, channels] where that is not null.
struct ExpRows {
  const compressor::Tensor& arguments;
  const compressor::Tensor* maximum = nullptr;
};
std::optional<ExpAccount> exp_account(const ExpRows& rows, const WindowGrid& grid, const ExpPoints& points);

/// The weights that hold 0, times values, against the error of pooled.
struct PooledRows {
  const std::vector<ZeroedWeight>& zeroed;
  const compressor::Tensor& values;
  const compressor::Tensor& pooled;
  const compressor::Tensor& truth;
};
PooledAccount pooled_account(const PooledRows& rows, const WindowGrid& grid);

LogitAccount logit_account(const compressor::Tensor& logits, const compressor::Tensor& truth, const WindowGrid& grid);

/// Of windows with a token: without one there is nothing to divide.
std::optional<DenominatorAccount> denominator_account(const compressor::Tensor& denominator, const WindowGrid& grid);

}  // namespace ulpscope::judge
