// SPDX-License-Identifier: Apache-2.0
// Orders of summation, by hand and against each other; accumulators of published hardware.
#include "precision/summation.hpp"

#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "precision/emulated.hpp"
#include "precision/native.hpp"
#include "precision/real.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;

namespace {

/// Sum of a vector in a named format and order.
double sum_in(const char* format, const char* order, const std::vector<double>& terms) {
  const Emulated<double> m(parse_format(format));
  return sum(m, static_cast<int>(terms.size()), parse_summation(order),
             [&](int i) { return terms[static_cast<std::size_t>(i)]; });
}
double dot_in(const char* format, const char* order, const std::vector<double>& a, const std::vector<double>& b) {
  const Emulated<double> m(parse_format(format));
  return dot(
      m, static_cast<int>(a.size()), parse_summation(order), [&](int i) { return a[static_cast<std::size_t>(i)]; },
      [&](int i) { return b[static_cast<std::size_t>(i)]; });
}

/// An order written out: adds doubles as strings "(a+b)".
class Words {
 public:
  struct Text {
    std::string text;
  };
  using value_type = Text;
  using scalar_type = Text;
  using mask_type = bool;
  static constexpr int lanes = 1;
  Words() = default;
  explicit Words(const Format&) {}
  static Text join(const Text& a, const char* sign, const Text& b) { return {"(" + a.text + sign + b.text + ")"}; }
  Text add(const Text& a, const Text& b) const { return join(a, "+", b); }
  Text sub(const Text& a, const Text& b) const { return join(a, "-", b); }
  Text mul(const Text& a, const Text& b) const { return join(a, "*", b); }
  Text div(const Text& a, const Text& b) const { return join(a, "/", b); }
  Text fma(const Text& a, const Text& b, const Text& c) const { return {"(" + c.text + "+" + a.text + b.text + ")"}; }
  Text sqrt(const Text& a) const { return a; }
  Text exp(const Text& a) const { return a; }
  Text round(const Text& a) const { return a; }
  Text neg(const Text& a) const { return a; }
  Text from(double) const { return {"0"}; }
  static Text constant(double) { return {"0"}; }
  static Text max(const Text& a, const Text&) { return a; }
  static Text select(bool mask, const Text& a, const Text& b) { return mask ? a : b; }
  static bool less(const Text& a, const Text& b) { return a.text < b.text; }
  static bool equal(const Text& a, const Text& b) { return a.text == b.text; }
  static bool is_nan(const Text&) { return false; }
};

std::string order_of(const char* order, int n) {
  return sum(Words(), n, parse_summation(order),
             [](int i) { return Words::Text{std::string(1, static_cast<char>('a' + i))}; })
      .text;
}
std::string dot_order_of(const char* order, int n) {
  const auto name = [](char first) {
    return [first](int i) { return Words::Text{std::string(1, static_cast<char>(first + i))}; };
  };
  return dot(Words(), n, parse_summation(order), name('a'), name('A')).text;
}

const char* const orders[] = {"sequential",       "pairwise",  "blocked:4", "blocked:4,4",       "lanes:4",
                              "lanes:16,4",       "kahan",     "blas",      "tensor_core:25,16", "exact",
                              "lanes_pairwise:8", "cascade:1", "cascade:4", "torch_rows:8",      "torch_channels"};

}  // namespace

TEST_CASE("Orders are what they say") {
  CHECK(order_of("sequential", 5) == "((((a+b)+c)+d)+e)");
  CHECK(order_of("blas", 3) == "((a+b)+c)");
  CHECK(order_of("pairwise", 4) == "((a+b)+(c+d))");
  CHECK(order_of("pairwise", 6) == "(((a+b)+(c+d))+(e+f))");
  CHECK(order_of("pairwise", 7) == "(((a+b)+(c+d))+((e+f)+g))");
  CHECK(order_of("blocked:2", 6) == "(((a+b)+(c+d))+(e+f))");
  CHECK(order_of("blocked:2,2", 7) == "(((a+b)+(c+d))+((e+f)+g))");
  CHECK(order_of("blocked:100", 3) == "((a+b)+c)");
  CHECK(order_of("lanes:2", 5) == "(((a+c)+e)+(b+d))");
  CHECK(order_of("lanes:4,2", 6) == "(((a+e)+c)+((b+f)+d))");
  CHECK(order_of("lanes_pairwise:4", 6) == "(((a+e)+(b+f))+(c+d))");
  CHECK(order_of("lanes_pairwise:4", 3) == "((a+b)+c)");
  CHECK(order_of("lanes:8", 3) == "((a+b)+c)");
  CHECK(order_of("pairwise", 1) == "a");
  CHECK(order_of("sequential", 0) == "0");
}

