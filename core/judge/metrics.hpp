// SPDX-License-Identifier: Apache-2.0
// Metrics: what one pass over a slot's values and its truth says about the error. Classes first, magnitudes second.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/compressor/tape.hpp"
#include "core/judge/histogram.hpp"
#include "core/judge/layout.hpp"
#include "core/judge/ruler.hpp"
#include "precision/format.hpp"

namespace ulpscope::judge {

/// Counts of elements of the run, over ALL elements.
struct Classes {
  std::uint64_t nan = 0;
  std::uint64_t pos_inf = 0;
  std::uint64_t neg_inf = 0;
  std::uint64_t subnormal = 0;  ///< in the slot's format
  std::uint64_t zero = 0;
  std::uint64_t underflowed = 0;     ///< truth non-zero (and not NaN), run zero
  std::uint64_t overflowed = 0;      ///< truth finite, run infinite
  std::uint64_t class_mismatch = 0;  ///< NaN, +inf, -inf, finite: not the same as the truth's
};

struct Worst {
  std::size_t index = 0;  ///< flat
  double value = 0;
  double truth = 0;
};

/// Where the normwise relative error is largest.
struct WorstPart {
  std::size_t index = 0;  ///< window (batch row major) or channel
  double rms_rel = 0;
};

/// At most 32 x 32 cells: blocks of windows x blocks of channels, row-major.
struct ErrorMap {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> max_ulp;
  std::vector<std::uint64_t> underflowed;
};

/// The smallest tolerance that passes when it stands alone; inf where none does.
struct Tolerances {
  double rtol = 0;
  double atol = 0;
  double ulp = 0;
};

/// Magnitudes are over the pairs that are finite on both sides (`compared` of them); NaN where there is none.
struct Metrics {
  std::uint64_t count = 0;
  std::uint64_t compared = 0;
  Classes classes;
  double max_abs = 0;
  double max_rel = 0;
  double max_ulp = 0;
  double rms_rel = 0;
  double bias_rel = 0;
  double p50_ulp = 0;
  double p99_ulp = 0;
  double bits = 0;
  std::optional<Worst> worst;  ///< the element with the largest ulp distance (the first of equals)
  std::optional<WorstPart> worst_window;
  std::optional<WorstPart> worst_channel;
  UlpHistogram::Coarse ulps;
  std::vector<ErrorHistogram::Cell> errors;
  std::optional<ErrorMap> map;
  Tolerances minimum;
  std::string note;  ///< what weakens the comparison: nothing compared, a truth that is zero or constant

  bool classes_equal() const { return classes.class_mismatch == 0; }
};

/// A row of the table of metrics: `list metrics`, `--fail-on NAME>X`.
struct MetricInfo {
  std::string_view name;
  std::string_view unit;
  std::string_view definition;
  double (*value)(const Metrics&);
};
std::span<const MetricInfo> metric_table();
/// Throws InputError with the known names.
const MetricInfo& metric_named(std::string_view name);

/// Accumulates one slot's metrics from chunks in flat order. Sums are taken per segment of a fixed number of rows, and
/// segments are added in order: the same bits for any chunking, and for meters of one segment each merged in order.
class Meter {
 public:
  Meter(const precision::Format& format, const Layout& layout);
  /// Rows per segment; about 2^18 elements.
  static std::size_t segment_rows(const Layout& layout);

  /// A run's elements, their truths, and what these lack as doubles (empty: nothing).
  struct Chunk {
    std::span<const double> run;
    std::span<const double> truth;
    std::span<const double> tail = {};
    Chunk part(std::size_t first, std::size_t count) const {
      return {run.subspan(first, count), truth.subspan(first, count), tail.empty() ? tail : tail.subspan(first, count)};
    }
    double tail_at(std::size_t i) const { return tail.empty() ? 0 : tail[i]; }
  };
  /// Elements first .. first + run.size() - 1; `first` continues the previous chunk (or starts a segment).
  void add(std::size_t first, const Chunk& chunk);
  /// `next` holds exactly the segment that follows.
  void merge(const Meter& next);
  Metrics result() const;

 private:
  struct Norms {
    double error = 0;  ///< sum of squares
    double truth = 0;
  };
  struct Sums {
    Norms all;
    double cross = 0;  ///< sum of error * truth
    std::vector<Norms> windows;
    std::vector<Norms> channels;
    void add(const Sums& other);
  };
  void add_row(std::size_t row, std::size_t channel, const Chunk& chunk);
  /// run - truth - tail; nothing where it is not finite.
  struct Pair {
    double run;
    double truth;
    double tail;
  };
  std::optional<double> add_pair(std::size_t flat, const Pair& pair);
  void add_nonfinite(double run, double truth);
  void close_segment();
  void summarise(Metrics& metrics, const Sums& sums) const;
  std::string weakness(const Metrics& metrics, const Sums& sums) const;

  Ruler ruler_;
  Layout layout_;
  std::size_t map_window_block_ = 1;
  std::size_t map_channel_block_ = 1;
  std::uint64_t count_ = 0;
  std::uint64_t compared_ = 0;
  Classes classes_;
  double max_abs_ = 0;
  double max_rel_ = 0;
  double last_ulp_ = 0;
  double truth_low_ = 0;
  double truth_high_ = 0;
  std::optional<Worst> worst_;
  double worst_ulp_ = -1;
  UlpHistogram ulps_;
  ErrorHistogram errors_;
  std::optional<ErrorMap> map_;
  Sums segment_;
  Sums total_;
};

/// In which format ulps are counted, where an element stands, and what the truth's doubles lack of the truth.
struct Yardstick {
  const precision::Format& format;
  const Layout& layout;
  std::span<const double> tail = {};  ///< empty: nothing that is known
};
/// One pass over two tensors of equal size, on `threads` threads.
Metrics measure(const compressor::Tensor& run, const compressor::Tensor& truth, const Yardstick& yardstick,
                unsigned threads);

/// numpy's rule |run - truth| <= atol + rtol * |truth|, and `ulp` as an alternative that must hold too where it is
/// given. NaN passes only against NaN under `equal_nan`; infinities only against their equals.
enum class EqualNan : std::uint8_t { no, yes };
struct Tolerance {
  std::optional<double> rtol = std::nullopt;
  std::optional<double> atol = std::nullopt;
  std::optional<double> ulp = std::nullopt;
  EqualNan equal_nan = EqualNan::no;
  bool given() const { return rtol || atol || ulp; }
};
bool within(double run, double truth, const Tolerance& tolerance, const Ruler& ruler);

}  // namespace ulpscope::judge
