// SPDX-License-Identifier: Apache-2.0
// The generator against JAX: recorded draws, published vectors, digests of a million, and any split of a stream.
#include "core/compressor/random.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"
#include "tests/support/random.hpp"

namespace {

using ulpscope::compressor::fold_in;
using ulpscope::compressor::key;
using ulpscope::compressor::Key;
using ulpscope::compressor::normal;
using ulpscope::compressor::normal_portable;
using ulpscope::compressor::portable_fma;
using ulpscope::compressor::random_bits;
using ulpscope::compressor::random_bits64;
using ulpscope::compressor::Range;
using ulpscope::compressor::split;
using ulpscope::compressor::threefry2x32;
using ulpscope::compressor::truncated_normal;
using ulpscope::compressor::uniform;
using Json = nlohmann::json;

/// Recorded with JAX 0.10.2 on a CPU: four seeds, three shapes each.
const Json& golden() {
  static const Json json = [] {
    std::ifstream file(ulpscope::test::source_path("tests/golden/jax-random.json"));
    return Json::parse(file);
  }();
  return json;
}

Key key_of(const Json& words) { return {words.at(0).get<std::uint32_t>(), words.at(1).get<std::uint32_t>()}; }

/// Numbers are hex floats in strings.
std::vector<double> numbers(const Json& strings) {
  std::vector<double> values;
  for (const auto& text : strings) values.push_back(std::strtod(text.get<std::string>().c_str(), nullptr));
  return values;
}

/// Calls visit(key, draw) for every recorded draw.
template <class Visit>
void for_each_draw(Visit visit) {
  REQUIRE(golden().at("cases").size() == 4);
  for (const auto& seeded : golden().at("cases")) {
    REQUIRE(seeded.at("draws").size() == 3);
    for (const auto& draw : seeded.at("draws")) visit(key_of(seeded.at("key")), draw);
  }
}

/// Fills as many floats as the record `name` holds and demands the recorded bits.
template <class Fill>
void check_floats(const Json& draw, const std::string& name, Fill fill) {
  const std::vector<double> expected = numbers(draw.at(name));
  std::vector<float> found(expected.size());
  fill(std::span<float>(found));
  REQUIRE_FALSE(found.empty());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO(name << " element " << i);
    CHECK(std::bit_cast<std::uint64_t>(static_cast<double>(found[i])) == std::bit_cast<std::uint64_t>(expected[i]));
  }
}

/// FNV-1a over 32-bit words.
std::uint64_t digest(const std::vector<float>& values) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const float x : values) hash = (hash ^ std::bit_cast<std::uint32_t>(x)) * 0x100000001B3U;
  return hash;
}

std::vector<float> normals(Key k, std::uint64_t first, std::size_t count) {
  std::vector<float> values(count);
  normal(k, first, values);
  return values;
}

TEST_CASE("keys, splits and folds are JAX's", "[random]") {
  for (const auto& seeded : golden().at("cases")) {
    const Key k = key(seeded.at("seed").get<std::uint64_t>());
    CHECK(k == key_of(seeded.at("key")));
    for (std::size_t i = 0; i < seeded.at("split3").size(); ++i) CHECK(split(k, i) == key_of(seeded.at("split3")[i]));
    for (const auto& [data, expected] : seeded.at("fold_in").items()) {
      CHECK(fold_in(k, static_cast<std::uint32_t>(std::stoul(data))) == key_of(expected));
    }
  }
}

TEST_CASE("random bits of 8, 16, 32 and 64 bits are JAX's", "[random]") {
  for_each_draw([](Key k, const Json& draw) {
    for (std::size_t i = 0; i < draw.at("bits32").size(); ++i) {
      const std::uint32_t bits = random_bits(k, i);
      CHECK(bits == draw.at("bits32")[i].get<std::uint32_t>());
      CHECK((bits & 0xFFFFU) == draw.at("bits16")[i].get<std::uint32_t>());
      CHECK((bits & 0xFFU) == draw.at("bits8")[i].get<std::uint32_t>());
      CHECK(random_bits64(k, i) == draw.at("bits64")[i].get<std::uint64_t>());
    }
  });
}

TEST_CASE("uniforms of other formats are the leading bits of their streams", "[random]") {
  for_each_draw([](Key k, const Json& draw) {
    const std::vector<double> fp64 = numbers(draw.at("uniform_float64"));
    const std::vector<double> fp16 = numbers(draw.at("uniform_float16"));
    const std::vector<double> bf16 = numbers(draw.at("uniform_bfloat16"));
    for (std::size_t i = 0; i < fp64.size(); ++i) {
      CHECK(static_cast<double>(random_bits64(k, i) >> 12) * 0x1p-52 == fp64[i]);
      CHECK(static_cast<double>((random_bits(k, i) & 0xFFFFU) >> 6) * 0x1p-10 == fp16[i]);
      CHECK(static_cast<double>((random_bits(k, i) & 0xFFU) >> 1) * 0x1p-7 == bf16[i]);
    }
  });
}

