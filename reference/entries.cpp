// SPDX-License-Identifier: Apache-2.0
// RMSNorm, Hadamard and quantiser by their formulas.
#include "reference/entries.hpp"

#include <bit>
#include <cmath>
#include <xtensor/xmath.hpp>

#include "precision/format.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::reference {
namespace {

constexpr std::size_t channel_axis = 2;

/// The smallest power of two with largest * scale >= amax: 2^ceil(log2(amax / largest)), exactly. Both significands lie
/// in one binade once the exponents are aligned, so one comparison decides.
double power_of_two_scale(double amax, double largest) {
  if (!(amax > 0 && std::isfinite(amax))) return amax;
  const int exponent = std::ilogb(amax) - std::ilogb(largest);
  return std::ldexp(1.0, std::ldexp(largest, exponent) < amax ? exponent + 1 : exponent);
}

}  // namespace

Norm rms_norm(const Entries& pooled, const Vector& gamma, double eps) {
  Norm norm;
  // u = C (mean_ch C^2 + eps)^-1/2,  N = gamma u
  norm.mean_square = xt::mean(xt::square(pooled), {channel_axis});
  const Matrix rms = xt::sqrt(norm.mean_square + eps);
  norm.normalized = pooled / at_channels(rms);
  norm.normed = norm.normalized * gamma;
  return norm;
}

NormGradient rms_norm_vjp(const Norm& forward, const Vector& gamma, double eps, const Entries& d_normed) {
  NormGradient g;
  const Entries& u = forward.normalized;
  // dgamma = sum_{b,i} g u
  const Entries gu = d_normed * u;
  g.gamma = sum_entries(gu);
  // q = gamma g;  dC = rho (q - u mean_ch(q u)),  rho = (mean C^2 + eps)^-1/2
  g.normalized = d_normed * gamma;
  const Matrix rho = 1.0 / xt::sqrt(forward.mean_square + eps);
  const Matrix mean_qu = xt::mean(g.normalized * u, {channel_axis});
  g.pooled = at_channels(rho) * (g.normalized - u * at_channels(mean_qu));
  return g;
}

// y_j = d^-1/2 sum_k (-1)^popcount(j and k) x_k
Entries hadamard(const Entries& x) {
  const std::size_t d = x.shape(2);
  auto matrix = Matrix::from_shape({d, d});
  for (std::size_t j = 0; j < d; ++j) {
    for (std::size_t k = 0; k < d; ++k) matrix(j, k) = std::popcount(j & k) % 2 == 0 ? 1.0 : -1.0;
  }
  const Matrix rows = product(join_batch(x), matrix);
  return split_batch(rows / std::sqrt(static_cast<double>(d)), x);
}

// scale = 2^ceil(log2(max(amax, floor) / largest));  y = scale round(x / scale)
Entries quantize(const Entries& x, const compressor::Quantize& rule, double amax_floor) {
  const precision::Format format = precision::parse_format(rule.format);
  const std::size_t quantized = x.shape(2) - rule.skip_last;
  Entries y = x;
  for (auto first = y.begin(); first != y.end(); first += static_cast<std::ptrdiff_t>(x.shape(2))) {
    for (std::size_t block = 0; block < quantized; block += rule.block) {
      const auto begin = first + static_cast<std::ptrdiff_t>(block);
      const auto end = begin + static_cast<std::ptrdiff_t>(rule.block);
      double amax = amax_floor;
      for (auto value = begin; value != end; ++value) {
        if (!(std::abs(*value) <= amax)) amax = std::isnan(amax) ? amax : std::abs(*value);
      }
      const double scale = power_of_two_scale(amax, format.max_finite);
      for (auto value = begin; value != end; ++value) *value = scale * precision::round(*value / scale, format);
    }
  }
  return y;
}

}  // namespace ulpscope::reference
