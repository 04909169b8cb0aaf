// SPDX-License-Identifier: Apache-2.0
// Walking a study: every point of its axes, in parallel, resumable, with means and intervals over seeds.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/studies/results.hpp"

namespace ulpscope::studies {

enum class Extent : std::uint8_t { small, full };

struct WalkOptions {
  Extent extent = Extent::small;
  std::map<std::string, std::vector<std::string>>
      values;                         ///< axis -> the values to walk instead of its own; "a,b" is two
  std::vector<std::string> settings;  ///< the edits that `subject.recipe` makes: kept with the results
  std::size_t seeds = 1;              ///< of random studies; others are measured once
  Subject subject;                    ///< its seed is the first; its truth is computed here
  unsigned threads = 1;
  std::vector<Cell> known;  ///< of an earlier walk with the same seeds and problem: not measured again
  /// (points measured, points in all), now and then.
  std::function<void(std::size_t, std::size_t)> progress;
  /// What is known so far, every fraction of a second and when a walk is cut off by an exception: a copy to keep.
  std::function<void(const Results&)> keep;
};

/// What `study` would walk under the options. Throws InputError: unknown axis or value, with the known ones; a setting
/// that an axis would overrule.
Results planned(const Study& study, const WalkOptions& options);
/// Throws InputError as planned(), and what a poll throws (precision/poll.hpp) once `keep` has the cells so far.
Results run_study(const Study& study, const WalkOptions& options);

/// Results of the same point under several seeds: numbers become their mean and, beside it, "NAME_ci95": half the width
/// of Student's 95% interval; words that differ are listed with their counts, "NaN (3), finite (5)".
io::Json combined(const std::vector<io::Json>& draws);
/// What sentences that rest on such cells must be read with; empty where no cell has a mean.
std::string said_of_means(std::span<const Cell> cells, std::size_t seeds);

}  // namespace ulpscope::studies
