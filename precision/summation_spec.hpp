// SPDX-License-Identifier: Apache-2.0
// How a sum is formed, as data.
#pragma once

#include <array>
#include <cstddef>
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
/// - cascade:K: K cascades of every K-th term; what no cascade has room for joins the first; then the others' sums. A
///   cascade adds blocks of 2^p, blocks of 2^p of those, and once more, p = max(4, floor(ceil(log2 n) / 4)) [PyTorch].
/// - torch_rows:V: PyTorch's sum over the rows of a matrix, V the elements of a vector as they lie in memory (8 for
///   fp32, 16 for bf16): `cascade:1` in columns that fill groups of 32 (of 4 where a row is shorter than V),
///   `cascade:4` in those beyond; a single column is summed along. Where there are no columns to count: `cascade:1`.
/// - torch_channels:V: PyTorch's sum along a row, V as above (8 where it is left out): what is beyond the last V terms,
///   then 8 lanes, a `cascade:4` each; of 16 elements, which are two vectors of fp32, i and i + 8 are added first.
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
    lanes_pairwise,
    cascade,
    torch_rows,
    torch_channels
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

/// V of torch_rows and torch_channels.
constexpr int vector_elements(const Summation& summation) { return summation.count == 0 ? 8 : summation.sizes[0]; }

/// Columns of rows as wide as `width` in which the order is that of column 0; the others have one order too.
std::size_t alike_columns(const Summation& summation, std::size_t width);
/// The order in one of those columns, one that depends on no column.
Summation at_column(const Summation& summation, std::size_t column, std::size_t width);

}  // namespace ulpscope::precision
