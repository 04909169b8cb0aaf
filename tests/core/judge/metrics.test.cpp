// SPDX-License-Identifier: Apache-2.0
// Metrics by hand, and the law that chunks and threads do not change a bit.
#include "core/judge/metrics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/io/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

namespace {

using namespace ulpscope;
using compressor::Tensor;
using judge::Layout;
using judge::Metrics;

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Tensor tensor(std::vector<double> values) {
  Tensor tensor;
  tensor.shape = {values.size()};
  tensor.data = std::move(values);
  return tensor;
}

Layout flat(std::size_t count) {
  Layout layout;
  layout.rows = 1;
  layout.channels = count;
  return layout;
}

Metrics measured(std::vector<double> run, std::vector<double> truth, const char* format = "fp32") {
  const Layout layout = flat(run.size());
  return judge::measure(tensor(std::move(run)), tensor(std::move(truth)), {precision::parse_format(format), layout}, 1);
}

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

}  // namespace

TEST_CASE("errors of three numbers are what one computes by hand") {
  const Metrics m = measured({1.0, 2.5, -4.0}, {1.0, 2.0, -4.0});

  CHECK(m.count == 3);
  CHECK(m.compared == 3);
  CHECK(m.max_abs == 0.5);
  CHECK(m.max_rel == 0.25);
  CHECK(m.max_ulp == 0x1p21);  // 0.5 in spacings of [2, 4) in fp32: 2^-22
  CHECK(m.rms_rel == std::sqrt(0.25 / 21.0));
  CHECK(m.bias_rel == 1.0 / 21.0);
  CHECK(m.bits == -std::log2(m.rms_rel));
  REQUIRE(m.worst);
  CHECK(m.worst->index == 1);
  CHECK(m.worst->value == 2.5);
  CHECK(m.worst->truth == 2.0);
  CHECK(m.classes_equal());
  CHECK(m.note.empty());
}

TEST_CASE("classes are counted before magnitudes and non-finite pairs stay out of the magnitudes") {
  const Metrics m = measured({not_a_number, inf, -inf, 0.0, 0x1p-140, inf, not_a_number, 3.0},
                             {not_a_number, inf, inf, 1e-50, 0x1p-140, 1.0, 2.0, 3.0});

  CHECK(m.classes.nan == 2);
  CHECK(m.classes.pos_inf == 2);
  CHECK(m.classes.neg_inf == 1);
  CHECK(m.classes.zero == 1);
  CHECK(m.classes.underflowed == 1);
  CHECK(m.classes.subnormal == 1);
  CHECK(m.classes.overflowed == 1);
  CHECK(m.classes.class_mismatch == 3);  // -inf for +inf, +inf for 1, NaN for 2
  CHECK(m.compared == 3);
  CHECK(m.max_abs == 1e-50);
  CHECK(m.minimum.rtol == inf);
}

TEST_CASE("a negative zero and a positive zero are no distance apart") {
  const Metrics m = measured({-0.0, 0.0}, {0.0, -0.0});

  CHECK(m.max_ulp == 0);
  CHECK(m.classes.zero == 2);
  CHECK(m.classes.underflowed == 0);
  CHECK(m.note == "the truth is 0 everywhere");
}

TEST_CASE("an error where the truth is zero has infinite relative size") {
  const Metrics m = measured({1e-3, 1.0}, {0.0, 1.0});

  CHECK(m.max_rel == inf);
  CHECK(m.minimum.rtol == inf);
  CHECK(m.minimum.atol == 1e-3);
}

TEST_CASE("an empty comparison and one without a finite pair are no agreement") {
  const Metrics empty = measured({}, {});
  CHECK(empty.count == 0);
  CHECK(std::isnan(empty.max_abs));
  CHECK(empty.minimum.atol == inf);
  CHECK_FALSE(empty.note.empty());

  const Metrics pads = measured({-inf, -inf}, {-inf, -inf});
  CHECK(pads.compared == 0);
  CHECK(pads.classes_equal());
  CHECK(std::isnan(pads.rms_rel));
  CHECK_FALSE(pads.note.empty());
}

TEST_CASE("a constant truth is named, since agreement with it says little") {
  CHECK(measured({2.0, 2.0}, {2.0, 2.0}).note == "the truth is constant");
}