TEST_CASE("uniform, normal and truncated normal float32 draws have JAX's bits", "[random]") {
  for_each_draw([](Key k, const Json& draw) {
    check_floats(draw, "uniform_float32", [&](std::span<float> out) { uniform(k, 0, out, {}); });
    check_floats(draw, "uniform_-2_3_float32", [&](std::span<float> out) { uniform(k, 0, out, {-2.0F, 3.0F}); });
    check_floats(draw, "normal_float32", [&](std::span<float> out) { normal(k, 0, out); });
    check_floats(draw, "truncated_normal_-2_2_float32", [&](std::span<float> out) {
      truncated_normal(k, 0, out, {-2.0F, 2.0F});
    });
  });
}

TEST_CASE("a million draws of key 42 have the digests of JAX's", "[random]") {
  std::vector<float> values(1000000);
  normal(key(42), 0, values);
  CHECK(digest(values) == 0x48D5B6D17DDC9C87U);
  uniform(key(42), 0, values, {-2.0F, 3.0F});
  CHECK(digest(values) == 0x5362C284013B42A0U);
  truncated_normal(key(42), 0, values, {-2.0F, 2.0F});
  CHECK(digest(values) == 0x95C62FD5D4118B97U);
}

TEST_CASE("threefry gives the vectors that JAX's own tests publish", "[random]") {
  CHECK(threefry2x32({0, 0}, {0, 0}) == Key{0x6B200159U, 0x99BA4EFEU});
  CHECK(threefry2x32({~0U, ~0U}, {~0U, ~0U}) == Key{0x1CB996FCU, 0xBB002BE7U});
  CHECK(threefry2x32({0x13198A2EU, 0x03707344U}, {0x243F6A88U, 0x85A308D3U}) == Key{0xC4923A9CU, 0x483DF7A0U});
  CHECK(fold_in(key(0), 4) == Key{2285895361U, 433833334U});
  // The original (not partitionable) mode hashes the two halves of the counters, an odd end padded with 0.
  const Key outer = threefry2x32(key(1701), {0, 2});
  const Key inner = threefry2x32(key(1701), {1, 0});
  CHECK(std::array{outer.hi, inner.hi, outer.lo} == std::array{56197195U, 4200222568U, 961309823U});
  CHECK(threefry2x32(key(0), {0, 4}).hi == 2285895361U);
  CHECK(threefry2x32(key(0), {1, 5}).hi == 1501764800U);
}

TEST_CASE("uniforms of the partitionable stream are the published ones", "[random]") {
  std::array<float, 3> found{};
  uniform(key(0), 0, found, {});
  CHECK(found == std::array{0.947667F, 0.9785799F, 0.33229148F});
  uniform(split(key(0), 1), 0, std::span(found).first(1), {});
  CHECK(std::abs(found[0] - 0.00729382F) < 1e-8F);
}

TEST_CASE("counters beyond 2^32 carry into the first word", "[random]") {
  const Key k{2, 5};
  CHECK(random_bits(k, 0xFFFFFFFFU) == (830272344U ^ 1667618568U));
  CHECK(random_bits(k, std::uint64_t{1} << 32) == (4153548926U ^ 638900260U));
  CHECK(random_bits64(k, (std::uint64_t{1} << 32) + 1) == ((std::uint64_t{4231389183U} << 32) | 1521686584U));
  const std::uint64_t first = (std::uint64_t{1} << 32) - 100;
  const std::vector<float> whole = normals(k, first, 200);
  for (std::size_t i = 0; i < whole.size(); ++i) CHECK(normals(k, first + i, 1)[0] == whole[i]);
}

TEST_CASE("any split of a stream gives the bytes of the whole", "[random]") {
  const Key k = fold_in(key(7), 3);
  const std::vector<float> whole = normals(k, 1000, 5000);
  std::vector<float> uniforms(5000);
  uniform(k, 1000, uniforms, {-1.0F, 1.0F});
  ulpscope::test::Random random(1);
  for (int trial = 0; trial < 200; ++trial) {
    const std::size_t begin = random.index(whole.size());
    const std::size_t count = random.index(whole.size() - begin + 1);
    std::vector<float> part = normals(k, 1000 + begin, count);
    CHECK(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(begin)));
    uniform(k, 1000 + begin, part, {-1.0F, 1.0F});
    CHECK(std::equal(part.begin(), part.end(), uniforms.begin() + static_cast<std::ptrdiff_t>(begin)));
  }
}

