// SPDX-License-Identifier: Apache-2.0
// Results of a study as data: JSON is the product; CSV and tables are functions of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/json.hpp"
#include "core/judge/text_table.hpp"
#include "core/studies/study.hpp"

namespace ulpscope::studies {

inline constexpr std::string_view study_schema = "ulpscope.study/1";

/// What was walked. A result that continues another must have the same, the axes' values apart.
struct Walk {
  std::vector<std::vector<std::string>> values;  ///< per axis of the study
  std::size_t seeds = 1;                         ///< seeds first_seed, first_seed + 1, ...
  std::uint64_t first_seed = 0;
  std::string problem_sha256;         ///< empty: built-in inputs
  std::vector<std::string> settings;  ///< edits of every recipe
};

struct Results {
  const Study* study = nullptr;
  Walk walk;
  io::Json problem;         ///< {"config", "source", "sha256"}, or null
  std::vector<Cell> cells;  ///< in the order of the axes, the last one fastest
  std::vector<std::string> conclusion;
  bool complete = false;  ///< every point was measured
};

/// Every field of the contract's study results, and "measures", "seeds", "first_seed", "problem", "complete".
io::Json to_json(const Results& results, const io::Json& provenance);
/// The cells of a result's JSON. Throws InputError headed by `where`: no result of this study, other seeds, another
/// problem.
std::vector<Cell> cells_from_json(const io::Json& json, const Results& expected, const std::string& where);

/// One line per cell: axes, then measures; RFC 4180.
std::string csv_text(const io::Json& results);
/// The cells as a table of at most `most` rows; a column that is the same everywhere is named in the remark instead.
struct CellTable {
  judge::TextTable table;
  std::string remark;  ///< "everywhere: format fp32; 120 more cells: --json or --csv has them all"
};
CellTable table_of(const io::Json& results, std::size_t most);
/// The question, the table, the conclusion.
std::string terminal_text(const io::Json& results);
std::string markdown_text(const io::Json& results);
/// One <div> without script; every text escaped.
std::string html_fragment(const io::Json& results);

}  // namespace ulpscope::studies
