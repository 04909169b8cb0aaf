// SPDX-License-Identifier: Apache-2.0
// PyTorch's orders of summation against a second text of them, and by hand where they end.
#include "precision/summation_cascade.hpp"

#include <bit>
#include <cmath>
#include <vector>

#include "precision/native.hpp"
#include "precision/summation.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;

namespace {

using Floats = std::vector<float>;

/// Terms of many magnitudes, half of which cancel: the last bits of their sum depend on its order.
Floats spread(std::size_t count, std::uint64_t seed) {
  test::Random random(seed);
  Floats x(count);
  for (std::size_t i = 0; i < count; ++i) {
    const float fresh = static_cast<float>(std::ldexp(random.normal(), static_cast<int>(i * 7 % 19) - 9));
    x[i] = i % 2 == 1 ? static_cast<float>(-1.003 * static_cast<double>(x[i - 1])) : fresh;
  }
  return x;
}

float sum_in(const Summation& order, const Floats& x) {
  return sum(Native<float>(), static_cast<int>(x.size()), order, [&](int i) { return x[static_cast<std::size_t>(i)]; });
}
float dot_in(const char* order, const Floats& a, const Floats& b) {
  const auto at = [](const Floats& x) { return [&x](int i) { return x[static_cast<std::size_t>(i)]; }; };
  return dot(Native<float>(), static_cast<int>(a.size()), parse_summation(order), at(a), at(b));
}
float sum_in(const char* order, const Floats& x) { return sum_in(parse_summation(order), x); }

Floats every(std::size_t step, std::size_t first, std::size_t end, const Floats& x) {
  Floats taken;
  for (std::size_t i = first; i < end; i += step) taken.push_back(x[i]);
  return taken;
}

/// Four running sums; after each block of 2^power a sum moves up and starts again.
float readable_cascade(const Floats& x) {
  std::size_t logarithm = 0;
  while ((std::size_t{1} << logarithm) < x.size()) ++logarithm;
  const std::size_t power = std::max<std::size_t>(4, logarithm / 4);
  float levels[4] = {0, 0, 0, 0};
  for (std::size_t i = 0; i < x.size(); ++i) {
    levels[0] += x[i];
    const bool in_whole_block = i < x.size() >> power << power;
    for (std::size_t level = 1; in_whole_block && level < 4 && (i + 1) % (std::size_t{1} << level * power) == 0;
         ++level) {
      levels[level] += levels[level - 1];
      levels[level - 1] = 0;
    }
  }
  return levels[0] + levels[1] + levels[2] + levels[3];
}

float readable_four(const Floats& x) {
  const std::size_t even = x.size() / 4 * 4;
  float total = readable_cascade(every(4, 0, even, x));
  for (std::size_t i = even; i < x.size(); ++i) total += x[i];
  for (std::size_t way = 1; way < 4; ++way) total += readable_cascade(every(4, way, even, x));
  return total;
}

/// A vector of 16 is two of 8, which are added first.
float readable_along(const Floats& x, std::size_t vector = 8) {
  if (x.size() < vector) return readable_four(x);
  const std::size_t full = x.size() / vector * vector;
  float total = 0;
  for (std::size_t i = full; i < x.size(); ++i) total += x[i];
  for (std::size_t lane = 0; lane < 8; ++lane) {
    Floats terms = every(vector, lane, full, x);
    const Floats halves = every(vector, lane + 8, full, x);
    for (std::size_t i = 0; vector == 16 && i < terms.size(); ++i) terms[i] += halves[i];
    total += readable_four(terms);
  }
  return total;
}

bool same_bits(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

const std::vector<std::size_t>& lengths() {
  static const std::vector<std::size_t> all = [] {
    std::vector<std::size_t> list{1000, 1023, 4095, 4096, 4113, 70000, (1U << 20) + 5, (1U << 20) + 70003};
    for (std::size_t n = 1; n < 300; ++n) list.push_back(n);
    return list;
  }();
  return all;
}

}  // namespace

TEST_CASE("cascade, four of them and sums along channels have the bits of their readable versions at every length") {
  int differ = 0, apart = 0, halved = 0;
  for (const std::size_t n : lengths()) {
    const Floats x = spread(n, n);
    INFO(n << " terms");
    CHECK(same_bits(sum_in("cascade:1", x), readable_cascade(x)));
    CHECK(same_bits(sum_in("cascade:4", x), readable_four(x)));
    CHECK(same_bits(sum_in("torch_channels", x), readable_along(x)));
    CHECK(same_bits(sum_in("torch_channels:8", x), readable_along(x)));
    CHECK(same_bits(sum_in("torch_channels:16", x), readable_along(x, 16)));
    CHECK(same_bits(sum_in("torch_rows:8", x), readable_cascade(x)));
    differ += same_bits(readable_cascade(x), readable_four(x)) ? 0 : 1;
    apart += same_bits(readable_along(x), readable_four(x)) ? 0 : 1;
    halved += same_bits(readable_along(x), readable_along(x, 16)) ? 0 : 1;
  }
  CHECK(differ > 200);  // the terms tell the orders apart
  CHECK(apart > 200);
  CHECK(halved > 200);
}

TEST_CASE("a cascade is blocked:16,16,16 as long as blocks have 16 terms, but that a sum of -0 is 0") {
  for (const std::size_t n : lengths()) {
    const Floats x = spread(n, n + 1);
    INFO(n << " terms");
    if (n < 1 << 19) CHECK(same_bits(sum_in("cascade:1", x), sum_in("blocked:16,16,16", x)));
  }
  CHECK(std::signbit(sum_in("blocked:16,16,16", {-0.0F, -0.0F})));
  for (const char* order : {"cascade:1", "cascade:4", "torch_channels", "torch_channels:16"}) {
    CHECK(!std::signbit(sum_in(order, {-0.0F, -0.0F})));
  }
}

TEST_CASE("dot products join cascades by FMA") {
  const float x = 0x1.000002p0F;  // its square is 1 + 2^-22 + 2^-46: rounded once with the sum that it joins
  CHECK(dot_in("cascade:1", {x, -1}, {x, 1}) == 0x1p-22F);
  CHECK(dot_in("cascade:1", {-1, x}, {1, x}) == 0x1.000001p-22F);
}

TEST_CASE("torch_rows changes with the column: full groups of 32, or of 4 in rows shorter than a vector") {
  const Summation fp32 = parse_summation("torch_rows:8"), bf16 = parse_summation("torch_rows:16");
  const auto alike = [](const Summation& order, std::vector<std::size_t> widths) {
    std::vector<std::size_t> columns;
    for (const std::size_t width : widths) columns.push_back(alike_columns(order, width));
    return columns;
  };
  CHECK(alike(fp32, {2, 4, 7, 8, 31, 32, 80, 512}) == std::vector<std::size_t>{0, 4, 4, 0, 0, 32, 64, 512});
  CHECK(alike(bf16, {2, 10, 15, 16, 31, 32, 80, 512}) == std::vector<std::size_t>{0, 8, 12, 0, 0, 32, 64, 512});
  CHECK(alike(parse_summation("lanes:4"), {1, 80}) == std::vector<std::size_t>{1, 80});
  const auto name_at = [&](const Summation& order, std::size_t column, std::size_t width) {
    return to_string(at_column(order, column, width));
  };
  CHECK(name_at(fp32, 63, 80) == "cascade:1");
  CHECK(name_at(fp32, 64, 80) == "cascade:4");
  CHECK(name_at(bf16, 7, 10) == "cascade:1");
  CHECK(name_at(fp32, 7, 10) == "cascade:4");
  CHECK(name_at(fp32, 0, 1) == "torch_channels:8");
  CHECK(name_at(bf16, 0, 1) == "torch_channels:16");
  CHECK(name_at(parse_summation("blocked:16,16"), 70, 80) == "blocked:16,16");
}
