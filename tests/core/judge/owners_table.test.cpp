// SPDX-License-Identifier: Apache-2.0
// Shares as a person reads them, by hand: order, signs, radii, several recipes side by side.
#include "core/judge/owners_table.hpp"

#include "tests/support/catch.hpp"

using namespace ulpscope;
using io::Json;

namespace {

Json owner(const std::string& name, const Json& share, const Json& radius = nullptr, const Json& expected = nullptr) {
  return {
      {"owner", name}, {"slots", Json::array()}, {"share", share}, {"share_radius", radius}, {"expected", expected}};
}

Json run_of(const std::string& recipe, const Json& owners, const std::string& method = "ladder") {
  return {{"recipe", recipe},
          {"attribution", {{"target", "output"}, {"method", method}, {"owners", owners}}},
          {"attribution_residual", method == "ladder" ? Json() : Json(.0125)}};
}

using Rows = std::vector<std::vector<std::string>>;

}  // namespace

TEST_CASE("one run: owners of something, the largest first, whatever their sign") {
  const Json run = run_of("hf", Json::array({owner("inputs", 0), owner("pool", .25, nullptr, .5), owner("softmax", -.5),
                                             owner("project_kv", 1.25, nullptr, .25), owner("rotate", nullptr)}));
  const auto sections = judge::owner_sections({&run});
  REQUIRE(sections.size() == 1);
  CHECK(sections[0].title == "whose error that of output is: shares of its square, signed, which sum to 100%");
  CHECK(sections[0].table.head == std::vector<std::string>{"owner", "share", "expected"});
  CHECK(sections[0].table.rows ==
        Rows{{"project_kv", "125.0%", "25.0%"}, {"softmax", "-50.0%", "-"}, {"pool", "25.0%", "50.0%"}});
}

TEST_CASE("small shares of either sign are 0.0%, none is 0") {
  const Json run = run_of(
      "hf", Json::array({owner("pool", 4e-4), owner("softmax", -4e-4), owner("bias", -6e-4), owner("scale", -0.)}));
  CHECK(judge::owner_sections({&run})[0].table.rows ==
        Rows{{"bias", "-0.1%", "-"}, {"pool", "0.0%", "-"}, {"softmax", "0.0%", "-"}});
}

TEST_CASE("a radius is shown where it reaches a digit that is") {
  const Json run =
      run_of("hf", Json::array({owner("pool", .7, .0049), owner("softmax", .3, 4.9e-4), owner("rotate", .1, "inf")}));
  CHECK(judge::owner_sections({&run})[0].table.rows ==
        Rows{{"pool", "70.0% +- 0.5%", "-"}, {"softmax", "30.0%", "-"}, {"rotate", "10.0% +- inf%", "-"}});
}

TEST_CASE("several runs: a column each, stages in program order, - where a recipe has no such stage") {
  const Json first = run_of("hf", Json::array({owner("inputs", 0), owner("bias", .25), owner("pool", .75)}));
  const Json second = run_of("pr3810", Json::array({owner("inputs", 0), owner("window", .5), owner("pool", .5)}));
  const Json without = {{"recipe", "fp64"}, {"attribution", nullptr}};
  const auto sections = judge::owner_sections({&first, &without, &second});
  REQUIRE(sections.size() == 1);
  CHECK(sections[0].table.head == std::vector<std::string>{"owner", "hf", "pr3810"});
  CHECK(sections[0].table.rows == Rows{{"window", "-", "50.0%"}, {"bias", "25.0%", "-"}, {"pool", "75.0%", "50.0%"}});
}

TEST_CASE("another method than the ladder says so, with its residual; no attribution, no table") {
  const Json run = run_of("hf", Json::array({owner("pool", 1)}), "tangent");
  CHECK(
      judge::owner_sections({&run})[0].title ==
      "whose error that of output is: shares of its square, signed, which sum to 100% but for the residual of 1.25% of "
      "the error; by tangent");
  const Json none = {{"recipe", "fp64"}, {"attribution", nullptr}};
  CHECK(judge::owner_sections({&none}).empty());
}
