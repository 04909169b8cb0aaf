// SPDX-License-Identifier: Apache-2.0
// Bounds of RoPE tables: every rounding of real_frequencies and of angles, in the order in which they stand there.
#include <algorithm>
#include <cmath>

#include "core/compressor/rope_table_real.hpp"
#include "core/judge/bounds_parts.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Config;
using compressor::Name;
using compressor::Slot;
using compressor::TableArithmetic;
using compressor::Tensor;
using Doubles = std::vector<double>;

/// |log(1 + e)| for |e| <= error.
double log_of(double error) { return -std::log1p(-error); }

/// One frequency and its roundings, to u each; a library's power is off by one ulp.
class Frequency {
 public:
  Frequency(const compressor::Rope& rope, std::size_t k, const precision::Format& format)
      : rope_(rope), u_(roundoff(format)) {
    const double exponent = static_cast<double>(2 * k) / static_cast<double>(rope.dim);
    const double log_theta = std::log(rope.theta);
    period_ = std::exp(exponent * log_theta);
    of_period_ = u_ * exponent * log_theta + log_of(2 * u_) + log_of(u_);
    pair_ = static_cast<double>(k);
    const double largest = period_ * (rope.yarn ? std::max(1., rope.yarn->factor) : 1) * std::exp(of_period_ + 2 * u_);
    overflows_ = !(largest < format.max_finite);
    lost_ = 6 * underflow(format);
  }

  double bound() const {
    if (overflows_) return HUGE_VAL;
    const double plain = 1 / period_;
    const double of_plain = of_period_ + log_of(u_);
    if (!rope_.yarn) return plain * std::expm1(of_plain) + lost_;
    const double stretched = plain / rope_.yarn->factor;
    const double of_stretched = of_period_ + 2 * log_of(u_);
    const auto [keep, error] = kept();
    const double here = stretched * (1 - keep + error) * std::expm1(of_stretched + 2 * log_of(u_)) +
                        plain * (keep + error) * std::expm1(of_plain + log_of(u_)) +
                        std::fabs(plain - stretched) * error;
    const double exact = stretched * (1 - keep) + plain * keep;
    return here + u_ * (exact + here) + lost_;
  }

 private:
  struct Kept {
    double value;  ///< 1 - ramp
    double error;
  };
  Kept kept() const {
    const double pairs = static_cast<double>(rope_.dim);
    const double low = std::max(std::floor(compressor::yarn_pair(rope_, rope_.yarn->beta_fast)), 0.0);
    double high = std::min(std::ceil(compressor::yarn_pair(rope_, rope_.yarn->beta_slow)), pairs - 1);
    if (low == high) high += 0.001;
    const double wide = std::fabs(high - low);
    const double of_above = u_ * low + u_ * (std::fabs(pair_ - low) + u_ * low);
    const double of_wide = u_ * (low + high) + u_ * (wide + u_ * (low + high));
    const double position = (pair_ - low) / (high - low);
    const double keep = 1 - std::clamp(position, 0., 1.);
    if (!(of_wide < wide)) return {keep, 1};
    const double quotient = (of_above + std::fabs(position) * of_wide) / (wide - of_wide);
    const double error = quotient + u_ * (std::fabs(position) + quotient);
    const bool clamped = position + error <= 0 || position - error >= 1;
    return {keep, clamped ? 0 : std::min(1., error) + u_};
  }

  const compressor::Rope& rope_;
  double u_;
  double period_ = 1;
  double of_period_ = 0;
  double pair_ = 0;
  double lost_ = 0;
  bool overflows_ = false;
};

/// cos and sin move by no more than their angle does. Libraries compute in fp32 at the coarsest, to one ulp.
double turned(double angle, double exact, const TableArithmetic& table, const precision::Format& storage) {
  double moved = 0;
  if (table.angles) {
    const double u = roundoff(*table.angles);
    moved = std::fabs(angle) * (2 * u + u * u) + underflow(*table.angles);
  }
  const double library = 2 * std::min(0x1p-24, precision::unit_roundoff(storage));
  return std::min(2., moved) + library * (std::fabs(exact) + std::min(1., moved));
}

}  // namespace

std::optional<LocalBounds> table_bounds(Slot slot, const Replayer& replayer, const compressor::Tape& reads) {
  const compressor::Plan& plan = replayer.plan();
  const Config& config = plan.config();
  if (compressor::level_of(slot) != compressor::Level::table || !config.rope) return std::nullopt;
  const TableArithmetic& table = plan.table();
  const precision::Format& storage = plan.at(slot).storage;
  const Doubles exact = compressor::to_doubles(replayer.exact(slot, reads));
  Doubles bound(exact.size());
  const std::size_t pairs = config.rope->dim / 2;
  for (std::size_t i = 0; i < bound.size(); ++i) {
    double inner = 0;
    if (slot.name == Name::rope_frequencies) {
      inner = table.frequencies ? Frequency(*config.rope, i, *table.frequencies).bound() : 0;
    } else {
      const Tensor& frequencies = reads.find(compressor::forward(Name::rope_frequencies))->tensor;
      const double position =
          static_cast<double>(config.rope->position_offset) + static_cast<double>(i / pairs * config.ratio);
      inner = turned(position * frequencies.at(i % pairs), exact[i], table, storage);
    }
    bound[i] = with_cast(exact[i], inner, storage) + 4 * 0x1p-52 * std::fabs(exact[i]) + 0x1p-60;
  }
  return LocalBounds{exact, bound, bound};
}

}  // namespace ulpscope::judge