TEST_CASE("Dot products join their sums by FMA") {
  CHECK(dot_order_of("sequential", 3) == "(((a*A)+bB)+cC)");
  CHECK(dot_order_of("pairwise", 3) == "(((a*A)+bB)+cC)");
  CHECK(dot_order_of("pairwise", 4) == "(((a*A)+bB)+((c*C)+dD))");
  CHECK(dot_order_of("blocked:2", 4) == "(((a*A)+bB)+((c*C)+dD))");
  CHECK(dot_order_of("lanes:2", 4) == "(((a*A)+cC)+((b*B)+dD))");
}

TEST_CASE("Names of summations are read, written and refused") {
  for (const char* name :
       {"sequential", "pairwise", "blocked:4", "blocked:16,4,2,2", "lanes:8", "kahan", "blas", "tensor_core:13,32",
        "exact", "lanes_pairwise:4", "cascade:4", "torch_rows:16", "torch_channels", "torch_channels:16"}) {
    CHECK(to_string(parse_summation(name)) == name);
  }
  for (const char* name : {"", "blocked", "blocked:", "blocked:0", "blocked:4,", "blocked:1,2,3,4,5", "pairwise:2",
                           "lanes:-1", "tensor_core:25", "tensor_core:60,16", "tensor_core:25,1000", "blocked:4 ",
                           "lanes:99999999999", "cascade", "torch_rows", "torch_channels:4"}) {
    INFO(name);
    CHECK_THROWS_AS(parse_summation(name), std::invalid_argument);
  }
  CHECK(summation_names().size() == 12);
}

TEST_CASE("Sequential sums of ones stagnate at 2^p, and of 128 equal terms at less") {
  CHECK(sum_in("bf16", "sequential", std::vector<double>(1000, 1)) == 256);
  CHECK(sum_in("e4m3fn", "sequential", std::vector<double>(128, 1)) == 16);
  CHECK(sum_in("e5m2", "sequential", std::vector<double>(128, 1)) == 8);
  const std::vector<double> weights(128, 0x1p-7);
  CHECK(sum_in("bf16", "sequential", weights) == 1);
  CHECK(sum_in("fp16", "sequential", weights) == 1);
  CHECK(sum_in("e4m3fn", "sequential", weights) == 0.125);
  CHECK(sum_in("e5m2", "sequential", weights) == 0.0625);
}

TEST_CASE("128 equal logits times a constant 1.25") {
  const std::vector<double> weights(128, 0x1p-7), values(128, 1.25);
  CHECK(dot_in("bf16", "sequential", weights, values) == 1.1015625);
  CHECK(dot_in("fp16", "sequential", weights, values) == 1.25);
  CHECK(dot_in("fp32", "sequential", weights, values) == 1.25);
  CHECK(dot_in("bf16", "pairwise", weights, values) == 1.25);
  CHECK(dot_in("bf16", "blocked:16", weights, values) == 1.25);
  CHECK(dot_in("e4m3fn", "sequential", weights, values) == 0.25);
}

TEST_CASE("128 equal addends: pairwise, 32 lanes and Kahan are exact, sequential loses 12 %") {
  double worst = 0;
  for (int k = 0; k < 128; ++k) {
    const double term = 0x1p-7 * (1 + k / 128.0);
    const std::vector<double> terms(128, term);
    for (const char* order : {"pairwise", "lanes:32,16,8,4", "kahan"}) {
      INFO(order << " " << k);
      CHECK(sum_in("bf16", order, terms) == 128 * term);
    }
    worst = std::max(worst, std::fabs(sum_in("bf16", "sequential", terms) / (128 * term) - 1));
  }
  CHECK(worst == std::fabs(1.1015625 / 1.25 - 1));
}