TEST_CASE("the smallest tolerances pass and anything smaller fails") {
  test::Random random(1);
  const judge::Ruler ruler(precision::parse_format("bf16"));
  for (int round = 0; round < 200; ++round) {
    const double truth = random.normal();
    const double run = truth * (1.0 + 1e-3 * random.normal());
    const auto minimum = measured({run}, {truth}, "bf16").minimum;
    const auto passes = [&](judge::Tolerance tolerance) { return judge::within(run, truth, tolerance, ruler); };

    CHECK(passes({.rtol = minimum.rtol}));
    CHECK_FALSE(passes({.rtol = minimum.rtol * (1 - 0x1p-50)}));
    CHECK(passes({.atol = minimum.atol}));
    CHECK_FALSE(passes({.atol = std::nextafter(minimum.atol, 0.0)}));
    CHECK(passes({.ulp = minimum.ulp}));
    CHECK_FALSE(passes({.ulp = std::nextafter(minimum.ulp, 0.0)}));
  }
}

TEST_CASE("NaN passes only against NaN and only where it is allowed") {
  const judge::Ruler ruler(precision::parse_format("fp32"));
  const judge::Tolerance strict{.rtol = 1e9, .atol = 1e9};
  judge::Tolerance lenient = strict;
  lenient.equal_nan = judge::EqualNan::yes;

  CHECK_FALSE(judge::within(not_a_number, not_a_number, strict, ruler));
  CHECK(judge::within(not_a_number, not_a_number, lenient, ruler));
  CHECK_FALSE(judge::within(not_a_number, 1.0, lenient, ruler));
  CHECK_FALSE(judge::within(1.0, not_a_number, lenient, ruler));
  CHECK(judge::within(inf, inf, strict, ruler));
  CHECK_FALSE(judge::within(inf, -inf, lenient, ruler));
  CHECK_FALSE(judge::within(1.0, inf, lenient, ruler));
}

TEST_CASE("quantiles are never below the sorted ones and above them by at most an eighth") {
  test::Random random(7);
  const judge::Ruler ruler(precision::parse_format("bf16"));
  std::vector<double> run(1001);
  std::vector<double> truth(1001);
  std::vector<double> distances(1001);
  for (std::size_t i = 0; i < run.size(); ++i) {
    truth[i] = random.normal();
    run[i] = truth[i] * (1 + 0.05 * random.normal());
    distances[i] = ruler.distance(run[i], truth[i]);
  }
  const Metrics m = measured(run, truth, "bf16");
  std::sort(distances.begin(), distances.end());

  CHECK(m.p50_ulp >= distances[500]);
  CHECK(m.p50_ulp <= 1.125 * distances[500]);
  CHECK(m.p99_ulp >= distances[990]);
  CHECK(m.p99_ulp <= 1.125 * distances[990]);
  CHECK(m.max_ulp == distances.back());
  CHECK(m.p99_ulp <= m.max_ulp);
}

TEST_CASE("chunks of any size and any number of threads give the same bits", "[threads]") {
  Layout layout;
  layout.rows = 9000;
  layout.channels = 64;
  layout.windows = layout.windows_per_batch = 1125;
  layout.rows_per_batch = 9000;
  layout.rows_per_window = 8;
  layout.has_channels = true;
  const auto truth = test::normal_values<double>(layout.size(), 3);
  auto run = truth;
  test::Random random(5);
  for (double& x : run) x *= 1 + 1e-3 * random.normal();
  const auto format = precision::parse_format("fp32");

  judge::Meter meter(format, layout);
  for (std::size_t first = 0; first < run.size();) {
    const std::size_t count = std::min<std::size_t>(run.size() - first, 1 + random.index(5000));
    meter.add(first, {std::span(run).subspan(first, count), std::span(truth).subspan(first, count)});
    first += count;
  }
  const Metrics streamed = meter.result();
  for (const unsigned threads : {1U, 2U, 3U}) {
    const Metrics m = judge::measure(tensor(run), tensor(truth), {format, layout}, threads);
    CHECK(same_bits(m.rms_rel, streamed.rms_rel));
    CHECK(same_bits(m.bias_rel, streamed.bias_rel));
    CHECK(same_bits(m.max_ulp, streamed.max_ulp));
    CHECK(m.worst->index == streamed.worst->index);
    CHECK(m.worst_window->index == streamed.worst_window->index);
    CHECK(same_bits(m.worst_channel->rms_rel, streamed.worst_channel->rms_rel));
    CHECK(m.map->max_ulp == streamed.map->max_ulp);
    CHECK(m.errors.size() == streamed.errors.size());
  }
}

