// SPDX-License-Identifier: Apache-2.0
// THE table of formats. A new format is one row here.
#include "precision/formats.hpp"

#include <cmath>
#include <vector>

namespace ulpscope::precision {
namespace {

struct Row {
  std::string_view name;
  int precision, emin, emax;
  Special special = Special::ieee;
};

// Largest finite value: all ones, unless the format spends that code (or the whole last exponent) on NaN and infinity,
// which emax and `codes_kept_for_nan` (last-place steps below all ones) say.
Format format_of(const Row& row) {
  const int codes_kept_for_nan = row.special == Special::nan_only ? 1 : 0;
  Format format;
  format.name = row.name;
  format.precision = row.precision;
  format.emin = row.emin;
  format.emax = row.emax;
  format.special = row.special;
  const double ulp = std::ldexp(1.0, row.emax - row.precision + 1);
  format.max_finite = std::ldexp(1.0, row.emax) * (2 - std::ldexp(1.0, 1 - row.precision)) - codes_kept_for_nan * ulp;
  return format;
}

constexpr Row rows[] = {
    // name     p   emin  emax                    [IEEE754], [OCP-FP8], [OCP-MX]
    {"fp64", 53, -1022, 1023},
    {"fp32", 24, -126, 127},
    {"tf32", 11, -126, 127},
    {"bf16", 8, -126, 127},
    {"fp16", 11, -14, 15},
    {"e4m3fn", 4, -6, 8, Special::nan_only},
    {"e5m2", 3, -14, 15},
    {"e3m2", 3, -2, 4, Special::none},
    {"e2m3", 4, 0, 2, Special::none},
    {"e2m1", 2, 0, 2, Special::none},
};

const std::vector<Format>& table() {
  static const std::vector<Format> formats = [] {
    std::vector<Format> made;
    for (const Row& row : rows) made.push_back(format_of(row));
    return made;
  }();
  return formats;
}

constexpr FormatAlias aliases_table[] = {
    {"binary64", "fp64"},      {"float64", "fp64"},         {"f64", "fp64"},          {"double", "fp64"},
    {"binary32", "fp32"},      {"float32", "fp32"},         {"f32", "fp32"},          {"float", "fp32"},
    {"binary16", "fp16"},      {"float16", "fp16"},         {"f16", "fp16"},          {"half", "fp16"},
    {"bfloat16", "bf16"},      {"float8_e4m3fn", "e4m3fn"}, {"e4m3", "e4m3fn"},       {"float8_e5m2", "e5m2"},
    {"float6_e3m2fn", "e3m2"}, {"float6_e2m3fn", "e2m3"},   {"float4_e2m1fn", "e2m1"}};

}  // namespace

std::span<const Format> formats() { return table(); }
std::span<const FormatAlias> format_aliases() { return aliases_table; }

Format ieee_like_format(std::string_view name, int exponent_width, int fraction_bits) {
  const int bias = (1 << (exponent_width - 1)) - 1;
  return format_of({name, fraction_bits + 1, 1 - bias, bias});
}

}  // namespace ulpscope::precision
