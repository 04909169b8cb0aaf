// SPDX-License-Identifier: Apache-2.0
// The tables of a report, read off its JSON; what the renderers share. Internal to core/judge.
#pragma once

#include <string>
#include <vector>

#include "core/io/json.hpp"
#include "core/judge/text_table.hpp"

namespace ulpscope::judge {

/// A table with a heading.
struct Section {
  std::string title;
  TextTable table;
  std::vector<std::string> remarks;
};

/// The report with every text printable.
io::Json printable_texts(const io::Json& report);
/// "preset small-csa, seed 0: csa, ratio 4, B 2, S 256, h 256, d 64, RoPE 64".
std::string problem_text(const io::Json& problem);
/// "ulpscope 0.1.0 (abc123), 2026-11-23, AMD EPYC".
std::string provenance_text(const io::Json& report);

/// Per problem: one table that sets recipes side by side where there are several runs, else the rows of the one run.
std::vector<Section> sections_of(const io::Json& report);
/// "compare: logits differs at window 0, ...": what a verdict says, in one paragraph.
std::string verdict_text(const io::Json& verdict);
/// Birth certificates, a paragraph for those that differ only in their row.
std::vector<std::string> birth_texts(const io::Json& run);
/// Words for "dump.safetensors against recipe fp32, truth fp64 on basis quantized".
std::string run_text(const io::Json& run);

}  // namespace ulpscope::judge
