// SPDX-License-Identifier: Apache-2.0
// Every library of the installed package links, and answers.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include "core/io/json.hpp"
#include "precision/format.hpp"
#include "precision/rounding.hpp"

TEST_CASE("the installed precision library rounds -1e4 to the bfloat16 -9984") {
  const auto format = ulpscope::precision::parse_format("bf16");
  CHECK(ulpscope::precision::round(-1e4, format) == -9984.0);
}

TEST_CASE("the installed core library refuses a duplicate key") {
  CHECK_THROWS(ulpscope::io::parse_json(R"({"a": 1, "a": 2})", "text"));
}
