// SPDX-License-Identifier: Apache-2.0
// Loops over arrays at the best SIMD level of the machine. Internal to core/judge.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "precision/simd_level.hpp"

namespace ulpscope::judge {

/// Terms of lines that meet at a time: those of a few lines stay in the first cache.
inline constexpr std::size_t part_terms = 256;
/// Side of the squares in which a matrix is turned.
inline constexpr std::size_t turned_side = 16;
/// In so many lanes the products of a part are added, and then folded onto each other.
inline constexpr std::size_t part_lanes = 32;
inline constexpr std::size_t sum_lanes = 8;

/// One part of a line, and of some others.
template <class T>
struct LineParts {
  const T* line;               ///< [part_terms]
  const T* others;             ///< [., part_terms]
  const std::uint8_t* places;  ///< which of the others
  std::size_t count;
};

/// Of a float's or double's bits, without the sign: their order is that of magnitudes. Signed, for which every
/// processor has a comparison of packs.
template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

/// Neighbours in rows that are scaled and added together.
inline constexpr std::size_t scaled_columns = 64;
/// A term of a sum of scaled rows.
template <class T>
struct ScaledRow {
  T factor;
  std::uint32_t first;  ///< where the row begins
};

/// Such sums, and what bounds their errors: relative * norms[c] + absolute.
template <class T>
struct RowSums {
  const T* sums;        ///< [scaled_columns]
  const double* norms;  ///< [scaled_columns]
  double relative;
  double absolute;
};

/// Values that are looked at together.
inline constexpr std::size_t count_block = 256;
/// Values that are squared together.
inline constexpr std::size_t square_lanes = 32;
/// Zeros and what they should be, which are looked at together.
inline constexpr std::size_t lost_lanes = 8;
struct LostSums {
  std::array<double, lost_lanes> lost{};   ///< squares that meet a zero
  std::array<double, lost_lanes> all{};    ///< squares
  std::array<double, lost_lanes> count{};  ///< numbers and infinities, not 0, that meet a zero
};
/// Neighbours in a row whose squares are added to those of their columns together.
inline constexpr std::size_t row_lanes = 32;

/// Ends between kinds of magnitudes: 0, small ones, ordinary ones, clamped ones, infinity.
template <class T>
struct Ends {
  Bits<T> small;  ///< above 0
  Bits<T> clamp;
};
/// The largest magnitudes that are lost in a step, step by step; in the last any are.
inline constexpr std::size_t loss_steps = 4;
using StepEnds = std::array<double, loss_steps - 1>;
/// Exact values that are told together, where 0 was found: each lies within its error.
inline constexpr std::size_t loss_block = 64;
struct ExactValues {
  const double* values;  ///< [loss_block]
  const double* errors;  ///< [loss_block]
  std::uint64_t asked;   ///< bits: of which something is told
};
/// Of what is neither 0 nor infinite nor NaN, and lost in the same step at both ends.
struct LossSums {
  std::array<std::array<std::int64_t, lost_lanes>, loss_steps> from{};  ///< how many are lost in this step or later
  std::array<double, lost_lanes> squares{};
};
/// Bits.
struct RareLosses {
  std::uint64_t last = 0;  ///< lost in the last step
  std::uint64_t open = 0;  ///< not the same step, or not a loss, at both ends
};
struct BlockCount {
  std::uint64_t zero = 0;
  std::uint64_t small = 0;    ///< zeros too
  std::uint64_t clamped = 0;  ///< finite
  bool is_ordinary() const { return small + clamped == 0; }
};

/// Over arrays of T; every level gives the same numbers.
template <class T>
struct ArrayLoops {
  /// sums[i, :] += products of the line and its i-th other one, rounded, added in lanes: [count, sum_lanes].
  void (*add_parts)(const LineParts<T>& parts, T* sums);
  /// sums[c] += the sum of factor * rows[first + c], rounded, added in order from 0.
  void (*add_scaled)(const ScaledRow<T>* terms, std::size_t count, const T* rows, T* sums);
  /// to[i * part_terms + k] = from[k * row + i], of a square of `turned_side`.
  void (*turn)(const T* from, std::size_t row, T* to);
  /// Of `count_block` values.
  BlockCount (*count)(const T* block, const Ends<T>& ends);
  /// Which of `count_block` values are small or clamped: bits, the first one lowest.
  void (*mark)(const T* block, const Ends<T>& ends, std::uint64_t* bits);
  /// Adds squares of values that are finite to `square_lanes` sums; `count` is a multiple of these.
  void (*add_squares)(const T* values, std::size_t count, double* sums);
  /// Of `count` values and what they should be, whose squares are those that are finite; a multiple of `lost_lanes`.
  void (*add_lost)(const T* values, const double* exact, std::size_t count, LostSums& sums);
  /// What becomes of exact values is added to `sums`.
  RareLosses (*tell_losses)(const ExactValues& exact, const StepEnds& ends, LossSums& sums);
  /// Of sums of scaled rows.
  void (*estimate)(const RowSums<T>& sums, double* values, double* errors);
  /// Adds squares to the sums of their columns and to `row_lanes` of the row; `count` is a multiple of these.
  void (*add_row_squares)(const T* row, std::size_t count, T* columns, T* lanes);
};

/// At a level that the machine must have; T is float or double.
template <class T>
const ArrayLoops<T>& array_loops(precision::SimdLevel level = precision::best_simd_level());

}  // namespace ulpscope::judge