TEST_CASE("the worst window, the worst channel and the map point at the planted error") {
  Layout layout;
  layout.rows = 40;
  layout.channels = 64;
  layout.windows = 10;
  layout.windows_per_batch = 5;
  layout.rows_per_batch = 20;
  layout.rows_per_window = 4;
  layout.has_channels = true;
  std::vector<double> truth(layout.size(), 1.0);
  std::vector<double> run = truth;
  const std::size_t planted = (1 * 20 + 2 * 4 + 3) * 64 + 17;  // batch 1, window 2, row 3, channel 17
  run[planted] = 1.5;
  run[5] = 0;

  const Metrics m = judge::measure(tensor(run), tensor(truth), {precision::parse_format("bf16"), layout}, 1);

  CHECK(m.worst_window->index == 0);  // an error of 1 in window 0 against 0.5 in window 7
  CHECK(m.worst_channel->index == 5);
  CHECK(m.map->rows == 10);
  CHECK(m.map->columns == 32);
  CHECK(m.map->max_ulp[7 * 32 + 17 / 2] == 64);
  CHECK(m.map->underflowed[5 / 2] == 1);
  const judge::Place place = judge::place_of(planted, layout);
  CHECK(judge::to_string(place, layout) == "window 2 of batch row 1, slot 3, channel 17");
}

TEST_CASE("histograms hold every finite pair once") {
  const Metrics m = measured({1.0, 1.5, not_a_number, 2.0, 0.0}, {1.0, 1.25, 1.0, 2.0, 0.0}, "bf16");
  std::uint64_t ulps = 0;
  for (const std::uint64_t n : m.ulps.counts) ulps += n;
  std::uint64_t cells = 0;
  for (const auto& cell : m.errors) cells += cell.count;

  CHECK(ulps == 4);
  CHECK(cells == 4);
  CHECK(m.ulps.upper_edges.back() == 64);  // 0.25 at 1.25 is 32 ulps of bf16: the bin [32, 64)
  CHECK(m.ulps.counts.back() == 1);
  CHECK(m.errors.back().log2_truth == 1);
}

TEST_CASE("every metric of the table has a name of its own and a value") {
  const Metrics m = measured({1.0, 2.5}, {1.0, 2.0});
  for (const auto& metric : judge::metric_table()) {
    CHECK(&judge::metric_named(metric.name) == &metric);
    CHECK_FALSE(metric.definition.empty());
    CHECK_FALSE(std::isnan(metric.value(m)));
  }
  CHECK_THROWS_AS(judge::metric_named("max_upl"), InputError);
}

TEST_CASE("a truth that is finer than double: a correctly rounded double is up to half an ulp off, and rows say so") {
  const std::vector<double> truth{1, -2, 0.75};
  const std::vector<double> tail{0x1p-54, -0x1p-53, 0};  // a quarter of a spacing away from 0, twice
  Layout layout = judge::plain_layout({1, 3});
  const precision::Format fp64 = precision::parse_format("fp64");
  const Metrics exact = judge::measure(tensor(truth), tensor(truth), {fp64, layout, tail}, 1);
  CHECK(exact.max_ulp == .25);
  CHECK(exact.max_abs == 0x1p-53);
  CHECK(exact.max_rel == 0x1p-54);
  CHECK(exact.rms_rel == std::sqrt((0x1p-108 + 0x1p-106) / (1 + 4 + .5625)));
  const std::vector<double> above{1 + 0x1p-52, -2, 0.75};
  CHECK(judge::measure(tensor(above), tensor(truth), {fp64, layout, tail}, 1).max_ulp == .75);
  const std::vector<double> other{-1, 2, 0.75};
  CHECK(judge::measure(tensor(other), tensor(truth), {fp64, layout, tail}, 1).max_abs == 4 + 0x1p-53 - 0x1p-53);
  CHECK(judge::measure(tensor(truth), tensor(truth), {fp64, layout}, 1).max_ulp == 0);
}
