// SPDX-License-Identifier: Apache-2.0
// Study packing: a document of two windows behind one, by hand.
#include "core/studies/packed_rows.hpp"
#include "tests/core/studies/measured.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::Mode;
using compressor::Name;
using test::measured;
using test::number;

namespace {

/// Two windows, no RoPE, so that positions do not count.
compressor::Problem two_windows(Mode mode) {
  compressor::Config config = test::small_config(mode);
  config.batch = 1;
  config.seq = 2 * config.ratio;
  config.rope.reset();
  return make_problem(config, {});
}

io::Json packed(const compressor::Problem& problem, const char* policy, std::size_t shift) {
  studies::Subject subject;
  subject.problem = &problem;
  return measured("packing", {{"policy", policy}, {"shift", std::to_string(shift)}, {"slot", "output"}}, subject);
}

}  // namespace

TEST_CASE("a row holds the document's last tokens again, masked and of another segment, and then the document") {
  const compressor::Problem document = two_windows(Mode::hca);
  const std::size_t seq = document.config.seq;
  const compressor::Problem row = studies::row_of(document, seq + 3);
  CHECK(row.config.seq == 2 * seq + 3);
  const auto& hidden = row.input(Name::hidden);
  const std::size_t width = document.config.hidden;
  const auto same = [&](std::size_t in_row, std::size_t token) {
    return hidden.at(in_row * width + 5) == document.input(Name::hidden).at(token * width + 5);
  };
  CHECK(same(seq + 3, 0));
  CHECK(same(seq + 2, seq - 1));
  CHECK(same(2, seq - 1));
  CHECK(same(0, seq - 3));
  CHECK(row.input(Name::attention_mask).at(seq + 2) == 0);
  CHECK(row.input(Name::attention_mask).at(seq + 3) == 1);
  CHECK(row.input(Name::segment_ids).at(seq + 2) != row.input(Name::segment_ids).at(seq + 3));
}

TEST_CASE("on the grid, segments or a mask restore every entry; ignored, the overlap reads the other document") {
  const compressor::Problem csa = two_windows(Mode::csa);
  for (const char* policy : {"mask", "previous_half", "strict"}) {
    const io::Json measures = packed(csa, policy, csa.config.ratio);
    INFO(policy);
    CHECK(number(measures, "entries") == 2);
    CHECK(number(measures, "unmatched") == 0);
    CHECK(number(measures, "by_definition") == 0);
    CHECK(number(measures, "by_error") == 0);
  }
  const io::Json ignored = packed(csa, "ignore", csa.config.ratio);
  CHECK(number(ignored, "by_definition") == 1);  // the first: its previous half
  CHECK(number(ignored, "definition_size") > 0.01);
  const compressor::Problem hca = two_windows(Mode::hca);
  CHECK(number(packed(hca, "ignore", hca.config.ratio), "by_definition") == 0);
}

TEST_CASE("off the grid no window of the row has the tokens of one of the document") {
  const compressor::Problem csa = two_windows(Mode::csa);
  for (const char* policy : {"mask", "ignore", "previous_half", "strict"})
    CHECK(number(packed(csa, policy, 1), "unmatched") == 2);
}

TEST_CASE("a window of masked tokens only is NaN under pads of -inf, and a row of segments has none") {
  const compressor::Problem hca = two_windows(Mode::hca);
  CHECK(number(packed(hca, "mask", 2 * hca.config.ratio), "nonfinite") == 2);
  CHECK(number(packed(hca, "mask", 1), "nonfinite") == 0);
  CHECK(number(packed(hca, "strict", 2 * hca.config.ratio), "nonfinite") == 0);
}

TEST_CASE("with RoPE the positions of the row turn every entry behind others: by definition, not by error") {
  compressor::Problem csa = two_windows(Mode::csa);
  csa.config.rope = compressor::Rope{8, 160000, {}, 0};
  const io::Json measures = packed(csa, "strict", csa.config.ratio);
  CHECK(number(measures, "by_definition") == 2);
  CHECK(number(measures, "by_error") == 0);
}

TEST_CASE("entries that agree in truth and not in a run differ by error; a NaN on one side is infinitely far") {
  const compressor::Config config = two_windows(Mode::hca).config;
  const compressor::Shape shape{1, 2, config.head_dim};
  const auto entries = [&](double last) {
    std::vector<double> values(2 * config.head_dim, 1.0);
    values.back() = last;
    return compressor::Tensor{shape, std::move(values), io::DType::f64};
  };
  const studies::Entries own{entries(1), entries(1)};
  const studies::Comparison rounded = compare({config, 0}, own, {entries(1.5), entries(1)});
  CHECK(rounded.by_definition == 0);
  CHECK(rounded.by_error == 1);
  CHECK(rounded.error == 0.5 / 1.5);
  const studies::Comparison defined = compare({config, 0}, own, {entries(1), entries(NAN)});
  CHECK(defined.by_definition == 1);
  CHECK(defined.definition == INFINITY);
}

TEST_CASE("the conclusion compares where there is something to compare") {
  const auto layout = [](const char* shift, const io::Json& measures) {
    io::Json all{{"entries", 2}};
    all.update(measures);
    return test::cell("packing", {{"shift", shift}}, all);
  };
  const studies::Cell on = layout("128", io::Json::object());
  const studies::Cell off = layout("130", {{"unmatched", 2}});
  CHECK(
      test::concluded("packing", {off}) ==
      std::vector<std::string>{"In 1 of 1 layouts the document is off the grid: none of its windows exists in the row.",
                               "There is no entry to compare."});
  CHECK(test::concluded("packing", {on}) == std::vector<std::string>{"The document is on the grid in all of 1 layouts.",
                                                                     "Rounding alone changes no bit of any entry."});
  const studies::Cell turned = layout("128", {{"by_definition", 2}, {"definition_size", 2}});
  CHECK(
      test::concluded("packing", {turned, off}).front() ==
      "In 1 of 2 layouts the document is off the grid: none of its windows exists in the row; in 1 of the others "
      "entries differ by definition, by up to 2 times the entry's largest value, 2 of 2 (recipe fp32, mode csa, policy "
      "mask, shift 128, slot normed).");
}

TEST_CASE("a shift is a number of tokens that a row can hold") {
  const studies::Axis& shift = studies::study_named("packing").axes[2];
  REQUIRE(shift.name == "shift");
  CHECK_NOTHROW(shift.check("1048576"));
  CHECK_THROWS_WITH(shift.check("99999999999"), "'99999999999' is more than 1048576 tokens");
}
