// SPDX-License-Identifier: Apache-2.0
// Names of formats, and facts derived from their parameters.
#include "precision/format.hpp"

#include <bit>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "precision/formats.hpp"

namespace ulpscope::precision {
namespace {

struct ModeName {
  RoundingMode mode;
  std::string_view suffix;
};
constexpr ModeName mode_names[] = {{RoundingMode::nearest_away, "ra"}, {RoundingMode::toward_zero, "rz"},
                                   {RoundingMode::down, "rd"},         {RoundingMode::up, "ru"},
                                   {RoundingMode::odd, "odd"},         {RoundingMode::stochastic, "sr"}};

[[noreturn]] void refuse(std::string_view name, const std::string& reason) {
  std::string known;
  for (const Format& format : formats()) known += " " + format.name;
  throw std::invalid_argument("unknown format '" + std::string(name) + "' (" + reason + "); known:" + known +
                              " and eXmY (X 2..8, Y 1..23), then [:sat][:ftz][:daz][:ra|rz|rd|ru|odd|sr]");
}

/// One or two digits at the start of text, removed from it.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  std::size_t digits = 0;
  while (digits < text.size() && digits < 3 && text[digits] >= '0' && text[digits] <= '9') {
    value = 10 * value + (text[digits] - '0');
    ++digits;
  }
  if (digits == 0 || text[0] == '0') return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

std::optional<Format> parse_ad_hoc(std::string_view name) {
  std::string_view rest = name;
  if (rest.empty() || rest[0] != 'e') return std::nullopt;
  rest.remove_prefix(1);
  const std::optional<int> width = take_number(rest);
  if (!width || rest.empty() || rest[0] != 'm') return std::nullopt;
  rest.remove_prefix(1);
  const std::optional<int> fraction = take_number(rest);
  if (!fraction || !rest.empty()) return std::nullopt;
  if (*width < 2 || *width > 8 || *fraction < 1 || *fraction > 23) return std::nullopt;
  return ieee_like_format(name, *width, *fraction);
}

Format parse_base(std::string_view base, std::string_view whole) {
  for (const FormatAlias& alias : format_aliases()) {
    if (alias.alias == base) base = alias.name;
  }
  for (const Format& format : formats()) {
    if (format.name == base) return format;
  }
  if (std::optional<Format> format = parse_ad_hoc(base)) return *format;
  refuse(whole, "no such base '" + std::string(base) + "'");
}

void apply_suffix(Format& format, std::string_view suffix_text, std::string_view whole) {
  if (suffix_text == "sat") {
    format.saturate = true;
  } else if (suffix_text == "ftz") {
    format.flush_results = true;
  } else if (suffix_text == "daz") {
    format.flush_inputs = true;
  } else {
    for (const ModeName& known : mode_names) {
      if (known.suffix != suffix_text) continue;
      format.mode = known.mode;
      return;
    }
    refuse(whole, "no such suffix ':" + std::string(suffix_text) + "'");
  }
}

std::string canonical_name(const Format& format) {
  std::string name = format.name;
  if (format.saturate) name += ":sat";
  if (format.flush_results) name += ":ftz";
  if (format.flush_inputs) name += ":daz";
  if (format.mode != RoundingMode::nearest_even) name += ":" + std::string(suffix(format.mode));
  return name;
}

bool is_plain(const Format& format, int precision, int emin) {
  return format.precision == precision && format.emin == emin && format.special == Special::ieee && !format.saturate &&
         !format.flush_results && !format.flush_inputs && format.mode == RoundingMode::nearest_even;
}

}  // namespace

Format parse_format(std::string_view name) {
  std::string_view rest = name;
  const auto next = [&rest] {
    const std::size_t colon = rest.find(':');
    const std::string_view piece = rest.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon + 1);
    return piece;
  };
  if (!name.empty() && name.back() == ':') refuse(name, "nothing after the last ':'");
  Format format = parse_base(next(), name);
  while (!rest.empty()) apply_suffix(format, next(), name);
  format.name = canonical_name(format);
  return format;
}

bool operator==(const Format& a, const Format& b) {
  return a.precision == b.precision && a.emin == b.emin && a.emax == b.emax && a.max_finite == b.max_finite &&
         a.special == b.special && a.saturate == b.saturate && a.flush_results == b.flush_results &&
         a.flush_inputs == b.flush_inputs && a.mode == b.mode;
}

double unit_roundoff(const Format& format) { return std::ldexp(1.0, -format.precision); }
double min_normal(const Format& format) { return std::ldexp(1.0, format.emin); }
double min_subnormal(const Format& format) { return std::ldexp(1.0, format.emin - format.precision + 1); }

int exponent_bits(const Format& format) {
  // Biased exponents run from 0 (subnormals) to emax - emin + 1; IEEE formats keep one more for infinity and NaN.
  const int last_field = format.emax - format.emin + 1 + (format.special == Special::ieee ? 1 : 0);
  return std::bit_width(static_cast<unsigned>(last_field));
}
int total_bits(const Format& format) { return exponent_bits(format) + format.precision; }

bool is_plain_fp32(const Format& format) { return is_plain(format, 24, -126); }
bool is_plain_fp64(const Format& format) { return is_plain(format, 53, -1022); }

CarrierKind carrier_of(const Format& format) {
  const bool nearest = format.mode == RoundingMode::nearest_even || format.mode == RoundingMode::nearest_away;
  const bool is_fp16 = format.precision == 11 && format.emin == -14;
  const bool is_fp32 = format.precision == 24 && format.emin == -126 && format.mode == RoundingMode::nearest_even;
  const bool narrow = format.precision <= 10 || is_fp16;
  return (nearest && narrow) || is_fp32 ? CarrierKind::float32 : CarrierKind::float64;
}

std::string_view suffix(RoundingMode mode) {
  for (const ModeName& known : mode_names) {
    if (known.mode == mode) return known.suffix;
  }
  return "";
}

}  // namespace ulpscope::precision
