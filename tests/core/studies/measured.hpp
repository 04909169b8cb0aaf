// SPDX-License-Identifier: Apache-2.0
// One point of a study, measured.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/studies/study.hpp"

namespace ulpscope::test {

using Values = std::map<std::string, std::string>;

/// The study's measures where its axes have these values; an axis that is not named has its first small one.
inline io::Json measured(const std::string& name, const Values& values, const studies::Subject& subject = {}) {
  const studies::Study& study = studies::study_named(name);
  std::vector<std::pair<std::string, std::string>> at;
  for (const studies::Axis& axis : study.axes) {
    const auto found = values.find(axis.name);
    at.emplace_back(axis.name, found == values.end() ? axis.small.front() : found->second);
  }
  return study.measure(studies::Point(std::move(at)), subject);
}

/// A cell by hand, for a study's conclusion: axes that are not named have their first small values, measures are 0.
inline studies::Cell cell(const std::string& name, const Values& values, const io::Json& measures) {
  const studies::Study& study = studies::study_named(name);
  std::vector<std::pair<std::string, std::string>> at;
  for (const studies::Axis& axis : study.axes) {
    const auto found = values.find(axis.name);
    at.emplace_back(axis.name, found == values.end() ? axis.small.front() : found->second);
  }
  studies::Cell made{studies::Point(std::move(at)), io::Json::object()};
  for (const studies::Measure& measure : study.measures) made.measures[measure.name] = 0;
  made.measures.update(measures);
  return made;
}

inline std::vector<std::string> concluded(const std::string& name, const std::vector<studies::Cell>& cells) {
  return studies::study_named(name).conclude(cells);
}

inline double number(const io::Json& measures, const char* name) { return io::number_of(measures.at(name)); }

}  // namespace ulpscope::test
