// SPDX-License-Identifier: Apache-2.0
// How a sum is formed, as data.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ulpscope::precision {

/// How n terms are added; `sizes[0 .. count)` are the numbers after the name.
/// - sequential: s = term(0) rounded, then s = s + term(i).
/// - pairwise: recursive halving; the left half is the largest power of two below n.
/// - blocked:K1,K2..: sums of K1 consecutive terms, each sequential; those sums in blocks of K2; ...; the sums of the
/// last
///   level sequentially.
/// - lanes:K1,K2..: lane i mod K1 sums its terms sequentially; the K1 lane sums in K2 lanes; ...; the last ones
///   sequentially.
/// - lanes_pairwise:K: K lanes as above, then their sums pairwise: (l0 + l1) + (l2 + l3).
/// - kahan: compensated, every operation rounded to the accumulate format [Kahan65].
/// - blas: whatever the BLAS does; here as sequential (who has a BLAS calls it).
/// - tensor_core:F,K: blocks of K products and the accumulator aligned to the largest exponent, cut to F fraction bits,
///   added exactly, rounded toward zero to fp32 [MMA-Sim].
/// - exact: the exact sum, rounded once.
struct Summation {
  enum class Kind : std::uint8_t {
    sequential,
    pairwise,
    blocked,
    lanes,
    kahan,
    blas,
    tensor_core,
    exact,
    lanes_pairwise
  };
  Kind kind = Kind::sequential;
  std::array<int, 4> sizes{};
  int count = 0;
  friend bool operator==(const Summation&, const Summation&) = default;
};

/// "sequential", "blocked:4,4", "tensor_core:25,16"... Throws std::invalid_argument with one sentence listing the
/// names.
Summation parse_summation(std::string_view text);
std::string to_string(const Summation& summation);
/// Every kind as it is written, parameters included: "blocked:K[,K..]".
std::span<const std::string_view> summation_names();

}  // namespace ulpscope::precision
