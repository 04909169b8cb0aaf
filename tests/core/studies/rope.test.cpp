// SPDX-License-Identifier: Apache-2.0
// Study rope: errors of fp32 and bf16 angles at a million positions, in published figures.
#include <cmath>
#include <set>

#include "core/compressor/rope_table.hpp"
#include "core/studies/run_study.hpp"
#include "precision/rounding.hpp"
#include "tests/core/studies/measured.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::TableArithmetic;
using test::measured;
using test::number;

namespace {

const precision::Format fp32 = precision::parse_format("fp32");

/// fp32 angles of position p against exact ones, pair by pair: theta 160000, 64 channels, no YaRN.
class Angles {
 public:
  Angles() {
    compressor::Config config;
    config.rope = compressor::Rope{};
    exact_ = compressor::rope_frequencies<double>(config, {});
    rounded_ = compressor::rope_frequencies<double>(config, {fp32, fp32, fp32});
  }
  double error(std::size_t pair, double position) const {
    return precision::round(position * rounded_[pair], fp32) - position * exact_[pair];
  }
  /// ||error|| / ||x|| of a rotated x whose pairs are equally long, by frequencies that were cast to bf16.
  double cast_frequencies_move(double position) const {
    double squares = 0;
    for (std::size_t i = 0; i < pairs(); ++i) {
      const double cast = precision::round(rounded_[i], precision::parse_format("bf16"));
      const double turned = precision::round(position * cast, fp32) - position * exact_[i];
      squares += std::pow(2 * std::sin(turned / 2), 2);
    }
    return std::sqrt(squares / static_cast<double>(pairs()));
  }
  std::size_t pairs() const { return exact_.size(); }

 private:
  std::vector<double> exact_;
  std::vector<double> rounded_;
};

io::Json at(const char* frequencies, const char* angles, const char* position) {
  return measured("rope",
                  {{"frequencies", frequencies}, {"angles", angles}, {"table", "exact"}, {"position", position}});
}

}  // namespace

TEST_CASE("exact angles have no error, at any position") {
  const io::Json exact = at("exact", "exact", "1048576");
  CHECK(number(exact, "angle_max") == 0);
  CHECK(number(exact, "rotated") == 0);
}

TEST_CASE("E9: fp32 angles at position 1000000 are off by 0.0406 rad in pair 1, which is 7 bits of an entry") {
  const Angles angles;
  REQUIRE(angles.pairs() == 32);
  const std::vector<std::pair<std::size_t, double>> published{
      {0, 0.0}, {1, 0.040566}, {2, 0.007998}, {3, 0.012438}, {6, -0.009157}};
  for (const auto& [pair, expected] : published) {
    INFO(pair);
    CHECK_THAT(angles.error(pair, 1e6), Catch::Matchers::WithinAbs(expected, 5e-7));
  }
  const io::Json measures = at("fp32", "fp32", "1000000");
  CHECK_THAT(number(measures, "rotated_last"), Catch::Matchers::WithinAbs(7.816e-3, 5e-7));
  CHECK_THAT(number(measures, "bits_last"), Catch::Matchers::WithinAbs(7.0, 0.05));
  CHECK_THAT(number(at("fp32", "fp32", "65536"), "rotated_last"), Catch::Matchers::WithinAbs(2.96e-4, 5e-7));
}

TEST_CASE("E9: over all positions of CSA entries to 2^20 the worst fp32 angle is 0.055349 rad, in pair 1 at 1048376") {
  const Angles angles;
  double worst = 0;
  double squares = 0;
  std::size_t worst_pair = 0;
  std::size_t worst_position = 0;
  for (std::size_t position = 0; position < (1U << 20); position += 4) {
    for (std::size_t pair = 0; pair < angles.pairs(); ++pair) {
      const double error = angles.error(pair, static_cast<double>(position));
      squares += error * error;
      if (std::abs(error) <= worst) continue;
      worst = std::abs(error);
      worst_pair = pair;
      worst_position = position;
    }
  }
  CHECK_THAT(worst, Catch::Matchers::WithinAbs(0.055349, 5e-7));
  CHECK(worst_pair == 1);
  CHECK(worst_position == 1048376);
  CHECK_THAT(std::sqrt(squares / (32.0 * (1U << 18))), Catch::Matchers::WithinAbs(3.7746e-3, 5e-8));
}