TEST_CASE("E11: Tensor core accumulators truncate where nearest-even rounds") {
  const auto accumulate = [](const char* order, double first, std::vector<double> terms) {
    terms.insert(terms.begin(), first);
    const std::vector<double> ones(terms.size(), 1);
    return dot_in("fp32", order, terms, ones);
  };
  const std::vector<double> tiny(16, 0x1p-25);
  CHECK(accumulate("sequential", 1, {1.5 * 0x1p-24}) == 1 + 0x1p-23);
  CHECK(accumulate("tensor_core:25,16", 1, {1.5 * 0x1p-24}) == 1);
  CHECK(accumulate("tensor_core:24,8", 1, {1.5 * 0x1p-24}) == 1);
  CHECK(accumulate("sequential", 1, tiny) == 1);
  CHECK(accumulate("tensor_core:24,8", 1, tiny) == 1);
  CHECK(accumulate("tensor_core:25,17", 1, tiny) == 0x1.000008p+0);
  CHECK(accumulate("sequential", -1, {0x1p-25}) == -1);
  CHECK(accumulate("tensor_core:24,8", -1, {0x1p-25}) == -1);
  CHECK(accumulate("tensor_core:25,16", -1, {0x1p-25}) == -0x1.fffffep-1);
}

TEST_CASE("E11: The 13-bit accumulator of FP8 loses six per cent of 4096 products, and promotion restores them") {
  const auto product_sum = [](int k) {
    return dot_in("fp32", "tensor_core:13,32", std::vector<double>(static_cast<std::size_t>(k), 1.125),
                  std::vector<double>(static_cast<std::size_t>(k), 1));
  };
  CHECK(product_sum(4096) == 4324);
  CHECK(product_sum(2048) == 2276);
  CHECK(product_sum(128) * 32 == 4608);
  const std::vector<double> ones(40000, 1);
  CHECK(dot_in("fp32", "tensor_core:13,1", ones, ones) == 16384);
  CHECK(dot_in("fp32", "tensor_core:13,32", ones, ones) == 16384);
}

TEST_CASE("Tensor cores pass infinities and NaN on") {
  const double infinity_value = INFINITY;
  CHECK(dot_in("fp32", "tensor_core:25,16", {1, infinity_value}, {1, 2}) == infinity_value);
  CHECK(std::isnan(dot_in("fp32", "tensor_core:25,16", {1, infinity_value}, {1, 0})));
  CHECK(std::isnan(dot_in("fp32", "tensor_core:25,16", {infinity_value, -infinity_value}, {1, 1})));
  CHECK(dot_in("fp32", "tensor_core:25,16", {0, 0}, {1, 1}) == 0);
}

TEST_CASE("Exact sums survive cancellation and round once") {
  CHECK(sum_in("fp32", "exact", {1, 0x1p100, 0x1p-40, -0x1p100, -1}) == 0x1p-40);
  CHECK(sum_in("fp32", "exact", {0x1p120, 0x1p60, 1, -0x1p120, -0x1p60}) == 1);
  CHECK(sum_in("bf16", "exact", {1, 0x1p-8, 0x1p-90}) == 1 + 0x1p-7);
  CHECK(sum_in("bf16", "exact", {1, 0x1p-8}) == 1);
  CHECK(sum_in("bf16", "exact", {1, 0x1p-8, -0x1p-90}) == 1);
  CHECK(dot_in("fp32", "exact", {0x1p60, 1 + 0x1p-12, -0x1p60}, {1, 1 + 0x1p-12, 1}) ==
        static_cast<double>(static_cast<float>((1 + 0x1p-12) * (1 + 0x1p-12))));
  CHECK(std::isinf(sum_in("fp32", "exact", {1, INFINITY})));
  CHECK(std::isnan(sum_in("fp32", "exact", {-INFINITY, INFINITY})));
}

