// SPDX-License-Identifier: Apache-2.0
// Names of formats and the facts derived from their parameters.
#include "precision/format.hpp"

#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>

#include "tests/support/catch.hpp"

using namespace ulpscope::precision;

namespace {
std::string refusal(std::string_view name) {
  try {
    parse_format(name);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}
}  // namespace

TEST_CASE("The table holds the facts of the standards") {
  struct Fact {
    const char* name;
    int precision;
    double least_normal, least_subnormal, most;
    int bits;
  };
  const Fact facts[] = {{"fp64", 53, 0x1p-1022, 0x1p-1074, std::numeric_limits<double>::max(), 64},
                        {"fp32", 24, 0x1p-126, 0x1p-149, 0x1.fffffep127, 32},
                        {"tf32", 11, 0x1p-126, 0x1p-136, 0x1.ffcp127, 19},
                        {"bf16", 8, 0x1p-126, 0x1p-133, 0x1.fep127, 16},
                        {"fp16", 11, 0x1p-14, 0x1p-24, 65504, 16},
                        {"e4m3fn", 4, 0x1p-6, 0x1p-9, 448, 8},
                        {"e5m2", 3, 0x1p-14, 0x1p-16, 57344, 8},
                        {"e3m2", 3, 0x1p-2, 0x1p-4, 28, 6},
                        {"e2m3", 4, 1, 0x1p-3, 7.5, 6},
                        {"e2m1", 2, 1, 0x1p-1, 6, 4}};
  CHECK(formats().size() == std::size(facts));
  for (const Fact& fact : facts) {
    const Format format = parse_format(fact.name);
    INFO(fact.name);
    CHECK(format.name == fact.name);
    CHECK(format.precision == fact.precision);
    CHECK(unit_roundoff(format) == std::ldexp(1.0, -fact.precision));
    CHECK(min_normal(format) == fact.least_normal);
    CHECK(min_subnormal(format) == fact.least_subnormal);
    CHECK(format.max_finite == fact.most);
    CHECK(total_bits(format) == fact.bits);
  }
}

TEST_CASE("Aliases name the same formats") {
  for (const auto& [alias, name] : {std::pair{"binary64", "fp64"},
                                    {"float32", "fp32"},
                                    {"binary16", "fp16"},
                                    {"bfloat16", "bf16"},
                                    {"float8_e4m3fn", "e4m3fn"},
                                    {"float8_e5m2", "e5m2"}}) {
    CHECK(parse_format(alias) == parse_format(name));
    CHECK(parse_format(alias).name == name);
  }
}

TEST_CASE("Ad hoc formats are IEEE-like, and table names win") {
  const Format e4m2 = parse_format("e4m2");
  CHECK(e4m2.max_finite == 224);
  CHECK(e4m2.special == Special::ieee);
  CHECK(parse_format("e8m7") == parse_format("bf16"));
  CHECK(parse_format("e5m10") == parse_format("fp16"));
  CHECK(parse_format("e8m23") == parse_format("fp32"));
  CHECK(parse_format("e5m2").special == Special::ieee);
  CHECK(parse_format("e2m1").special == Special::none);
  CHECK(parse_format("e8m13").precision == 14);
}

TEST_CASE("Suffixes are applied and named in canonical order") {
  const Format format = parse_format("bfloat16:rz:daz:ftz:sat");
  CHECK(format.name == "bf16:sat:ftz:daz:rz");
  CHECK(format.saturate);
  CHECK(format.flush_results);
  CHECK(format.flush_inputs);
  CHECK(format.mode == RoundingMode::toward_zero);
  CHECK(parse_format("fp16:sr").mode == RoundingMode::stochastic);
  CHECK(parse_format("fp16:odd").mode == RoundingMode::odd);
  CHECK(!(parse_format("fp16:ra") == parse_format("fp16")));
}

TEST_CASE("Unknown names are refused with one sentence that lists the known ones") {
  for (const char* name : {"", "fp31", "bf16:", "bf16:xx", "e9m3", "e1m3", "e4m0", "e4m24", "e04m3", "e4m3x", "e4m",
                           ":rz", "bf16::rz", "bf16 ", "e99999999999m1"}) {
    const std::string sentence = refusal(name);
    INFO(name);
    CHECK(sentence.find("known: fp64 fp32 tf32 bf16 fp16 e4m3fn") != std::string::npos);
    CHECK(sentence.find('\n') == std::string::npos);
  }
}

TEST_CASE("Names in the table are unique, and every name parses to its own row") {
  std::set<std::string> names;
  for (const Format& format : formats()) {
    CHECK(names.insert(format.name).second);
    CHECK(parse_format(format.name) == format);
  }
}

TEST_CASE("The cheapest carrier holds products and sums of a format before their rounding") {
  for (const char* name : {"fp32", "bf16", "fp16", "e4m3fn", "e2m1", "e5m2:ra", "fp32:ftz:daz"}) {
    INFO(name);
    CHECK(carrier_of(parse_format(name)) == CarrierKind::float32);
  }
  for (const char* name : {"fp64", "tf32", "e8m13", "fp32:rz", "bf16:sr", "fp16:rd"}) {
    INFO(name);
    CHECK(carrier_of(parse_format(name)) == CarrierKind::float64);
  }
}
