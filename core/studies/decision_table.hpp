// SPDX-License-Identifier: Apache-2.0
// The decision table of pads: formulas of the softmax against what a row can look like, each cell computed.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace ulpscope::studies {

/// A row of the table: an algorithm, how it is differentiated, and an edit of the recipe ("" for none).
struct Formula {
  std::string name;
  std::string softmax;
  std::string vjp;
  std::string setting;
};
std::span<const Formula> decision_formulas();

/// A column: study pads' row and gate.
struct Situation {
  std::string name;
  std::string row;
  std::string pad_gate;
};
std::span<const Situation> decision_situations();

/// One cell, in fp32: study pads' words for the forward and for the gradient.
struct Decision {
  std::string forward;
  std::string gradient;
};
/// `pad_kv`: as the axis of study pads: "data", "nan", "inf".
Decision decide(const Formula& formula, const Situation& situation, const std::string& pad_kv);

/// docs/decision_table.md
std::string decision_page();

}  // namespace ulpscope::studies
