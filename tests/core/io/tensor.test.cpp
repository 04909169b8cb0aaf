// SPDX-License-Identifier: Apache-2.0
// Conversions between bytes and numbers.
#include "core/io/tensor.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/support/catch.hpp"

using namespace ulpscope::io;

namespace {

const double inf = std::numeric_limits<double>::infinity();
const double not_a_number = std::numeric_limits<double>::quiet_NaN();

Tensor make(const std::vector<double>& values, DType dtype) {
  return from_values(std::span(values), {values.size()}, dtype);
}

}  // namespace

TEST_CASE("The number of elements is the product of the extents, and is checked", "[io]") {
  CHECK(checked_count({}) == 1u);
  CHECK(checked_count({2, 3, 4}) == 24u);
  CHECK(checked_count({SIZE_MAX, 2}) == std::nullopt);
  CHECK(checked_count({SIZE_MAX, 2, 0}) == 0u);
  CHECK(to_string(Shape{2, 38, 64}) == "[2,38,64]");
  CHECK(to_string(Shape{}) == "[]");
}

TEST_CASE("Values that a dtype holds come back as they were", "[io]") {
  const std::vector<double> values = {0, 1, 2, 3, 4, 96, 112};
  for (const DTypeInfo& row : dtypes()) {
    CAPTURE(std::string(row.name));
    const std::vector<double> given = row.dtype == DType::boolean ? std::vector<double>{0, 1, 1, 0} : values;
    const Tensor tensor = make(given, row.dtype);
    CHECK(tensor.bytes.size() == given.size() * row.size);
    CHECK(to_doubles(tensor) == given);
    const std::vector<float> floats = to_floats(tensor);
    CHECK(std::vector<double>(floats.begin(), floats.end()) == given);
    CHECK(from_values(std::span<const float>(floats), tensor.shape, row.dtype) == tensor);
  }
}

TEST_CASE("A double is rounded once, not through float", "[io]") {
  const double just_above_a_tie = 1 + 0x1p-8 + 0x1p-40;
  CHECK(to_doubles(make({just_above_a_tie}, DType::bf16))[0] == 1 + 0x1p-7);
  CHECK(to_doubles(make({1 + 0x1p-8}, DType::bf16))[0] == 1);
}

TEST_CASE("NaN and infinities are data in floats", "[io]") {
  for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16, DType::f8_e5m2}) {
    const std::vector<double> back = to_doubles(make({inf, -inf, not_a_number, -0.0}, dtype));
    CHECK(back[0] == inf);
    CHECK(back[1] == -inf);
    CHECK(std::isnan(back[2]));
    CHECK(std::signbit(back[3]));
  }
  CHECK(std::isnan(to_doubles(make({inf}, DType::f8_e4m3))[0]));
}

TEST_CASE("Integers round to nearest even, saturate, and take NaN as 0", "[io]") {
  CHECK(to_integers(make({2.5, 3.5, -2.5, 1e300, -inf, not_a_number}, DType::i32)) ==
        std::vector<std::int64_t>{2, 4, -2, INT32_MAX, INT32_MIN, 0});
  CHECK(to_integers(make({1e300, -1e300, 0x1p63, -0x1p63}, DType::i64)) ==
        std::vector<std::int64_t>{INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN});
  CHECK(to_integers(make({-3, 300, 7}, DType::u8)) == std::vector<std::int64_t>{0, 255, 7});
  CHECK(to_integers(make({not_a_number, 0, 0.25}, DType::boolean)) == std::vector<std::int64_t>{1, 0, 1});
}

TEST_CASE("Large ids survive as integers", "[io]") {
  const std::vector<std::int64_t> ids = {INT64_MAX, INT64_MIN, (std::int64_t{1} << 53) + 1};
  CHECK(to_integers(from_integers(ids, {3})) == ids);
}

TEST_CASE("Conversions refuse what does not fit their words", "[io]") {
  const std::vector<double> three = {1, 2, 3};
  CHECK_THROWS_AS(from_values(std::span(three), {2, 2}, DType::f32), std::invalid_argument);
  CHECK_THROWS_AS(from_values(std::span(three), {SIZE_MAX, 3}, DType::f32), std::invalid_argument);
  CHECK_THROWS_AS(from_integers(std::vector<std::int64_t>{1}, {2}), std::invalid_argument);
  CHECK_THROWS_AS(to_integers(make({1}, DType::f32)), std::invalid_argument);
  Tensor short_one = make({1, 2}, DType::f32);
  short_one.bytes = std::vector<std::byte>(short_one.bytes.size() - 1);
  CHECK_THROWS_AS(check_size("kv", short_one), std::invalid_argument);
}
