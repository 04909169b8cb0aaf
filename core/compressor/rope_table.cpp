// SPDX-License-Identifier: Apache-2.0
// RoPE tables in float and double.
#include "core/compressor/rope_table.hpp"

#include <algorithm>
#include <cmath>

#include "core/compressor/rope_table_real.hpp"

namespace ulpscope::compressor {
namespace {

using precision::Real;

Real two_pi() { return 2 * boost::math::constants::pi<Real>(); }

/// Rounds to one format, or keeps what it is given: what depends on the format alone is done once for the table.
class Rounding {
 public:
  explicit Rounding(const std::optional<precision::Format>& format) {
    if (format) rounder_.emplace(*format);
  }
  explicit operator bool() const { return rounder_.has_value(); }
  double operator()(double value) const { return rounder_ ? (*rounder_)(value) : value; }

 private:
  std::optional<precision::Rounder<double>> rounder_;
};

/// cos and sin of position * frequency. The product is rounded where the recipe rounds angles; otherwise it is exact
/// and reduced exactly before the C library sees it (at position 2^20 an unreduced double angle has lost 20 bits).
struct Turn {
  double cos;
  double sin;
};
Turn turn(double position, double frequency, const Rounding& angles) {
  if (angles) {
    const double angle = angles(angles(position) * frequency);
    return {std::cos(angle), std::sin(angle)};
  }
  static const Real circle = two_pi();
  const Real angle = Real(position) * Real(frequency);
  const auto reduced = static_cast<long double>(angle - circle * floor(angle / circle));
  return {static_cast<double>(std::cos(reduced)), static_cast<double>(std::sin(reduced))};
}

}  // namespace

template <class T>
std::vector<T> rope_frequencies(const Config& config, const TableArithmetic& arithmetic) {
  const auto exact = real_frequencies(config, arithmetic);
  std::vector<T> rounded(exact.size());
  std::transform(exact.begin(), exact.end(), rounded.begin(), [](const Real& value) { return static_cast<T>(value); });
  return rounded;
}

template <class T>
RopeTable<T> rope_table(const Config& config, const TableArithmetic& arithmetic, const std::vector<T>& frequencies) {
  RopeTable<T> table;
  const Rounding angles(arithmetic.angles);
  const Rounding stored(arithmetic.storage);
  for (std::size_t i = 0; i < config.windows(); ++i) {
    const auto position = static_cast<double>(config.rope->position_offset) + static_cast<double>(i * config.ratio);
    for (const T frequency : frequencies) {
      const Turn turned = turn(position, static_cast<double>(frequency), angles);
      table.cos.push_back(static_cast<T>(stored(turned.cos)));
      table.sin.push_back(static_cast<T>(stored(turned.sin)));
    }
  }
  return table;
}

template std::vector<float> rope_frequencies<float>(const Config&, const TableArithmetic&);
template std::vector<double> rope_frequencies<double>(const Config&, const TableArithmetic&);
template RopeTable<float> rope_table<float>(const Config&, const TableArithmetic&, const std::vector<float>&);
template RopeTable<double> rope_table<double>(const Config&, const TableArithmetic&, const std::vector<double>&);

}  // namespace ulpscope::compressor
