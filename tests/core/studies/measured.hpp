// SPDX-License-Identifier: Apache-2.0
// One point of a study, measured.
#pragma once

#include <map>
#include <string>

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

inline double number(const io::Json& measures, const char* name) { return io::number_of(measures.at(name)); }

}  // namespace ulpscope::test
