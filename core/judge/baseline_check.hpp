// SPDX-License-Identifier: Apache-2.0
// Check: a fresh baseline against the blessed one: what changed, in which direction, and what of it fails.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/judge/baseline.hpp"

namespace ulpscope::judge {

inline constexpr std::string_view check_schema = "ulpscope.check/1";
/// How much larger than blessed an error may be. Two legal orders of summation differ by less: their errors are draws
/// from one distribution.
inline constexpr double usual_factor = 2;

/// A slot that is not what was blessed.
struct SlotChange {
  std::string slot;
  std::optional<BlessedSlot> blessed;  ///< none: new
  std::optional<BlessedSlot> now;      ///< none: gone
  std::string direction;               ///< "better", "worse", "same": by rms_rel; empty where one of them is missing
  Status status = Status::ok;
  std::string reason = {};
};

struct RunCheck {
  std::string name;
  std::vector<std::string> same = {};  ///< slots whose bits, format and verdict are the blessed ones
  std::vector<SlotChange> changes = {};
  std::vector<std::string> notes = {};
};

/// A slot passes iff its bits are the blessed ones; or its classes, format and verdict (of derived tolerances too,
/// which judge runs whose bits are others) are, and its rms_rel and max_abs are at most `factor` times the blessed
/// ones, or rms_rel is below what one rounding to the slot's format makes (an error of 0 may become that). Anything
/// less is a failure: a NaN, a slot that is gone, a verdict that was ok. A new slot passes. The runs are those of
/// `blessed`; one that `fresh` lacks fails in all its slots.
std::vector<RunCheck> check(const Baseline& blessed, const Baseline& fresh, double factor);

/// What a check says of itself.
struct CheckInfo {
  std::string source;  ///< of the baseline
  io::Json blessed;    ///< provenance of both sides
  io::Json provenance;
  double factor = usual_factor;
};
/// {"schema", "provenance", "baseline": {"source", "provenance"}, "factor", "runs", "summary", "exit"}
io::Json to_json(const std::vector<RunCheck>& checks, const CheckInfo& info);

/// A table of what changed, the failures first, and the summary.
std::string check_terminal_text(const io::Json& check);
std::string check_markdown_text(const io::Json& check);
std::string check_html_fragment(const io::Json& check);
/// One testcase per run and slot.
std::string check_junit_xml(const io::Json& check);

}  // namespace ulpscope::judge
