// SPDX-License-Identifier: Apache-2.0
// Sums over a target's elements, in flat order.
#include "core/judge/attribution_sum.hpp"

#include <algorithm>
#include <cmath>

#include "core/judge/dump.hpp"

namespace ulpscope::judge {
namespace {

double at_or_zero(const std::vector<double>& values, std::size_t i) { return values.empty() ? 0 : values[i]; }

double difference_at(const Enclosure& a, const Enclosure& b, std::size_t i) {
  if (!std::isfinite(a.value[i]) || !std::isfinite(b.value[i])) return a.value[i] == b.value[i] ? 0 : std::nan("");
  return (a.value[i] - b.value[i]) + (at_or_zero(a.tail, i) - at_or_zero(b.tail, i));
}

constexpr double u = 0x1p-53;
/// Above the roundings of those few operations that compute a radius, and of sums of up to 2^30 of them.
constexpr double upward = 1 + 0x1p-20;

/// Of two differences and their sum, each within u of itself.
double roundings_at(const Enclosure& a, const Enclosure& b, std::size_t i) {
  if (!std::isfinite(a.value[i]) || !std::isfinite(b.value[i])) return 0;
  const double tails = std::fabs(at_or_zero(a.tail, i) - at_or_zero(b.tail, i));
  return 2 * u * (std::fabs(a.value[i] - b.value[i]) + tails) * upward;
}

std::vector<double> cropped_values(std::vector<double> values, const compressor::Shape& from,
                                   const compressor::Shape& to) {
  if (values.empty()) return values;
  return compressor::to_doubles(cropped(compressor::Tensor{from, std::move(values), io::DType::f64}, to));
}

}  // namespace

Difference difference(const Enclosure& a, const Enclosure& b) {
  Difference out;
  out.value.resize(a.value.size());
  for (std::size_t i = 0; i < out.value.size(); ++i) out.value[i] = difference_at(a, b, i);
  if (a.radius.empty() && b.radius.empty()) return out;
  out.radius.resize(out.value.size());
  for (std::size_t i = 0; i < out.value.size(); ++i) {
    out.radius[i] = (at_or_zero(a.radius, i) + at_or_zero(b.radius, i)) * upward + roundings_at(a, b, i);
  }
  return out;
}

Enclosure enclosure_of(const compressor::Tensor& tensor) {
  return {tensor.shape, compressor::to_doubles(tensor), {}, {}};
}

void crop(Enclosure& enclosure, const compressor::Shape& shape) {
  if (enclosure.shape == shape) return;
  for (std::vector<double>* values : {&enclosure.value, &enclosure.tail, &enclosure.radius})
    *values = cropped_values(std::move(*values), enclosure.shape, shape);
  enclosure.shape = shape;
}

bool Admitted::leave_out(const std::vector<double>& value) {
  bool any = false;
  for (std::size_t i = 0; i < in_.size(); ++i) {
    if (in_[i] == 0 || !std::isnan(value[i])) continue;
    in_[i] = 0;
    any = true;
  }
  return any;
}

std::size_t Admitted::excluded() const { return static_cast<std::size_t>(std::count(in_.begin(), in_.end(), 0)); }

OwnedError::OwnedError(const Difference& error, const Enclosure& truth, const Admitted& admitted)
    : error_(error), admitted_(admitted) {
  for (std::size_t i = 0; i < error.value.size(); ++i) {
    if (!admitted.at(i) || !std::isfinite(truth.value[i])) continue;
    const double e = error.value[i];
    square_ += e * e;
    square_slack_ += (2 * std::fabs(e) + at_or_zero(error.radius, i)) * at_or_zero(error.radius, i);
    truth_ += truth.value[i] * truth.value[i];
  }
  square_slack_ = (square_slack_ + static_cast<double>(error.value.size() + 1) * u * square_) * upward;
}

Contribution OwnedError::contribution(const Difference& part) const {
  double dot = 0;
  double slack = 0;
  double square = 0;
  double sizes = 0;
  for (std::size_t i = 0; i < part.value.size(); ++i) {
    if (!admitted_.at(i)) continue;
    const double c = part.value[i];
    const double e = error_.value[i];
    dot += c * e;
    sizes += std::fabs(c * e);
    square += c * c;
    const double own = at_or_zero(part.radius, i);
    slack += own * std::fabs(e) + (std::fabs(c) + own) * at_or_zero(error_.radius, i);
  }
  Contribution out;
  out.rms_rel = square == 0 ? 0 : std::sqrt(square / truth_);
  if (!(square_ > 0)) return out;
  out.share = dot / square_;
  if (!part.radius.empty()) {
    slack += static_cast<double>(part.value.size() + 1) * u * sizes;
    const double least = square_ - square_slack_;
    const double quotient = u * std::fabs(*out.share);
    out.radius = least > 0 ? ((slack + std::fabs(*out.share) * square_slack_) / least + quotient) * upward : HUGE_VAL;
  }
  return out;
}

double OwnedError::residual(const std::vector<double>& sum) const {
  double square = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    if (!admitted_.at(i)) continue;
    const double rest = error_.value[i] - sum[i];
    square += rest * rest;
  }
  return square_ > 0 ? std::sqrt(square / square_) : 0;
}

}  // namespace ulpscope::judge
