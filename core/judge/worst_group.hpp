// SPDX-License-Identifier: Apache-2.0
// Which of many sums says whether an invariant holds. Internal to core/judge.
#pragma once

#include <cmath>
#include <optional>
#include <string>

#include "core/judge/report.hpp"

namespace ulpscope::judge {

/// |violation| of one sum, the sum of its absolute terms, and what roundings may make of the violation.
struct Group {
  double violation = 0;
  double majorant = 0;
  double allowance = 0;
};

/// The group that comes nearest to its allowance; a NaN comes in and stays.
class WorstGroup {
 public:
  void take(const Group& group) {
    const double violation = std::fabs(group.violation);
    const bool holds = violation <= group.allowance;
    if (holds && group.allowance >= group.majorant) {
      vacuous_ = true;
      return;
    }
    const double share = group.allowance > 0 ? violation / group.allowance : violation > 0 ? HUGE_VAL : violation;
    if (worst_ && (std::isnan(share_) || share <= share_)) return;
    worst_ = Group{violation, group.majorant, group.allowance};
    share_ = std::isnan(group.majorant) ? std::nan("") : share;
    holds_ = holds && !std::isnan(group.majorant);
  }

  Invariant result(const std::string& name) const {
    if (!worst_) {
      return {name, std::nan(""), std::nan(""), Status::skipped,
              vacuous_ ? "the recipe's formats allow any value" : "no sum is finite in the truth"};
    }
    const double residual = worst_->violation == 0 && worst_->majorant == 0 ? 0 : worst_->violation / worst_->majorant;
    const double bound = worst_->allowance / worst_->majorant;
    return {name, std::isnan(share_) ? share_ : residual, bound, holds_ ? Status::ok : Status::fail,
            holds_ ? "" : "the residual is above the bound"};
  }

 private:
  std::optional<Group> worst_;
  double share_ = 0;
  bool holds_ = true;
  bool vacuous_ = false;
};

}  // namespace ulpscope::judge