TEST_CASE("Exact sums flush what their accumulator flushes") {
  CHECK(dot_in("fp32", "exact", {0x1p-130}, {0x1p20}) == 0x1p-110);
  CHECK(dot_in("fp32:daz", "exact", {0x1p-130}, {0x1p20}) == 0);
  CHECK(dot_in("fp32:daz", "exact", {0x1p20}, {0x1p-130}) == 0);
  CHECK(dot_in("fp32:daz", "exact", {0x1p-70}, {0x1p-60}) == 0x1p-130);
  CHECK(dot_in("fp32:ftz", "exact", {0x1p-70}, {0x1p-60}) == 0);
  CHECK(dot_in("fp32:ftz", "exact", {0x1p-130}, {0x1p20}) == 0x1p-110);
  CHECK(std::isnan(dot_in("fp32:daz", "exact", {0x1p-130}, {INFINITY})));
  CHECK(sum_in("fp32:daz", "exact", {0x1p-130, 1}) == 1);
  CHECK(sum_in("fp32:daz", "exact", {0x1p-127, 0x1p-127}) == 0);
  CHECK(sum_in("fp32:ftz", "exact", {0x1p-127, 0x1p-127}) == 0x1p-126);
}

TEST_CASE("Exact dot products agree with 80 digits") {
  test::Random random(9);
  const RealArithmetic real;
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> a(100), b(100);
    for (std::size_t i = 0; i < a.size(); ++i) {
      a[i] = static_cast<double>(static_cast<float>(random.normal()));
      b[i] = static_cast<double>(static_cast<float>(random.normal()));
    }
    const Real truth = dot(
        real, 100, parse_summation("sequential"), [&](int i) { return Real(a[static_cast<std::size_t>(i)]); },
        [&](int i) { return Real(b[static_cast<std::size_t>(i)]); });
    CHECK(dot_in("fp32", "exact", a, b) == static_cast<double>(truth.convert_to<float>()));
    CHECK(dot_in("fp64", "exact", a, b) == truth.convert_to<double>());
  }
}

TEST_CASE("Packs sum as scalars do, in every order and in both carriers") {
  using V = Pack<float, 4>;
  test::Random random(17);
  std::vector<float> x(4 * 77);
  for (float& each : x) each = static_cast<float>(random.normal());
  const auto pack_at = [&](int i) { return load<V>(&x[static_cast<std::size_t>(4 * i)]); };
  for (const char* format : {"fp32", "bf16", "fp16", "e4m3fn:sat", "fp32:rz"}) {
    for (const char* order : orders) {
      const Summation summation = parse_summation(order);
      const V packed = sum(Emulated<V>(parse_format(format)), 77, summation, pack_at);
      const V packed_dot = dot(Emulated<V>(parse_format(format)), 77, summation, pack_at, pack_at);
      for (int k = 0; k < 4; ++k) {
        const auto at = [&](int i) { return x[static_cast<std::size_t>(4 * i + k)]; };
        const auto wide_at = [&](int i) { return static_cast<double>(at(i)); };
        const Emulated<float> narrow(parse_format(format));
        const Emulated<double> wide(parse_format(format));
        INFO(format << " " << order);
        CHECK(lane(packed, k) == sum(narrow, 77, summation, at));
        CHECK(lane(packed_dot, k) == dot(narrow, 77, summation, at, at));
        CHECK(static_cast<double>(lane(packed, k)) == sum(wide, 77, summation, wide_at));
        CHECK(static_cast<double>(lane(packed_dot, k)) == dot(wide, 77, summation, wide_at, wide_at));
      }
    }
  }
}

TEST_CASE("Every order stays within its worst-case bound") {
  test::Random random(23);
  const double u = 0x1p-24;
  std::vector<double> x(500);
  for (double& each : x) each = static_cast<double>(static_cast<float>(random.normal()));
  const double exact = sum_in("fp64", "exact", x);
  const double scale = std::accumulate(x.begin(), x.end(), 0.0, [](double s, double y) { return s + std::fabs(y); });
  for (const char* order : orders) {
    const bool truncates = std::string(order).starts_with("tensor_core");
    const double bound = (truncates ? 4 : 1) * 500 * u / (1 - 500 * u) * scale;
    INFO(order);
    CHECK(std::fabs(sum_in("fp32", order, x) - exact) <= bound);
  }
  CHECK(std::fabs(sum_in("fp32", "kahan", x) - exact) <= 3 * u * scale);
}
