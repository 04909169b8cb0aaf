// SPDX-License-Identifier: Apache-2.0
// Words for error sentences.
#include "core/io/names.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace ulpscope::io {
namespace {

constexpr std::size_t longest_name = 80;
constexpr std::size_t longest_list = 40;

/// Length in bytes of the well-formed UTF-8 character at the front, 0 if there is none [Unicode 15, table 3-7].
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto between = [&](std::size_t i, unsigned low, unsigned high) { return byte(i) >= low && byte(i) <= high; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return text.empty() ? 0 : 1;
  if (lead >= 0xC2 && lead <= 0xDF) return between(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool second = between(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
    return second && between(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool second = between(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
    return second && between(2, 0x80, 0xBF) && between(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

std::string hex_escape(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto code = static_cast<unsigned char>(c);
  return {'\\', 'x', digits[code >> 4], digits[code & 15]};
}

/// C1 controls (U+0080..U+009F), U+202A..U+202E and U+2066..U+2069.
bool is_hidden(std::string_view character) {
  if (character.size() == 2) return character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0;
  const auto last = character.size() == 3 ? static_cast<unsigned char>(character[2]) : 0u;
  const bool embeds = character.starts_with("\xE2\x80") && last >= 0xAA && last <= 0xAE;
  return embeds || (character.starts_with("\xE2\x81") && last >= 0xA6 && last <= 0xA9);
}

std::string escaped(std::string_view text, std::size_t longest) {
  std::string out;
  while (!text.empty() && out.size() < longest) {
    const std::size_t length = utf8_length(text);
    const auto code = static_cast<unsigned char>(text.front());
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    if (length > 0 && code >= 0x20 && code != 0x7F && !is_hidden(character)) {
      out += character;
    } else {
      for (const char byte : character) out += hex_escape(byte);
    }
    text.remove_prefix(character.size());
  }
  return text.empty() ? out : out + "...";
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from a to b, case-blind.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  const auto same = [&](char x, char y) { return lower(x) == lower(y); };
  std::vector<std::vector<std::size_t>> distance(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      std::size_t& best = distance[i][j];
      if (i == 0 || j == 0) {
        best = i + j;
        continue;
      }
      best = distance[i - 1][j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      best = std::min({best, distance[i - 1][j] + 1, distance[i][j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
      if (swapped) best = std::min(best, distance[i - 2][j - 2] + 1);
    }
  }
  return distance[a.size()][b.size()];
}

}  // namespace

std::string in_quotes(std::string_view name) { return "'" + escaped(name, longest_name) + "'"; }

std::string printable(std::string_view text) { return escaped(text, std::string::npos); }

std::string shown(const std::filesystem::path& path) {
  return path.empty() ? "(empty path)" : escaped(path.native(), std::string::npos);
}

std::string listed(const std::vector<std::string>& names) {
  if (names.empty()) return "none";
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), longest_list); ++i) {
    if (i > 0) out += ' ';
    const bool bare = !names[i].empty() && names[i].find(' ') == std::string::npos;
    out += bare ? escaped(names[i], longest_name) : in_quotes(names[i]);
  }
  if (names.size() > longest_list) out += " ... (" + std::to_string(names.size()) + " in all)";
  return out;
}

std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  if (name.empty() || name.size() > longest_name) return "";
  const std::size_t allowed = std::max<std::size_t>(1, name.size() / 3);
  std::string best;
  std::size_t best_distance = allowed + 1;
  for (const std::string& candidate : known) {
    if (candidate.size() > longest_name) continue;
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& known) {
  const std::string suggestion = nearest(name, known);
  std::string sentence = "unknown " + std::string(what) + " " + in_quotes(name) + ";";
  if (!suggestion.empty()) sentence += " did you mean " + in_quotes(suggestion) + "?";
  return sentence + " known: " + listed(known);
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace ulpscope::io
