// SPDX-License-Identifier: Apache-2.0
// Results of a study as CSV, terminal text, Markdown and HTML: functions of their JSON alone.
#include <fmt/format.h>

#include <algorithm>

#include "core/io/names.hpp"
#include "core/judge/html_table.hpp"
#include "core/judge/markup.hpp"
#include "core/studies/results.hpp"

namespace ulpscope::studies {
namespace {

using io::Json;

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return judge::short_number(value.get<double>());
  return value.is_null() ? "-" : value.dump();
}

std::vector<std::string> names_in(const Json& objects) {
  std::vector<std::string> names;
  for (const Json& object : objects) names.push_back(object["name"].get<std::string>());
  return names;
}

/// A cell's value on an axis.
std::string value_at(const Json& cell, const std::string& axis) {
  const Json& at = cell["at"];
  return at.contains(axis) ? at[axis].get<std::string>() : "";
}

/// A measure with its interval where it has one; a mean that is no number has none to show.
std::string measured_text(const Json& cell, const std::string& measure) {
  if (!cell.contains(measure)) return "-";
  const std::string interval = measure + "_ci95";
  const std::string text = text_of(cell[measure]);
  return cell.contains(interval) && cell[measure].is_number() ? text + " +- " + text_of(cell[interval]) : text;
}

std::string csv_field(const Json& value) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.is_null() ? "" : value.dump();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

/// The measures of a CSV: those of the study, each with its interval where any cell has one, and why a cell has none.
std::vector<std::string> csv_columns(const Json& results) {
  std::vector<std::string> columns;
  const auto any_has = [&](const std::string& name) {
    return std::any_of(results["cells"].begin(), results["cells"].end(),
                       [&](const Json& c) { return c.contains(name); });
  };
  for (const std::string& name : names_in(results["measures"])) {
    columns.push_back(name);
    if (any_has(name + "_ci95")) columns.push_back(name + "_ci95");
  }
  if (any_has("skipped")) columns.emplace_back("skipped");
  return columns;
}

std::string conclusion_text(const Json& results) {
  std::string out;
  for (const Json& sentence : results["conclusion"])
    out += judge::folded(io::printable(sentence.get<std::string>()), "");
  return out;
}

std::string heading(const Json& results) {
  const std::string on =
      results["problem"].is_object() ? " on " + io::printable(results["problem"]["source"].get<std::string>()) : "";
  std::string edits;
  for (const Json& setting : results.value("settings", Json::array()))
    edits += (edits.empty() ? ", with " : ", ") + io::printable(setting.get<std::string>());
  return fmt::format("study {}{}{}: {}", results["study"].get<std::string>(), on, edits,
                     results["question"].get<std::string>());
}

}  // namespace

std::string csv_text(const Json& results) {
  const std::vector<std::string> axes = names_in(results["axes"]);
  const std::vector<std::string> columns = csv_columns(results);
  const auto line = [](const std::vector<std::string>& fields) {
    return fmt::format("{}\r\n", fmt::join(fields, ","));
  };
  std::vector<std::string> head = axes;
  head.insert(head.end(), columns.begin(), columns.end());
  std::string out = line(head);
  for (const Json& cell : results["cells"]) {
    std::vector<std::string> fields;
    for (const std::string& axis : axes) fields.push_back(csv_field(value_at(cell, axis)));
    for (const std::string& column : columns) fields.push_back(cell.contains(column) ? csv_field(cell[column]) : "");
    out += line(fields);
  }
  return out;
}

CellTable table_of(const Json& results, std::size_t most) {
  CellTable out;
  std::vector<std::string> varying;
  std::vector<std::string> fixed;
  for (const Json& axis : results["axes"]) {
    const auto name = axis["name"].get<std::string>();
    if (axis["values"].size() == 1) {
      fixed.push_back(io::printable(name + " " + axis["values"][0].get<std::string>()));
    } else {
      varying.push_back(name);
    }
  }
  std::vector<std::string> measures;
  for (const Json& measure : results["measures"]) {
    if (!measure.value("detail", false)) measures.push_back(measure["name"].get<std::string>());
  }
  out.table.head = varying;
  out.table.head.insert(out.table.head.end(), measures.begin(), measures.end());
  out.table.left = std::max<std::size_t>(varying.size(), 1);
  std::size_t skipped = 0;
  for (const Json& cell : results["cells"]) {
    skipped += cell.contains("skipped") ? 1U : 0U;
    if (cell.contains("skipped") || out.table.rows.size() == most) continue;
    std::vector<std::string> row;
    for (const std::string& axis : varying) row.push_back(io::printable(value_at(cell, axis)));
    for (const std::string& measure : measures) row.push_back(io::printable(measured_text(cell, measure)));
    out.table.rows.push_back(std::move(row));
  }
  const std::size_t left_out = results["cells"].size() - skipped - out.table.rows.size();
  if (skipped > 0)
    fixed.push_back(skipped == 1 ? "1 point does not exist" : fmt::format("{} points do not exist", skipped));
  if (left_out > 0)
    fixed.push_back(fmt::format("{} more point{}: --json and --csv have all", left_out, left_out == 1 ? "" : "s"));
  if (!results["complete"].get<bool>()) fixed.push_back("not complete: --resume goes on from here");
  out.remark = fmt::format("{}", fmt::join(fixed, "; "));
  return out;
}

std::string terminal_text(const Json& results) {
  constexpr std::size_t most = 48;
  const CellTable cells = table_of(results, most);
  const bool intervals = results.value("seeds", 1) > 1;  // beside one another they rarely fit
  std::string out = judge::folded(heading(results), "") + '\n' +
                    (intervals ? judge::plain_panels(cells.table) : judge::plain_text(cells.table));
  if (!cells.remark.empty()) out += judge::folded(cells.remark, "  ");
  return out + '\n' + conclusion_text(results);
}

std::string markdown_text(const Json& results) {
  const CellTable cells = table_of(results, results["cells"].size());
  std::string out = fmt::format("## {}\n\n{}\n", heading(results), judge::markdown(cells.table));
  if (!cells.remark.empty()) out += cells.remark + "\n\n";
  for (const Json& sentence : results["conclusion"]) out += io::printable(sentence.get<std::string>()) + "\n\n";
  return out;
}

std::string html_fragment(const Json& results) {
  constexpr std::size_t most = 1000;
  const CellTable cells = table_of(results, most);
  std::string body;
  for (const Json& sentence : results["conclusion"])
    body += judge::html_paragraph(io::printable(sentence.get<std::string>()), "");
  body += judge::html_table(cells.table);
  if (!cells.remark.empty()) body += judge::html_paragraph(cells.remark, "source");
  return judge::html_block("<h4>" + judge::escaped(heading(results)) + "</h4>\n" + body);
}

}  // namespace ulpscope::studies
