// SPDX-License-Identifier: Apache-2.0
// Column widths, cutting and folding.
#include "core/judge/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ulpscope::judge {
namespace {

/// Of each column the widest cell, heads included, that `counts`.
template <typename Predicate>
std::vector<std::size_t> widest(const TextTable& table, Predicate counts) {
  std::vector<std::size_t> widths(table.head.size(), 0);
  const auto add = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i)
      if (counts(cells[i])) widths[i] = std::max(widths[i], display_width(cells[i]));
  };
  add(table.head);
  for (const auto& row : table.rows) add(row);
  return widths;
}

std::vector<std::size_t> widths_of(const TextTable& table) {
  return widest(table, [](const std::string&) { return true; });
}

/// What columns must not be narrower than: half an interval is a wrong number.
std::vector<std::size_t> least_of(const TextTable& table) {
  constexpr std::size_t least = 4;
  auto widths = widest(table, [](const std::string& cell) { return cell.find(" +- ") != std::string::npos; });
  for (std::size_t& width : widths) width = std::max(width, least);
  return widths;
}

std::size_t total(const std::vector<std::size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), std::size_t{0}) + 2 * widths.size();
}

/// Takes what is too much from the widest column that may be cut.
void fit(std::vector<std::size_t>& widths, const std::vector<std::size_t>& least) {
  while (total(widths) > terminal_width) {
    std::size_t* widest = nullptr;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] > least[i] && (widest == nullptr || widths[i] > *widest)) widest = &widths[i];
    }
    if (widest == nullptr) return;
    --*widest;
  }
}

/// The columns of words, and those from `first` up to before `last`.
TextTable panel_of(const TextTable& table, std::size_t first, std::size_t last) {
  const auto part = [&](const std::vector<std::string>& cells) {
    const auto at = [&](std::size_t i) { return cells.begin() + static_cast<std::ptrdiff_t>(i); };
    std::vector<std::string> kept(cells.begin(), at(table.left));
    kept.insert(kept.end(), at(first), at(last));
    return kept;
  };
  TextTable panel{part(table.head), {}, table.left};
  for (const auto& row : table.rows) panel.rows.push_back(part(row));
  return panel;
}

std::string cut(const std::string& cell, std::size_t width) {
  if (display_width(cell) <= width) return cell;
  return cell.substr(0, width - 2) + "..";  // cells are ASCII
}

void write_row(const std::vector<std::string>& row, const std::vector<std::size_t>& widths, std::size_t left,
               std::string& out) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string cell = cut(row[i], widths[i]);
    const std::string space(widths[i] - display_width(cell), ' ');
    line += "  ";
    line += i < left ? cell + space : space + cell;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + '\n';
}

}  // namespace

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

std::string plain_text(const TextTable& table) {
  if (table.rows.empty()) return "";
  std::vector<std::size_t> widths = widths_of(table);
  fit(widths, least_of(table));
  std::string out;
  write_row(table.head, widths, table.left, out);
  for (const auto& row : table.rows) write_row(row, widths, table.left, out);
  return out;
}

std::string plain_panels(const TextTable& table) {
  const std::vector<std::size_t> widths = widths_of(table);
  std::string out;
  for (std::size_t first = table.left; first < widths.size() && !table.rows.empty();) {
    std::size_t last = first + 1;
    std::vector<std::size_t> taken(widths.begin(), widths.begin() + static_cast<std::ptrdiff_t>(table.left));
    taken.push_back(widths[first]);
    for (; last < widths.size(); ++last) {
      taken.push_back(widths[last]);
      if (total(taken) > terminal_width) break;
    }
    out += (out.empty() ? "" : "\n") + plain_text(panel_of(table, first, last));
    first = last;
  }
  return out;
}

std::string markdown(const TextTable& table) {
  if (table.rows.empty()) return "";
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (std::string cell : cells) {
      for (std::size_t at = 0; (at = cell.find('|', at)) != std::string::npos; at += 2) cell.insert(at, "\\");
      text += ' ' + cell + " |";
    }
    return text + '\n';
  };
  std::string out = line(table.head) + '|';
  for (std::size_t i = 0; i < table.head.size(); ++i) out += i < table.left ? " --- |" : " ---: |";
  out += '\n';
  for (const auto& row : table.rows) out += line(row);
  return out;
}

std::string short_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (value == 0) return "0";
  const double magnitude = std::fabs(value);
  if (magnitude >= 0.01 && magnitude < 1e5) return fmt::format("{:.3g}", value);
  return fmt::format("{:.1e}", value);
}

std::string folded(std::string_view text, std::string_view indent) {
  std::string out;
  std::size_t column = terminal_width + 1;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::size_t width = display_width(text.substr(0, end));
    if (column + 1 + width > terminal_width) {
      out += (out.empty() ? "" : "\n") + std::string(indent);
      column = display_width(indent);
    } else {
      out += ' ';
      ++column;
    }
    out += text.substr(0, end);
    column += width;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + '\n';
}

}  // namespace ulpscope::judge
