// SPDX-License-Identifier: Apache-2.0
// The header of a .npy array [numpy.lib.format, versions 1.0 to 3.0].
#include "core/io/npy_header.hpp"

#include <charconv>
#include <set>

#include "core/io/error.hpp"
#include "core/io/little_endian.hpp"
#include "core/io/names.hpp"

namespace ulpscope::io {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t longest_header = 1 << 16;
constexpr std::size_t most_dimensions = 64;

/// Reads {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }: the keys in any order, each once.
class DictionaryReader {
 public:
  DictionaryReader(std::string_view text, std::string where) : rest_(text), where_(std::move(where)) {}

  NpyHeader read() {
    NpyHeader header;
    std::set<std::string> seen;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (!seen.insert(key).second) refuse("key " + in_quotes(key) + " appears twice in the npy header");
      read_value(key, header);
      if (!accept(',') && peek() != '}') refuse_syntax();
    }
    if (peek() != '\0') refuse_syntax();
    for (const char* key : {"descr", "fortran_order", "shape"}) {
      if (!seen.contains(key)) refuse("the npy header lacks " + in_quotes(key));
    }
    return header;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw InputError(where_ + ": " + what); }
  [[noreturn]] void refuse_syntax() const {
    refuse("the npy header is no dictionary of descr, fortran_order and shape: found " + in_quotes(rest_));
  }

  /// The next character that is no white space; '\0' at the end.
  char peek() {
    const std::size_t next = rest_.find_first_not_of(" \n\t");
    rest_.remove_prefix(next == std::string_view::npos ? rest_.size() : next);
    return rest_.empty() ? '\0' : rest_.front();
  }

  bool accept(char wanted) {
    if (peek() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) refuse_syntax();
  }

  bool accept_word(std::string_view word) {
    peek();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::string string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') refuse_syntax();
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) refuse_syntax();
    std::string out(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return out;
  }

  void read_value(const std::string& key, NpyHeader& header) {
    if (key == "descr") {
      read_descr(header);
    } else if (key == "fortran_order") {
      const bool column_major = accept_word("True");
      if (!column_major && !accept_word("False"))
        refuse("fortran_order must be True or False, found " + in_quotes(rest_));
      header.layout = column_major ? Layout::column_major : Layout::row_major;
    } else if (key == "shape") {
      header.shape = tuple();
    } else {
      refuse("unknown key " + in_quotes(key) + " in the npy header; known: descr fortran_order shape");
    }
  }

  void read_descr(NpyHeader& header) {
    if (peek() == '[') refuse("structured dtypes are not read: found " + in_quotes(rest_));
    const std::string descr = string();
    const bool known = split_descr(descr, header) && is_known(header.kind, header.element_size);
    if (header.kind == 'O') refuse("the array holds Python objects (pickle), which are never read; save plain arrays");
    if (!known) refuse("unknown dtype " + in_quotes(descr) + "; known: f8 f4 f2 i8 i4 u2 u1 b1 V2 V1 S U");
    if (header.kind == 'U') header.element_size *= 4;
  }

  /// "<f4" -> little, 'f', 4.
  static bool split_descr(std::string_view descr, NpyHeader& header) {
    if (descr.empty()) return false;
    if (std::string_view("<>|=").find(descr.front()) != std::string_view::npos) {
      header.order = descr.front() == '>' ? ByteOrder::big : ByteOrder::little;
      descr.remove_prefix(1);
    }
    if (descr.empty()) return false;
    header.kind = descr.front();
    descr.remove_prefix(1);
    const auto parsed = std::from_chars(descr.data(), descr.data() + descr.size(), header.element_size);
    return parsed.ec == std::errc() && parsed.ptr == descr.data() + descr.size();
  }

  static bool is_known(char kind, std::size_t size) {
    constexpr std::size_t longest_string = std::size_t{1} << 40;
    switch (kind) {
      case 'f':
        return size == 8 || size == 4 || size == 2;
      case 'i':
        return size == 8 || size == 4;
      case 'u':
      case 'V':
        return size == 2 || size == 1;
      case 'b':
        return size == 1;
      case 'S':
      case 'U':
        return size < longest_string;
      default:
        return false;
    }
  }

  Shape tuple() {
    Shape out;
    expect('(');
    while (!accept(')')) {
      std::size_t extent = 0;
      peek();
      const auto parsed = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (parsed.ec != std::errc()) refuse("shape must hold whole numbers >= 0, found " + in_quotes(rest_));
      rest_.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest_.data()));
      out.push_back(extent);
      if (!accept(',') && peek() != ')') refuse_syntax();
      if (out.size() > most_dimensions)
        refuse("shape has more than " + std::to_string(most_dimensions) + " dimensions");
    }
    return out;
  }

  std::string_view rest_;
  std::string where_;
};

}  // namespace

NpyHeader read_npy_header(std::span<const std::byte> bytes, const std::string& where) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(magic)) throw InputError(where + ": not an npy array: it must begin with \\x93NUMPY");
  if (text.size() < 12)
    throw InputError(where + ": the npy header is truncated after " + std::to_string(text.size()) + " bytes");
  const int version = static_cast<unsigned char>(text[6]);
  if (version < 1 || version > 3) {
    throw InputError(where + ": unknown npy version " + std::to_string(version) + "; known: 1 2 3");
  }
  const std::size_t prefix = version == 1 ? 10 : 12;
  const std::size_t length =
      version == 1 ? load_little_endian<std::uint16_t>(bytes, 8) : load_little_endian<std::uint32_t>(bytes, 8);
  if (length > text.size() - prefix || length > longest_header) {
    throw InputError(where + ": the npy header is said to have " + std::to_string(length) + " bytes, the file has " +
                     std::to_string(text.size() - prefix) + " and at most " + std::to_string(longest_header) +
                     " are allowed");
  }
  NpyHeader header = DictionaryReader(text.substr(prefix, length), where).read();
  header.data_begin = prefix + length;
  return header;
}

}  // namespace ulpscope::io
