// SPDX-License-Identifier: Apache-2.0
// The parser writes instructions; the matcher walks the name once with every state that is still possible.
#include "core/io/pattern.hpp"

#include <algorithm>
#include <limits>

#include "core/io/error.hpp"
#include "core/io/names.hpp"

namespace ulpscope::io {
namespace {

using Bytes = std::bitset<256>;
constexpr std::size_t most_instructions = 4096;
constexpr std::size_t most_groups = 10;  // $0 .. $9
constexpr std::size_t deepest = 100;     // groups within groups: the parser recurses
constexpr std::size_t unset = std::numeric_limits<std::size_t>::max();

std::size_t code(char c) { return static_cast<unsigned char>(c); }

Bytes range(char first, char last) {
  Bytes bytes;
  for (std::size_t c = code(first); c <= code(last); ++c) bytes.set(c);
  return bytes;
}

Bytes one(char c) { return range(c, c); }

/// \d \w \s and their complements; nothing for any other letter.
std::optional<Bytes> class_of(char letter) {
  const Bytes digits = range('0', '9');
  const Bytes words = digits | range('a', 'z') | range('A', 'Z') | one('_');
  const Bytes spaces = range('\t', '\r') | one(' ');
  switch (letter) {
    case 'd':
      return digits;
    case 'D':
      return ~digits;
    case 'w':
      return words;
    case 'W':
      return ~words;
    case 's':
      return spaces;
    case 'S':
      return ~spaces;
    default:
      return std::nullopt;
  }
}

bool is_alphanumeric(char c) { return class_of('w')->test(code(c)) && c != '_'; }

}  // namespace

/// Recursive descent; a part of an expression is a stretch of instructions that starts at its first and falls off its
/// end, so that repeating a part is copying it.
class PatternParser {
 public:
  PatternParser(Pattern& pattern, std::string_view text, const std::string& where)
      : pattern_(pattern), text_(text), rest_(text), where_(where) {}

  void parse() {
    Part whole = alternatives();
    if (!rest_.empty()) refuse();
    append(whole, {Pattern::Step::accept, 0, 0, {}});
    pattern_.program_ = std::move(whole);
  }

 private:
  using Instruction = Pattern::Instruction;
  using Step = Pattern::Step;
  /// `next` and `other` of splits are relative to the instruction until the whole is known.
  using Part = std::vector<Instruction>;

  [[noreturn]] void refuse() const {
    throw InputError(where_ + ": " + in_quotes(text_) + " is not a regular expression of names (known: . [a-z] " +
                     "\\d \\w \\s ( ) | * + ? {m,n})");
  }
  bool take(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }
  char next() {
    if (rest_.empty()) refuse();
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  void append(Part& part, const Instruction& instruction) const {
    if (part.size() >= most_instructions) {
      throw InputError(where_ + ": " + in_quotes(text_) +
                       " repeats too much: its repetitions written out have more than " +
                       std::to_string(most_instructions) + " steps");
    }
    part.push_back(instruction);
  }
  void append(Part& part, const Part& more) const {
    for (const Instruction& instruction : more) append(part, instruction);
  }
  static Instruction split(std::size_t first, std::size_t second) { return {Step::split, first, second, {}}; }

  Part alternatives() {
    if (++depth_ > deepest) refuse();
    Part part = sequence();
    while (take("|")) {
      const Part other = sequence();
      Part both;
      append(both, split(1, part.size() + 2));
      append(both, part);
      append(both, split(other.size() + 1, other.size() + 1));  // over the other
      append(both, other);
      part = std::move(both);
    }
    --depth_;
    return part;
  }

  Part sequence() {
    Part part;
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      if (take("^") || take("$")) continue;  // whole names only
      append(part, repeated(atom()));
    }
    return part;
  }

  Part atom() {
    const char c = next();
    if (c == '(') return group();
    if (c == '[') return {Instruction{Step::byte, 0, 0, set()}};
    if (c == '.') return {Instruction{Step::byte, 0, 0, ~Bytes()}};
    if (c == '\\') return {Instruction{Step::byte, 0, 0, escape()}};
    if (c == '*' || c == '+' || c == '?' || c == '{' || c == '}' || c == ']') refuse();
    return {Instruction{Step::byte, 0, 0, one(c)}};
  }

  Part group() {
    const bool captures = !take("?:") && pattern_.group_count_ < most_groups;
    const std::size_t number = captures ? pattern_.group_count_++ : 0;
    Part part;
    if (captures) append(part, {Step::save, 0, 2 * number, {}});
    append(part, alternatives());
    if (captures) append(part, {Step::save, 0, 2 * number + 1, {}});
    if (!take(")")) refuse();
    return part;
  }

  Bytes escape() {
    const char c = next();
    if (const auto known = class_of(c)) return *known;
    if (is_alphanumeric(c)) refuse();
    return one(c);
  }

  Bytes set() {
    const bool inverted = take("^");
    Bytes bytes;
    bool first = true;
    while (first || !rest_.starts_with(']')) {
      first = false;
      const char c = next();
      if (c == '\\') {
        bytes |= escape();
      } else if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        rest_.remove_prefix(1);
        const char last = next();
        if (last == '\\' || code(last) < code(c)) refuse();
        bytes |= range(c, last);
      } else {
        bytes |= one(c);
      }
    }
    rest_.remove_prefix(1);
    return inverted ? ~bytes : bytes;
  }

