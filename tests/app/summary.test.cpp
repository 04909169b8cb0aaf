// SPDX-License-Identifier: Apache-2.0
// The three sentences, by hand: every number in them stands in the report.
#include "app/summary.hpp"

#include "tests/support/catch.hpp"

using namespace ulpscope;
using compressor::forward;
using compressor::Name;

namespace {

/// A slot with a relative error.
judge::Row row(Name name, const char* format, double error) {
  judge::Row row;
  row.slot = forward(name);
  row.format = format;
  row.metrics.emplace();
  row.metrics->count = row.metrics->compared = 1;
  row.metrics->rms_rel = error;
  return row;
}

judge::RunReport run(const char* recipe, std::vector<judge::Row> rows) {
  judge::RunReport run;
  run.recipe = recipe;
  run.rows = std::move(rows);
  return run;
}

judge::Report report(std::vector<judge::RunReport> runs) {
  judge::Report report;
  report.problems.push_back({{}, "preset small-csa, seed 0", ""});
  report.runs = std::move(runs);
  return report;
}

std::string place(const judge::Report& report) { return app::summary_of(report)[1]; }

bool says(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("recipes part where a slot on the way to the output parts, not where a table does") {
  const auto best = run("near", {row(Name::rope_cos, "fp32", 1e-7), row(Name::kv, "fp32", 1e-7),
                                 row(Name::pooled, "bf16", 2e-3), row(Name::output, "bf16", 2e-3)});
  const auto coarse = run("coarse", {row(Name::rope_cos, "bf16", 1e-3), row(Name::kv, "bf16", 1.5e-3),
                                     row(Name::pooled, "bf16", 3e-3), row(Name::output, "bf16", 4e-3)});
  const auto table = run("table", {row(Name::rope_cos, "bf16", 1e-3), row(Name::kv, "fp32", 1e-7),
                                   row(Name::pooled, "bf16", 2e-3), row(Name::output, "bf16", 5e-3)});
  const std::string text = place(report({best, coarse, table}));
  INFO(text);
  CHECK(says(text,
             "coarse is first more than 2x as far off as near at kv (1.5e-03 as bf16, near has 1.0e-07 as fp32; "
             "output 4.0e-03)"));
  CHECK(says(text, "table is first more than 2x as far off as near at output"));
  CHECK_FALSE(says(text, "rope_cos"));
}

TEST_CASE("where nothing parts, the first slot with half of the output's error is named") {
  const auto only = run("only", {row(Name::rope_cos, "bf16", 1), row(Name::kv, "bf16", 1e-3),
                                 row(Name::pooled, "bf16", 3e-3), row(Name::output, "bf16", 4e-3)});
  CHECK(says(place(report({only})), "pooled is the first slot of only with more than half of the output's error"));
  const auto exact = run("exact", {row(Name::output, "fp64", 0)});
  CHECK(says(place(report({exact})), "no error to place"));
}

TEST_CASE("a report without an output says so") { CHECK(app::summary_of(report({run("none", {})})).size() == 1); }

TEST_CASE("an output without a finite element is not one that is missing") {
  judge::Row output = row(Name::output, "fp32", 0);
  output.metrics->count = 72;
  output.metrics->compared = 0;
  const auto sentences = app::summary_of(report({run("none", {output})}));
  REQUIRE(sentences.size() == 2);
  CHECK(sentences[0] == "Output. No run's output has an element that is finite there and in the truth.");
  CHECK(says(sentences[1], "Classes. "));
}

TEST_CASE("an error of some elements is said to be one, and comes after those of all") {
  judge::Row some = row(Name::output, "fp32", 0);
  some.metrics->count = 72;
  some.metrics->compared = 25;
  judge::Row whole = row(Name::output, "fp32", 1e-7);
  whole.metrics->count = whole.metrics->compared = 72;
  judge::Row gradient = row(Name::hidden, "fp32", 0);
  gradient.slot = compressor::gradient(Name::hidden);
  gradient.metrics->count = 480;
  gradient.metrics->compared = 44;
  const auto alone = app::summary_of(report({run("some", {some, gradient})}));
  CHECK(says(alone[0], "no error at all over the 25 of 72 elements that are finite in both."));
  CHECK(says(alone[2], "off by 0 (rms), bias 0 over the 44 of 480 elements that are finite in both."));
  CHECK(says(app::summary_of(report({run("some", {some}), run("whole", {whole})}))[0], "whole is nearest of the 2"));
  some.metrics->rms_rel = 1e-6;
  CHECK(says(app::summary_of(report({run("some", {some})}))[0],
             "an output error of 1.0e-06 (rms) over the 25 of 72 elements that are finite in both, 40x what"));
}

TEST_CASE("weights that no run kept are not said to underflow nowhere") {
  const auto third = [](const std::vector<judge::Row>& rows) { return app::summary_of(report({run("one", rows)}))[2]; };
  const judge::Row output = row(Name::output, "fp32", 1e-7);
  CHECK_FALSE(says(third({output}), "underflow"));
  CHECK(says(third({row(Name::weights, "fp32", 1e-7), output}), "no softmax weight underflows to 0"));
}
