// SPDX-License-Identifier: Apache-2.0
// Pattern: regular expressions over names, matched in time linear in the name, whatever the expression.
#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope::io {

/// A regular expression for whole names: literals, `.`, `[a-z]`, `[^...]`, `\d \w \s \D \W \S`, `\` before any other
/// character that is no letter or digit, groups `( )` and `(?: )`, `|`, and `* + ? {m} {m,} {m,n}`, each lazy with
/// another `?`. `^` and `$` stand for the ends, which they hold anyway. No back-references and no lookahead: without
/// them all ways to match are followed at once [Thompson68, Cox07], so that no expression is slow on any name. Where
/// several ways match, groups are those of the first in the order in which Perl and ECMAScript try them. Bytes, not
/// characters: `.` is one byte.
class Pattern {
 public:
  /// Throws InputError headed by `where`: no expression of this grammar, or one of more than 4096 steps once its
  /// repetitions are written out.
  Pattern(std::string_view text, const std::string& where);

  bool matches(std::string_view name) const { return groups(name).has_value(); }
  /// The whole name's match with $0 .. $9 of `target` replaced by its groups ("$$" is "$"); nothing: no match.
  std::optional<std::string> rewrite(std::string_view name, std::string_view target) const;

 private:
  friend class PatternParser;
  enum class Step { byte, split, save, accept };
  struct Instruction {
    Step step = Step::accept;
    std::size_t next = 0;   ///< split: tried first
    std::size_t other = 0;  ///< split: tried second; save: which position
    std::bitset<256> bytes;
  };
  struct Thread {
    std::size_t at = 0;
    std::vector<std::size_t> saved;
  };
  struct Front;
  std::optional<std::vector<std::size_t>> groups(std::string_view name) const;
  void follow(Thread thread, std::size_t position, Front& front) const;

  std::vector<Instruction> program_;
  std::size_t group_count_ = 1;
};

}  // namespace ulpscope::io