  struct Count {
    std::size_t low = 1;
    std::size_t high = 1;  ///< unset: without end
  };
  std::size_t number() {
    std::size_t value = 0;
    if (rest_.empty() || !class_of('d')->test(code(rest_.front()))) refuse();
    while (!rest_.empty() && class_of('d')->test(code(rest_.front())))
      value = std::min(most_instructions + 1, 10 * value + code(next()) - code('0'));
    return value;
  }
  std::optional<Count> count() {
    if (take("*")) return Count{0, unset};
    if (take("+")) return Count{1, unset};
    if (take("?")) return Count{0, 1};
    if (!take("{")) return std::nullopt;
    Count count;
    count.low = count.high = number();
    if (take(",")) count.high = rest_.starts_with('}') ? unset : number();
    if (!take("}") || count.high < count.low) refuse();
    return count;
  }

  enum class Greed { greedy, lazy };
  /// Which is tried first: the body, which follows at once, or what stands behind.
  static Instruction choice(Greed greed, std::size_t behind) {
    return greed == Greed::lazy ? split(behind, 1) : split(1, behind);
  }

  Part repeated(const Part& body) {
    const auto repeat = count();
    if (!repeat) return body;
    const Greed greed = take("?") ? Greed::lazy : Greed::greedy;
    if (count()) refuse();  // a**
    Part part;
    for (std::size_t i = 0; i < repeat->low; ++i) append(part, body);
    if (repeat->high == unset) {
      append(part, choice(greed, body.size() + 2));
      append(part, body);
      const std::size_t back = std::size_t{0} - (body.size() + 1);  // to the choice: relative, modulo 2^64
      append(part, split(back, back));
      return part;
    }
    for (std::size_t left = repeat->high - repeat->low; left > 0; --left) {
      append(part, choice(greed, left * (body.size() + 1)));
      append(part, body);
    }
    return part;
  }

  Pattern& pattern_;
  std::string_view text_;
  std::string_view rest_;
  const std::string& where_;
  std::size_t depth_ = 0;
};

Pattern::Pattern(std::string_view text, const std::string& where) {
  PatternParser(*this, text, where).parse();
  for (std::size_t i = 0; i < program_.size(); ++i) {
    Instruction& instruction = program_[i];
    if (instruction.step == Step::split) {
      instruction.next += i;
      instruction.other += i;
    } else {
      instruction.next = i + 1;
    }
  }
}

/// The states between two bytes, the preferred ones first; each instruction at most once.
struct Pattern::Front {
  std::vector<Thread> threads;
  std::vector<bool> seen;
};

/// Walks all instructions that take no byte, depth first, the preferred branch first.
void Pattern::follow(Thread start, std::size_t position, Front& front) const {
  std::vector<Thread> pending{std::move(start)};
  while (!pending.empty()) {
    Thread thread = std::move(pending.back());
    pending.pop_back();
    if (front.seen[thread.at]) continue;
    front.seen[thread.at] = true;
    const Instruction& instruction = program_[thread.at];
    switch (instruction.step) {
      case Step::split:
        pending.push_back({instruction.other, thread.saved});
        pending.push_back({instruction.next, std::move(thread.saved)});
        break;
      case Step::save:
        thread.saved[instruction.other] = position;
        thread.at = instruction.next;
        pending.push_back(std::move(thread));
        break;
      default:
        front.threads.push_back(std::move(thread));
    }
  }
}

std::optional<std::vector<std::size_t>> Pattern::groups(std::string_view name) const {
  Front front{{}, std::vector<bool>(program_.size())};
  Thread start{0, std::vector<std::size_t>(2 * group_count_, unset)};
  start.saved[0] = 0;
  follow(std::move(start), 0, front);
  for (std::size_t position = 0; position < name.size() && !front.threads.empty(); ++position) {
    Front next{{}, std::vector<bool>(program_.size())};
    for (Thread& thread : front.threads) {
      const Instruction& instruction = program_[thread.at];
      if (instruction.step != Step::byte || !instruction.bytes.test(code(name[position]))) continue;
      follow({instruction.next, std::move(thread.saved)}, position + 1, next);
    }
    front = std::move(next);
  }
  for (Thread& thread : front.threads) {
    if (program_[thread.at].step != Step::accept) continue;
    thread.saved[1] = name.size();
    return std::move(thread.saved);
  }
  return std::nullopt;
}

std::optional<std::string> Pattern::rewrite(std::string_view name, std::string_view target) const {
  const auto found = groups(name);
  if (!found) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const char after = target[i] == '$' && i + 1 < target.size() ? target[i + 1] : '\0';
    const bool digit = after >= '0' && after <= '9';
    if (!digit && after != '$') {
      out += target[i];
      continue;
    }
    ++i;
    const std::size_t group = code(after) - code('0');
    if (!digit) {
      out += '$';
    } else if (group < group_count_ && (*found)[2 * group + 1] != unset) {
      out += name.substr((*found)[2 * group], (*found)[2 * group + 1] - (*found)[2 * group]);
    }
  }
  return out;
}

}  // namespace ulpscope::io
