// SPDX-License-Identifier: Apache-2.0
// Judging one slot: rows of errors, the replay rule, the elements that it does not explain. Internal to core/judge.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/judge/exact.hpp"
#include "core/judge/replay.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::judge {

/// What every judged slot needs to know.
struct Bench {
  const compressor::Config& config;  ///< effective
  const compressor::Plan* plan;      ///< null: no recipe
  unsigned threads;
  const Enclosures* truths = nullptr;  ///< null: the tier has none; where truths are finer than double
};

/// The storage format of a slot: the recipe's, else the record's own.
precision::Format format_of(compressor::Slot slot, const compressor::Record& record, const Bench& bench);

/// A row with its identity and, against `truth`, its metrics (truth null: absent there).
Row measured_row(compressor::Slot slot, const compressor::Record& record, const compressor::Record* truth,
                 const Bench& bench);
struct Compared {
  const compressor::Tensor& found;
  const compressor::Tensor& truth;
};
/// Fills in a row's metrics. Rows that hold nothing finite to compare are undecided where classes differ.
void measure_row(Row& row, const Compared& tensors, const Yardstick& yardstick, unsigned threads);
Row absent_row(compressor::Slot slot, const std::string& reason, const Bench& bench);

/// A verdict about one element of a row, still without diagnosis and sentence.
Verdict verdict_at(const Row& row, const Worst& element, const compressor::Config& config);

/// Same class (NaN, +inf, -inf, finite).
bool same_class(double a, double b);
/// Same bits of the value; all NaNs are one.
bool same_value(double a, double b);

/// |found - value| <= 1 ulp + freedom, and of one class.
bool passes(double found, double value, double freedom, const Ruler& ruler);

/// Fills row.replay and gives the flat indices of the elements that fail the replay rule.
std::vector<std::size_t> judge_replay(Row& row, const compressor::Tensor& found, const Replayed& replayed,
                                      const Ruler& ruler);
/// Who may be asked about elements that a replay leaves unexplained, and which rows of the slot were judged.
struct Appeal {
  const Replayer& replayer;
  compressor::Slot slot;
  compressor::Shape whole;
  std::size_t first_row = 0;
};
/// judge_replay; where elements fail and few single roundings on the way explain all of them, none. The row says how
/// the plain replay did.
std::vector<std::size_t> judge_with_appeal(Row& row, const compressor::Tensor& found, const Replayed& replayed,
                                           const Appeal& appeal);
/// Where coarse sums lie on a replay's way, the row of what it does not explain is left undecided: true.
bool leave_to_sums(Row& row, const Replayed& replayed, std::size_t failing);
/// Elements of rows [B,n,F] as elements of the whole [B,N,F], whose row first_row is the first of them; of a slot that
/// is held whole, the same.
std::vector<std::size_t> whole_elements(std::vector<std::size_t> elements, const compressor::Shape& part,
                                        const compressor::Shape& whole, std::size_t first_row = 0);
/// The flat indices of the elements that are not within a tolerance of the truth.
std::vector<std::size_t> judge_tolerance(const compressor::Tensor& found, const compressor::Tensor& truth,
                                         const Tolerance& tolerance, const Ruler& ruler);

/// Of some elements the one to show: the first whose class differs, else the one farthest off in ulps.
std::size_t most_telling(const std::vector<std::size_t>& elements, const compressor::Tensor& found,
                         const compressor::Tensor& expected, const Ruler& ruler);

/// Finite elements that are no numbers of a format.
std::size_t count_unrounded(const compressor::Tensor& tensor, const precision::Format& format);

/// Cuts a replay to the rows that a partial dump holds.
void crop(Replayed& replayed, const compressor::Shape& shape);

}  // namespace ulpscope::judge
