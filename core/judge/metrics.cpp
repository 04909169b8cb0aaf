// SPDX-License-Identifier: Apache-2.0
// The streaming pass. Comparisons that decide a verdict are written so that NaN fails.
#include "core/judge/metrics.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "core/compressor/parallel.hpp"

namespace ulpscope::judge {
namespace {

constexpr std::size_t map_side = 32;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

std::size_t block_size(std::size_t count) { return std::max<std::size_t>(1, (count + map_side - 1) / map_side); }

double ratio_of_norms(double error, double truth) {
  if (error == 0) return 0;
  return std::sqrt(error / truth);  // truth 0: infinite
}

/// The smallest double r for which |error| <= r * |truth| holds in double arithmetic, given the quotient rounded.
double passing_ratio(double quotient) { return quotient == 0 ? 0 : std::nextafter(quotient, infinity); }

}  // namespace

std::size_t Meter::segment_rows(const Layout& layout) {
  return std::max<std::size_t>(1, (std::size_t{1} << 18) / std::max<std::size_t>(1, layout.channels));
}

Meter::Meter(const precision::Format& format, const Layout& layout)
    : ruler_(format), layout_(layout), truth_low_(infinity), truth_high_(-infinity) {
  const std::size_t columns = layout.has_channels ? layout.channels : 0;
  for (Sums* sums : {&segment_, &total_}) {
    sums->windows.resize(layout.windows);
    sums->channels.resize(layout.windows != 0 ? columns : 0);
  }
  if (layout.windows == 0) return;
  map_window_block_ = block_size(layout.windows);
  map_channel_block_ = block_size(layout.channels);
  ErrorMap map;
  map.rows = (layout.windows + map_window_block_ - 1) / map_window_block_;
  map.columns = (layout.channels + map_channel_block_ - 1) / map_channel_block_;
  map.max_ulp.resize(map.rows * map.columns);
  map.underflowed.resize(map.rows * map.columns);
  map_ = std::move(map);
}

void Meter::add(std::size_t first, const Chunk& chunk) {
  const std::size_t size = chunk.run.size();
  assert(size == chunk.truth.size() && first + size <= layout_.size());
  const std::size_t rows_per_segment = segment_rows(layout_);
  for (std::size_t done = 0; done < size;) {
    const std::size_t row = (first + done) / layout_.channels;
    const std::size_t channel = (first + done) % layout_.channels;
    const std::size_t count = std::min(layout_.channels - channel, size - done);
    add_row(row, channel, chunk.part(done, count));
    done += count;
    if (channel + count == layout_.channels && (row + 1) % rows_per_segment == 0) close_segment();
  }
}

void Meter::add_row(std::size_t row, std::size_t channel, const Chunk& chunk) {
  const auto& [run, truth, tail] = chunk;
  const bool windowed = layout_.windows != 0;
  const std::size_t window = windowed ? layout_.window_of_row(row) : 0;
  const std::size_t map_row = windowed ? window / map_window_block_ * map_->columns : 0;
  count_ += run.size();
  for (std::size_t i = 0; i < run.size(); ++i) {
    const std::uint64_t underflowed = classes_.underflowed;
    const std::optional<double> error =
        add_pair(row * layout_.channels + channel + i, {run[i], truth[i], chunk.tail_at(i)});
    if (!windowed) continue;
    const std::size_t cell = map_row + (channel + i) / map_channel_block_;
    map_->underflowed[cell] += classes_.underflowed - underflowed;
    if (!error) continue;
    const Norms norms{*error * *error, truth[i] * truth[i]};
    map_->max_ulp[cell] = std::max(map_->max_ulp[cell], last_ulp_);
    segment_.windows[window].error += norms.error;
    segment_.windows[window].truth += norms.truth;
    if (segment_.channels.empty()) continue;
    segment_.channels[channel + i].error += norms.error;
    segment_.channels[channel + i].truth += norms.truth;
  }
}

std::optional<double> Meter::add_pair(std::size_t flat, const Pair& pair) {
  const auto [run, truth, tail] = pair;
  const double magnitude = std::fabs(run);
  const double truth_magnitude = std::fabs(truth);
  if (!(magnitude < infinity) || !(truth_magnitude < infinity)) {
    add_nonfinite(run, truth);
    return std::nullopt;
  }
  classes_.zero += run == 0;
  classes_.underflowed += run == 0 && truth != 0;
  classes_.subnormal += run != 0 && magnitude < ruler_.min_normal();
  truth_low_ = std::min(truth_low_, truth);
  truth_high_ = std::max(truth_high_, truth);
  ++compared_;

  const double error = (run - truth) - tail;
  const double error_magnitude = std::fabs(error);
  last_ulp_ = ruler_.distance(run, truth, tail);
  ulps_.add(last_ulp_);
  errors_.add(truth_magnitude, error_magnitude);
  segment_.all.error += error * error;
  segment_.all.truth += truth * truth;
  segment_.cross += error * truth;
  max_abs_ = std::max(max_abs_, error_magnitude);
  if (error != 0) max_rel_ = std::max(max_rel_, error_magnitude / truth_magnitude);
  if (last_ulp_ > worst_ulp_) {
    worst_ulp_ = last_ulp_;
    worst_ = Worst{flat, run, truth};
  }
  return error;
}

void Meter::add_nonfinite(double run, double truth) {
  classes_.nan += std::isnan(run);
  classes_.pos_inf += run == infinity;
  classes_.neg_inf += run == -infinity;
  classes_.zero += run == 0;
  classes_.underflowed += run == 0 && std::isinf(truth);
  classes_.subnormal += run != 0 && std::fabs(run) < ruler_.min_normal();
  classes_.overflowed += std::isinf(run) && std::isfinite(truth);
  const bool same = (std::isnan(run) && std::isnan(truth)) || run == truth;
  classes_.class_mismatch += !same;
}

void Meter::Sums::add(const Sums& other) {
  const auto add_norms = [](Norms& to, const Norms& from) {
    to.error += from.error;
    to.truth += from.truth;
  };
  add_norms(all, other.all);
  cross += other.cross;
  for (std::size_t i = 0; i < windows.size(); ++i) add_norms(windows[i], other.windows[i]);
  for (std::size_t i = 0; i < channels.size(); ++i) add_norms(channels[i], other.channels[i]);
}

void Meter::close_segment() {
  total_.add(segment_);
  segment_.all = {};
  segment_.cross = 0;
  std::fill(segment_.windows.begin(), segment_.windows.end(), Norms{});
  std::fill(segment_.channels.begin(), segment_.channels.end(), Norms{});
}

void Meter::merge(const Meter& next) {
  Sums following = next.total_;  // one segment: closed already, or still open
  following.add(next.segment_);
  total_.add(following);
  count_ += next.count_;
  compared_ += next.compared_;
  Classes& c = classes_;
  const Classes& n = next.classes_;
  c = {
      c.nan + n.nan,   c.pos_inf + n.pos_inf,         c.neg_inf + n.neg_inf,       c.subnormal + n.subnormal,
      c.zero + n.zero, c.underflowed + n.underflowed, c.overflowed + n.overflowed, c.class_mismatch + n.class_mismatch};
  max_abs_ = std::max(max_abs_, next.max_abs_);
  max_rel_ = std::max(max_rel_, next.max_rel_);
  truth_low_ = std::min(truth_low_, next.truth_low_);
  truth_high_ = std::max(truth_high_, next.truth_high_);
  if (next.worst_ulp_ > worst_ulp_) {
    worst_ulp_ = next.worst_ulp_;
    worst_ = next.worst_;
  }
  ulps_.merge(next.ulps_);
  errors_.merge(next.errors_);
  if (!map_) return;
  for (std::size_t i = 0; i < map_->max_ulp.size(); ++i) {
    map_->max_ulp[i] = std::max(map_->max_ulp[i], next.map_->max_ulp[i]);
    map_->underflowed[i] += next.map_->underflowed[i];
  }
}

void Meter::summarise(Metrics& metrics, const Sums& sums) const {
  metrics.max_abs = max_abs_;
  metrics.max_rel = max_rel_;
  metrics.max_ulp = worst_ulp_;
  metrics.rms_rel = ratio_of_norms(sums.all.error, sums.all.truth);
  metrics.bias_rel = sums.all.error == 0 ? 0 : sums.cross / sums.all.truth;
  metrics.p50_ulp = ulps_.quantile(0.50, worst_ulp_);
  metrics.p99_ulp = ulps_.quantile(0.99, worst_ulp_);
  metrics.bits = std::clamp(-std::log2(metrics.rms_rel), 0.0, 53.0);
  const auto worst_of = [](const std::vector<Norms>& norms) {
    std::optional<WorstPart> worst;
    for (std::size_t i = 0; i < norms.size(); ++i) {
      const double relative = ratio_of_norms(norms[i].error, norms[i].truth);
      if (!worst || relative > worst->rms_rel) worst = WorstPart{i, relative};
    }
    return worst;
  };
  metrics.worst_window = worst_of(sums.windows);
  metrics.worst_channel = worst_of(sums.channels);
  metrics.minimum = {passing_ratio(max_rel_), max_abs_, worst_ulp_};
}

std::string Meter::weakness(const Metrics& metrics, const Sums& sums) const {
  if (metrics.count == 0) return "nothing to compare: the slot is empty";
  if (metrics.compared == 0) return "no element is finite on both sides";
  if (sums.all.truth == 0) return "the truth is 0 everywhere";
  if (truth_low_ == truth_high_ && metrics.compared > 1) return "the truth is constant";
  return "";
}

Metrics Meter::result() const {
  Sums sums = total_;
  sums.add(segment_);
  Metrics metrics;
  metrics.count = count_;
  metrics.compared = compared_;
  metrics.classes = classes_;
  if (compared_ == 0) {
    metrics.max_abs = metrics.max_rel = metrics.max_ulp = metrics.rms_rel = metrics.bias_rel = nan;
    metrics.p50_ulp = metrics.p99_ulp = metrics.bits = nan;
  } else {
    summarise(metrics, sums);
  }
  if (classes_.class_mismatch != 0 || count_ == 0) metrics.minimum = {infinity, infinity, infinity};
  metrics.worst = worst_;
  metrics.ulps = ulps_.coarse();
  metrics.errors = errors_.cells();
  metrics.map = map_;
  metrics.note = weakness(metrics, sums);
  return metrics;
}

namespace {

struct Pass {
  const compressor::Tensor& run;
  const compressor::Tensor& truth;
  const Yardstick& yardstick;
};

void copy_doubles(const compressor::Tensor& tensor, std::size_t first, std::span<double> out) {
  std::visit(
      [&](const auto& values) {
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(values[first + i]);
      },
      tensor.data);
}

Meter measure_segment(const Pass& pass, std::size_t segment) {
  const auto& [format, layout, tail] = pass.yardstick;
  Meter meter(format, layout);
  const std::size_t rows = Meter::segment_rows(layout);
  const std::size_t end = std::min(layout.rows, (segment + 1) * rows) * layout.channels;
  std::vector<double> run(4096);
  std::vector<double> truth(4096);
  for (std::size_t first = segment * rows * layout.channels; first < end; first += run.size()) {
    const std::size_t count = std::min(run.size(), end - first);
    copy_doubles(pass.run, first, std::span(run).first(count));
    copy_doubles(pass.truth, first, std::span(truth).first(count));
    meter.add(first, {std::span(run).first(count), std::span(truth).first(count),
                      tail.empty() ? tail : tail.subspan(first, count)});
  }
  return meter;
}

}  // namespace

Metrics measure(const compressor::Tensor& run, const compressor::Tensor& truth, const Yardstick& yardstick,
                unsigned threads) {
  const auto& [format, layout, tail] = yardstick;
  assert(run.size() == truth.size() && run.size() == layout.size() && (tail.empty() || tail.size() == run.size()));
  const Pass pass{run, truth, yardstick};
  const std::size_t rows = Meter::segment_rows(layout);
  const std::size_t segments = (layout.rows + rows - 1) / rows;
  const std::size_t at_once = std::max<std::size_t>(1, threads);
  Meter meter(format, layout);
  for (std::size_t wave = 0; wave < segments; wave += at_once) {
    std::vector<std::optional<Meter>> parts(std::min(segments - wave, at_once));
    compressor::parallel_for({0, parts.size(), 1}, threads, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) parts[i] = measure_segment(pass, wave + i);
    });
    for (const auto& part : parts) meter.merge(*part);
  }
  return meter.result();
}

bool within(double run, double truth, const Tolerance& tolerance, const Ruler& ruler) {
  if (std::isnan(run) && std::isnan(truth)) return tolerance.equal_nan == EqualNan::yes;
  if (!std::isfinite(run) || !std::isfinite(truth)) return run == truth;
  if (tolerance.rtol || tolerance.atol) {
    const double allowed = tolerance.atol.value_or(0) + tolerance.rtol.value_or(0) * std::fabs(truth);
    if (!(std::fabs(run - truth) <= allowed)) return false;
  }
  return !tolerance.ulp || ruler.distance(run, truth) <= *tolerance.ulp;
}

}  // namespace ulpscope::judge