TEST_CASE("the study's sampled angles are those of the definition, modulo a turn") {
  const Angles angles;
  double worst = 0;
  for (std::size_t i = 0; i < 512; ++i) {
    for (std::size_t pair = 0; pair < 32; ++pair)
      worst = std::max(worst, std::abs(angles.error(pair, static_cast<double>(2044 + 2048 * i))));
  }
  // 2^20 - 4 is the last of 262144 entries; every 512th of them is sampled.
  CHECK_THAT(number(at("fp32", "fp32", "1048572"), "angle_max"), Catch::Matchers::WithinAbs(worst, 1e-9));
}

TEST_CASE("E9: frequencies rounded to bf16 leave nothing of an angle: the entry is off by its own length") {
  // Rounded once, as a buffer of frequencies that is cast, and at every step of their formula. Figures by mpmath.
  const Angles angles;
  CHECK_THAT(angles.cast_frequencies_move(1e6), Catch::Matchers::WithinAbs(1.07167, 5e-6));
  CHECK_THAT(number(at("bf16", "fp32", "1000000"), "rotated_last"), Catch::Matchers::WithinAbs(1.02435, 5e-6));
  CHECK(number(at("bf16", "fp32", "4096"), "rotated_last") > 0.3);
}

TEST_CASE("E9: positions rounded to bf16: 1000000 is 576 early, and 8192 HCA positions become 897") {
  const precision::Format bf16 = precision::parse_format("bf16");
  CHECK(precision::round(1e6, bf16) == 999424);
  std::set<double> distinct;
  for (int i = 0; i < 8192; ++i) distinct.insert(precision::round(128.0 * i, bf16));
  CHECK(distinct.size() == 897);
}

TEST_CASE("E9: entries 128 positions apart turn by angles that differ by up to 0.0425 rad in fp32") {
  const Angles angles;
  double worst = 0;
  for (std::size_t position = 128; position < (1U << 20); position += 4) {
    for (std::size_t pair = 0; pair < 32; ++pair) {
      const auto p = static_cast<double>(position);
      worst = std::max(worst, std::abs(angles.error(pair, p) - angles.error(pair, p - 128)));
    }
  }
  CHECK_THAT(worst, Catch::Matchers::WithinAbs(0.0425, 5e-5));
}

TEST_CASE("YaRN divides slow pairs, so their angles are smaller and their errors too") {
  const auto error = [](const char* yarn) {
    return number(
        measured("rope", {{"frequencies", "fp32"}, {"angles", "fp32"}, {"position", "1000000"}, {"yarn", yarn}}),
        "angle_rms");
  };
  CHECK(error("on") > 0);
  CHECK(error("on") < error("off"));
  compressor::Problem problem = make_problem(test::small_config(compressor::Mode::csa), {});
  studies::Subject subject;
  subject.problem = &problem;
  CHECK(measured("rope", {{"position", "65536"}}, subject).contains("rotated"));
  problem.config.rope.reset();
  CHECK(measured("rope", {}, subject).contains("skipped"));
}

TEST_CASE("an angle beyond its format is NaN in every column, and the conclusion says so") {
  studies::WalkOptions options;
  options.values = {{"frequencies", {"fp16"}}, {"angles", {"fp16"}}, {"table", {"exact"}}, {"position", {"100000"}}};
  const studies::Results results = run_study(studies::study_named("rope"), options);
  REQUIRE(results.cells.size() == 1);
  for (const char* measure : {"angle_max", "angle_rms", "rotated", "rotated_last"})
    CHECK(std::isnan(results.cells[0].number(measure)));
  CHECK(results.conclusion == std::vector<std::string>{"With frequencies fp16, angles fp16, table exact, yarn off, "
                                                       "position 100000 an angle is beyond the format, and what is "
                                                       "rotated NaN."});
}
