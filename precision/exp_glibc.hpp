// SPDX-License-Identifier: Apache-2.0
// The fp32 exponential of the GNU C library, bit for bit: what scalar code of most frameworks on Linux calls.
#pragma once

#include "precision/lanes.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace detail {

/// 2^(i/32), rounded to nearest.
ULPSCOPE_HD inline double exp2_of_32nds(int i) {
  constexpr double powers[32] = {
      0x1.0000000000000p+0, 0x1.059b0d3158574p+0, 0x1.0b5586cf9890fp+0, 0x1.11301d0125b51p+0, 0x1.172b83c7d517bp+0,
      0x1.1d4873168b9aap+0, 0x1.2387a6e756238p+0, 0x1.29e9df51fdee1p+0, 0x1.306fe0a31b715p+0, 0x1.371a7373aa9cbp+0,
      0x1.3dea64c123422p+0, 0x1.44e086061892dp+0, 0x1.4bfdad5362a27p+0, 0x1.5342b569d4f82p+0, 0x1.5ab07dd485429p+0,
      0x1.6247eb03a5585p+0, 0x1.6a09e667f3bcdp+0, 0x1.71f75e8ec5f74p+0, 0x1.7a11473eb0187p+0, 0x1.82589994cce13p+0,
      0x1.8ace5422aa0dbp+0, 0x1.93737b0cdc5e5p+0, 0x1.9c49182a3f090p+0, 0x1.a5503b23e255dp+0, 0x1.ae89f995ad3adp+0,
      0x1.b7f76f2fb5e47p+0, 0x1.c199bdd85529cp+0, 0x1.cb720dcef9069p+0, 0x1.d5818dcfba487p+0, 0x1.dfc97337b9b5fp+0,
      0x1.ea4afa2a490dap+0, 0x1.f50765b6e4540p+0};
  return powers[i];
}

/// x = (n + r) ln 2 / 32, |r| <= 1/2: 2^(n/32) from a table, 2^(r/32) a cubic, in binary64 with fused operations.
ULPSCOPE_HD inline float exp_glibc_scalar(float x) {
  if (x != x) return x + x;
  if (x > 0x1.62e42ep6f) return static_cast<float>(infinity());
  if (x < -0x1.9fe368p6f) return 0;
  constexpr double per_unit = 0x1.71547652b82fep+5, magic = 0x1.8p52;
  const double wide = static_cast<double>(x);
  const double shifted = fma(per_unit, wide, magic);
  const double r = fma(per_unit, wide, -(shifted - magic));
  const auto n = static_cast<std::int32_t>(as_bits(shifted));  // its low bits, in two's complement
  const auto exponent = static_cast<std::uint64_t>(static_cast<std::int64_t>(n >> 5)) << 52;
  const double scale = from_bits<double>(as_bits(exp2_of_32nds(n & 31)) + exponent);
  const double square = fma(0x1.c6af84b912394p-20, r, 0x1.ebfce50fac4f3p-13);
  const double line = fma(0x1.62e42ff0c52d6p-6, r, 1.0);
  return static_cast<float>(fma(square, r * r, line) * scale);
}
}  // namespace detail

/// Lane by lane: the table does not fit registers, and whoever asks for it has few channels. Within 0.51 ulp.
template <class V>
ULPSCOPE_HD V exp_glibc(V x) {
  V y = x;
  for (int i = 0; i < lanes_v<V>; ++i) set_lane(y, i, detail::exp_glibc_scalar(lane(x, i)));
  return y;
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