TEST_CASE("the portable fused multiply-add rounds once, at ties, in subnormals and at overflow", "[random]") {
  ulpscope::test::Random random(3);
  const auto any = [&random](std::uint64_t low_exponent, std::uint64_t exponents, std::uint32_t keep) {
    const std::uint64_t bits = random.bits();
    const std::uint64_t exponent = low_exponent + (bits >> 32) % exponents;
    return std::bit_cast<float>((static_cast<std::uint32_t>(bits) & keep) | static_cast<std::uint32_t>(exponent << 23));
  };
  CHECK(portable_fma(1.0F + 0x1p-12F, 1.0F + 0x1p-12F, 0x1p-60F) == 1.0F + 0x1p-11F + 0x1p-23F);  // just above a tie
  CHECK(portable_fma(1.0F + 0x1p-12F, 1.0F + 0x1p-12F, -0x1p-60F) == 1.0F + 0x1p-11F);            // just below it
  const float odd_subnormal = 0x1p-127F + 0x1p-149F;
  CHECK(portable_fma(0x1.000002p-75F, 0x1.fffffcp-76F, odd_subnormal) == odd_subnormal);  // just below half its ulp
  CHECK(std::isinf(portable_fma(std::numeric_limits<float>::max(), 2.0F, 1.0F)));
  std::size_t wrong = 0;
  for (int trial = 0; trial < 200000; ++trial) {
    const float few_a = any(127, 1, 0x807FF000U);
    const float few_b = any(127, 1, 0x807FF800U);
    const float far_c = any(60, 80, 0x80400001U);
    wrong += portable_fma(few_a, few_b, far_c) != std::fma(few_a, few_b, far_c) ? 1U : 0U;
    const float tiny_a = any(40, 30, 0x807FFFFFU);
    const float tiny_b = any(20, 40, 0x807FFFFFU);
    const float tiny_c = any(0, 2, 0x807FFFFFU);
    wrong += portable_fma(tiny_a, tiny_b, tiny_c) != std::fma(tiny_a, tiny_b, tiny_c) ? 1U : 0U;
  }
  CHECK(wrong == 0);
}

TEST_CASE("normals without FMA instructions have the same bits", "[random]") {
  std::vector<float> portable(300000);
  normal_portable(key(42), 0, portable);
  CHECK(digest(portable) == digest(normals(key(42), 0, portable.size())));
}

TEST_CASE("normals have the moments and quantiles of the normal law", "[random]") {
  const std::size_t count = 1000000;
  const double n = static_cast<double>(count);
  std::array<double, 5> moments{};
  std::size_t within_one = 0;
  std::size_t beyond_three = 0;
  for (const float x : normals(key(2026), 0, count)) {
    for (std::size_t power = 1; power <= 4; ++power) moments[power] += std::pow(static_cast<double>(x), power) / n;
    within_one += std::abs(x) < 1.0F ? 1U : 0U;
    beyond_three += std::abs(x) > 3.0F ? 1U : 0U;
  }
  const double five_sigma = 5.0 / std::sqrt(n);  // of a mean; the variances of x, x^2, x^3, x^4 are 1, 2, 15, 96
  CHECK(std::abs(moments[1]) < five_sigma);
  CHECK(std::abs(moments[2] - 1.0) < five_sigma * std::sqrt(2.0));
  CHECK(std::abs(moments[3]) < five_sigma * std::sqrt(15.0));
  CHECK(std::abs(moments[4] - 3.0) < five_sigma * std::sqrt(96.0));
  const auto count_near = [&](std::size_t found, double p) {
    return std::abs(static_cast<double>(found) / n - p) < five_sigma * std::sqrt(p * (1.0 - p));
  };
  CHECK(count_near(within_one, 0.682689492137086));
  CHECK(count_near(beyond_three, 0.002699796063260));
}

TEST_CASE("keys of neighbouring seeds and folds give uncorrelated streams", "[random]") {
  const std::vector<float> reference = normals(fold_in(key(0), 0), 0, 100000);
  for (const Key other : {fold_in(key(0), 1), fold_in(key(1), 0), split(key(0), 2), key(0)}) {
    const std::vector<float> values = normals(other, 0, reference.size());
    double product = 0;
    for (std::size_t i = 0; i < values.size(); ++i) product += static_cast<double>(values[i] * reference[i]);
    CHECK(std::abs(product) < 5.0 * std::sqrt(static_cast<double>(values.size())));
  }
}

TEST_CASE("truncated normals stay inside their open range, also where erf is 1", "[random]") {
  std::vector<float> values(100000);
  for (const Range range : {Range{-2, 2}, Range{-0.3F, 1.7F}, Range{3, 6}, Range{-9, -8}}) {
    truncated_normal(key(5), 0, values, range);
    for (const float x : values) REQUIRE((x > range.low && x < range.high));
  }
}

}  // namespace
