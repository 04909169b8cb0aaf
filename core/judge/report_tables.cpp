// SPDX-License-Identifier: Apache-2.0
// One run: a row per slot. Several runs of a problem: a row per slot that people ask for, a column per recipe.
#include "core/judge/report_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/io/names.hpp"
#include "core/judge/ledger_table.hpp"
#include "core/judge/owners_table.hpp"

namespace ulpscope::judge {
namespace {

using io::Json;

/// The slots of the table of recipes; the JSON has all of them.
constexpr std::array<std::string_view, 15> asked_for{
    "kv",          "gate",        "logits",   "weights",    "pooled",    "normed",      "rotated",    "output",
    "grad.pooled", "grad.logits", "grad.ape", "grad.gamma", "grad.w_kv", "grad.w_gate", "grad.hidden"};

std::string text_of(const Json& json) { return json.is_string() ? json.get<std::string>() : ""; }

std::string number_text(const Json& json) {
  return io::is_number_or_nonfinite(json) ? short_number(io::number_of(json)) : "-";
}

/// "100%", "99.98%", "< 0.01%".
std::string percent(const Json& json) {
  if (!io::is_number_or_nonfinite(json)) return "-";
  const double share = io::number_of(json);
  if (share == 1) return "100%";
  if (share == 0) return "0%";
  return fmt::format("{:.3f}%", std::min(99.999, 100 * share));
}

std::uint64_t class_count(const Json& row, const char* name) {
  return row["classes"].is_object() ? row["classes"][name].get<std::uint64_t>() : 0;
}

/// rms_rel of a cell, marked where classes differ (!) or values underflowed (u).
std::string cell_text(const Json& row) {
  if (!row["error"].is_object()) return "-";
  std::string text = number_text(row["error"]["rms_rel"]);
  if (class_count(row, "class_mismatch") != 0) text += '!';
  if (class_count(row, "underflowed") != 0) text += 'u';
  return text;
}

const Json* row_of(const Json& run, std::string_view slot) {
  for (const Json& row : run["rows"]) {
    if (row["slot"] == slot) return &row;
  }
  return nullptr;
}

bool judged_by_replay(const Json& run) {
  return std::any_of(run["rows"].begin(), run["rows"].end(), [](const Json& row) { return row["replay"].is_object(); });
}

std::string joined(const Json& names) {
  std::string text;
  for (const Json& name : names) text += (text.empty() ? "" : " ") + name.get<std::string>();
  return text;
}

Section replay_section(const Json& run) {
  Section section{run_text(run), {}, {}};
  section.table.left = 3;
  section.table.head = {"slot",      "format", "from",      "bits equal", "explained",
                        "ambiguous", "ulp",    "rms truth", "ulp truth",  "status"};
  for (const Json& row : run["rows"]) {
    if (row["status"] == "absent") continue;
    const bool replayed = row["replay"].is_object();
    const Json replay = replayed ? row["replay"] : Json::object();
    const Json error = row["error"].is_object() ? row["error"] : Json::object();
    section.table.rows.push_back(
        {text_of(row["slot"]), text_of(row["format"]), replayed ? joined(replay["from"]) : "",
         replayed ? percent(replay["bits_equal"]) : "-", replayed ? percent(replay["explained"]) : "-",
         replayed ? percent(replay["ambiguous"]) : "-", replayed ? number_text(replay["max_ulp"]) : "-", cell_text(row),
         error.empty() ? "-" : number_text(error["max_ulp"]), text_of(row["status"])});
  }
  return section;
}

Section row_section(const Json& run) {
  Section section{run_text(run), {}, {}};
  section.table.left = 2;
  section.table.head = {"slot",    "format", "rms_rel",  "max_rel",  "max_abs", "max_ulp",
                        "p99_ulp", "bits",   "bias_rel", "underfl.", "classes", "status"};
  for (const Json& row : run["rows"]) {
    if (row["status"] == "absent") continue;
    if (!row["error"].is_object()) continue;
    const Json& error = row["error"];
    const std::uint64_t mismatch = class_count(row, "class_mismatch");
    section.table.rows.push_back(
        {text_of(row["slot"]), text_of(row["format"]), number_text(error["rms_rel"]), number_text(error["max_rel"]),
         number_text(error["max_abs"]), number_text(error["max_ulp"]), number_text(error["p99_ulp"]),
         number_text(error["bits"]), number_text(error["bias_rel"]), std::to_string(class_count(row, "underflowed")),
         mismatch == 0 ? "equal" : fmt::format("{} differ", mismatch), text_of(row["status"])});
  }
  return section;
}

Section recipe_section(const std::vector<const Json*>& runs) {
  Section section{"relative error (rms) of each slot against truth " + text_of((*runs.front())["truth"]["tier"]) +
                      ", basis " + text_of((*runs.front())["truth"]["basis"]),
                  {},
                  {}};
  section.table.head = {"slot"};
  for (const Json* run : runs) section.table.head.push_back(text_of((*run)["recipe"]));
  for (const std::string_view slot : asked_for) {
    std::vector<std::string> cells{std::string(slot)};
    bool any = false;
    for (const Json* run : runs) {
      const Json* row = row_of(*run, slot);
      cells.push_back(row == nullptr ? "-" : cell_text(*row));
      any = any || cells.back() != "-";
    }
    if (any) section.table.rows.push_back(std::move(cells));
  }
  const auto marked = [&](char mark) {
    for (const auto& row : section.table.rows) {
      for (std::size_t i = 1; i < row.size(); ++i) {
        if (row[i].find(mark) != std::string::npos) return true;
      }
    }
    return false;
  };
  if (marked('u')) section.remarks.emplace_back("u: some values are 0 where the truth is not");
  if (marked('!'))
    section.remarks.emplace_back("!: some values are NaN or infinite where the truth is not, or the reverse");
  return section;
}

}  // namespace

Json printable_texts(const Json& report) {
  if (report.is_string()) return io::printable(report.get_ref<const std::string&>());
  if (!report.is_structured()) return report;
  Json out = report;
  for (Json& child : out) {
    if (child.is_string() || child.is_structured()) child = printable_texts(child);
  }
  return out;
}

std::string problem_text(const Json& problem) {
  const Json& c = problem["config"];
  std::string text = fmt::format("{}: {}, ratio {}{}, B {}, S {}, h {}, d {}", text_of(problem["source"]),
                                 text_of(c["mode"]), c["ratio"].dump(), c["overlap"] == true ? " with overlap" : "",
                                 c["batch"].dump(), c["seq"].dump(), c["hidden"].dump(), c["head_dim"].dump());
  if (c["rope"].is_object())
    text += fmt::format(", RoPE {}{}", c["rope"]["dim"].dump(), c["rope"]["yarn"].is_object() ? " with YaRN" : "");
  return text;
}

std::string provenance_text(const Json& report) {
  const Json& p = report["provenance"];
  std::string text = "ulpscope " + text_of(p.value("version", Json()));
  for (const char* field : {"date", "cpu"}) {
    const std::string value = text_of(p.value(field, Json()));
    if (!value.empty()) text += ", " + value;
  }
  return text;
}

std::string run_text(const Json& run) {
  if (run["truth"]["tier"] == "dump") return "the first dump against the reference";
  std::string text = run["recipe"].is_string() ? "recipe " + text_of(run["recipe"]) : "no recipe";
  text += ", backend " + text_of(run["backend"]) + ", truth " + text_of(run["truth"]["tier"]) + ", basis " +
          text_of(run["truth"]["basis"]);
  return text;
}

std::vector<Section> sections_of(const Json& report) {
  std::vector<Section> sections;
  for (std::size_t p = 0; p < report["problems"].size(); ++p) {
    const std::size_t first = sections.size();
    std::vector<const Json*> described;
    std::vector<const Json*> all;
    for (const Json& run : report["runs"]) {
      if (run["problem"] != p) continue;
      all.push_back(&run);
      if (judged_by_replay(run)) {
        sections.push_back(replay_section(run));
      } else {
        described.push_back(&run);
      }
    }
    std::vector<Section> owners = owner_sections(all);
    std::move(owners.begin(), owners.end(),
              std::inserter(sections, sections.begin() + static_cast<std::ptrdiff_t>(first)));
    if (described.size() == 1) sections.push_back(row_section(*described.front()));
    if (described.size() > 1) sections.push_back(recipe_section(described));
    for (Section& section : ledger_sections(all)) sections.push_back(std::move(section));
    for (Section& section : sections) {
      if (section.title.find("problem ") != 0) section.title = fmt::format("problem {}: {}", p + 1, section.title);
    }
  }
  return sections;
}

std::string verdict_text(const Json& verdict) {
  const auto exact = [](const Json& value) { return fmt::format("{:.9g}", io::number_of(value)); };
  if (verdict["diagnosis"] == "difference") {
    return fmt::format("First difference: {} at {} (element {}): {} ({}), in the reference {} ({}). {}.",
                       text_of(verdict["slot"]), text_of(verdict["place"]), verdict["index"].dump(),
                       exact(verdict["dump"]), text_of(verdict["dump_hex"]), exact(verdict["expected"]),
                       text_of(verdict["expected_hex"]), text_of(verdict["sentence"]));
  }
  return fmt::format("First not explained: {} (stage {}) at {}: {} ({}) where {} ({}) is expected. {}.",
                     text_of(verdict["slot"]), text_of(verdict["stage"]), text_of(verdict["place"]),
                     exact(verdict["dump"]), text_of(verdict["dump_hex"]), exact(verdict["expected"]),
                     text_of(verdict["expected_hex"]), text_of(verdict["sentence"]));
}

}  // namespace ulpscope::judge
