// SPDX-License-Identifier: Apache-2.0
// Names of exponentials, and of one for full vectors with another for the channels beyond.
#include "precision/exp_variant.hpp"

#include <stdexcept>

#include "tests/support/catch.hpp"

using namespace ulpscope::precision;

TEST_CASE("Names of exp variants are read and written") {
  for (const std::string_view name : exp_names()) CHECK(to_string(parse_exp(name)) == name);
  CHECK_THROWS_WITH(
      parse_exp("glibcc"),
      "unknown exp 'glibcc'; known: correct libm sleef_u10 xla_cpu fast cuda cuda_fast xla_ynn glibc, and "
      "FULL:V:REST of two of them: REST in the channels beyond full vectors of V (2 to 65536)");
}

TEST_CASE("An exponential may have a rest: FULL:V:REST") {
  const ExpChoice torch = parse_exp_choice("sleef_u10:16:glibc");
  CHECK(torch == ExpChoice{Exp::sleef_u10, 16, Exp::glibc});
  CHECK(parse_exp_choice("xla_cpu") == ExpChoice{Exp::xla_cpu});
  for (const char* text : {"", "sleef_u10:16", "sleef_u10:16:", ":16:libm", "sleef_u10::libm", "sleef_u10:1:libm",
                           "sleef_u10:16 :libm", "sleef_u10:65537:libm", "sleef_u10:16:libm:8", "sleef:16:libm"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_exp_choice(text), std::invalid_argument);
  }
}

TEST_CASE("Which exponential a channel takes depends on where full vectors end") {
  const ExpChoice torch = parse_exp_choice("sleef_u10:16:glibc");
  CHECK(alike_channels(torch, 15) == 0);
  CHECK(alike_channels(torch, 40) == 32);
  CHECK(alike_channels(parse_exp_choice("fast"), 40) == 40);
  CHECK(at_channel(torch, 31, 40) == ExpChoice{Exp::sleef_u10});
  CHECK(at_channel(torch, 32, 40) == ExpChoice{Exp::glibc});
  CHECK(at_channel(torch, 511, 512) == ExpChoice{Exp::sleef_u10});
  CHECK(at_channel(ExpChoice{Exp::fast}, 39, 40) == ExpChoice{Exp::fast});
}
