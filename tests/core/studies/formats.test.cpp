// SPDX-License-Identifier: Apache-2.0
// Study formats: nothing lost in fp64, more bits are better, each role by the recipe that says so.
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/studies/errors.hpp"
#include "tests/core/studies/measured.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using test::measured;
using test::number;

TEST_CASE("fp64 against its own truth has no error at all") {
  for (const char* role : {"compute", "accumulate", "storage"}) {
    const io::Json measures = measured("formats", {{"role", role}, {"format", "fp64"}});
    for (const char* column : {"output", "grad_w_kv", "grad_w_gate", "grad_hidden"}) {
      INFO(role << " " << column);
      // Products of the projections are exact unless their role is what is set.
      CHECK(number(measures, column) <= (std::string(role) == "compute" ? 0x1p-45 : 0.0));
    }
  }
}

TEST_CASE("the error falls with every two bits of the significand, in each role and mode") {
  for (const char* mode : {"csa", "hca"}) {
    for (const char* role : {"compute", "accumulate", "storage", "all"}) {
      double before = INFINITY;
      for (const char* format : {"e8m3", "e8m5", "e8m7", "e8m10", "e8m13", "e8m18", "e8m23"}) {
        const double error =
            number(measured("formats", {{"role", role}, {"format", format}, {"mode", mode}}), "output");
        INFO(mode << " " << role << " " << format);
        CHECK(error < before);
        CHECK(error > 0);
        before = error;
      }
    }
  }
}

TEST_CASE("names of one format are one format") {
  const auto bits = [](const char* format) { return number(measured("formats", {{"format", format}}), "bits"); };
  CHECK(bits("e8m7") == bits("bf16"));
  CHECK(bits("e8m23") == bits("fp32"));
  CHECK_THAT(bits("bf16"), Catch::Matchers::WithinRel(
                               -std::log2(number(measured("formats", {{"format", "bf16"}}), "output")), 1e-12));
}

TEST_CASE("a role in a format is the recipe whose every stage says so, on a given problem") {
  const compressor::Problem problem = make_problem(test::small_config(compressor::Mode::hca), {});
  studies::Subject subject;
  subject.problem = &problem;
  compressor::Recipe recipe = compressor::load_recipe("hf");
  for (const char* stage : {"project_kv", "project_gate", "bias", "window", "softmax", "products", "pool", "normalize",
                            "scale", "rotate"}) {
    recipe = with_setting(recipe, std::string(stage) + ".accumulate=fp16");
    recipe = with_setting(recipe, std::string("backward.") + stage + ".accumulate=fp16");
  }
  const studies::Errors expected =
      studies::errors_of(problem, with_setting(recipe, "backward.join_hidden.accumulate=fp16"));
  const io::Json found = measured("formats", {{"recipe", "hf"}, {"role", "accumulate"}, {"format", "fp16"}}, subject);
  CHECK(number(found, "output") == expected.output);
  CHECK(number(found, "grad_w_gate") == expected.grad_w_gate);
  CHECK(number(found, "grad_hidden") == expected.grad_hidden);
}

TEST_CASE("e4m3fn has no infinity: what overflows is counted as NaN") {
  const io::Json hot = measured("formats", {{"role", "compute"}, {"format", "e4m3fn"}, {"mode", "hca"}});
  CHECK(number(hot, "wrong_class") > 0);
  CHECK(number(measured("formats", {{"role", "compute"}, {"format", "bf16"}, {"mode", "hca"}}), "wrong_class") == 0);
}
