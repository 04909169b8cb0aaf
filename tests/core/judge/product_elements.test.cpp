// SPDX-License-Identifier: Apache-2.0
// Elements of products against long double sums, for every way in which the factors lie; what is settled is within the
// bounds that were asked about.
#include "core/judge/product_elements.hpp"

#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "core/judge/product_dots.hpp"
#include "core/judge/product_scaled.hpp"
#include "precision/rounding.hpp"
#include "tests/core/judge/asked.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using judge::GivenFactor;
using judge::Lines;
using judge::SlotProduct;

namespace {

struct Size {
  std::size_t rows;
  std::size_t terms;
  std::size_t columns;
};

SlotProduct product_of(const Size& size, Lines left, Lines right) {
  const auto width = [&](Lines lines, std::size_t count) { return lines == Lines::rows ? size.terms : count; };
  return {{compressor::forward(compressor::Name::hidden), width(left, size.rows), left},
          {compressor::forward(compressor::Name::w_kv), width(right, size.columns), right},
          size.rows,
          size.terms,
          size.columns};
}

template <class T>
compressor::Tensor tensor_of(std::size_t count, std::size_t seed, double scale) {
  std::vector<T> values = test::normal_values<T>(count, seed);
  for (T& value : values) value = static_cast<T>(static_cast<double>(value) * scale);
  return {{count}, io::Buffer<T>(std::move(values)), sizeof(T) == 4 ? io::DType::f32 : io::DType::f64};
}

/// The sum, and that of its terms' absolute values.
struct Sum {
  long double value = 0;
  long double terms = 0;
};
Sum sum_of(const SlotProduct& product, const compressor::Tensor& left, const compressor::Tensor& right,
           std::size_t element) {
  Sum sum;
  for (std::size_t k = 0; k < product.terms; ++k) {
    const long double term =
        static_cast<long double>(left.at(element / product.columns * product.left.stride() + k * product.left.step())) *
        right.at(element % product.columns * product.right.stride() + k * product.right.step());
    sum.value += term;
    sum.terms += std::fabs(term);
  }
  return sum;
}

std::vector<std::size_t> every(std::size_t count, std::size_t step) {
  std::vector<std::size_t> elements;
  for (std::size_t i = step / 2; i < count; i += step) elements.push_back(i);
  return elements;
}

/// As the stage reads it.
compressor::Tensor read(const GivenFactor& given) {
  if (!given.format) return given.tensor;
  std::vector<double> values = compressor::to_doubles(given.tensor);
  for (double& value : values) value = precision::round(value, *given.format);
  return {given.tensor.shape, std::move(values), io::DType::f64};
}

judge::GivenProduct given_of(const SlotProduct& product, const GivenFactor& left, const GivenFactor& right) {
  const auto squares =
      std::make_shared<const judge::LineSquares>(judge::line_squares(read(right), product.right.width, 1));
  return {product, left, right, [squares]() -> const judge::LineSquares& { return *squares; }};
}

using Way = void (*)(const judge::GivenProduct&, judge::Inquiry&);

/// At these elements.
std::vector<double> sums_of(const judge::GivenProduct& given, const std::vector<std::size_t>& elements,
                            const test::Asked::Settled& settled = nullptr, Way way = judge::answer_product) {
  test::Asked asked(elements, given.product.rows * given.product.columns, settled);
  way(given, asked);
  CHECK(asked.is_answered());
  return asked.values();
}

template <class F>
void for_each_layout(F&& check) {
  for (const Size& size : {Size{5, 300, 70}, Size{33, 17, 19}, Size{1, 1, 1}, Size{130, 600, 3}, Size{2, 256, 300}}) {
    for (const Lines left : {Lines::rows, Lines::columns}) {
      for (const Lines right : {Lines::rows, Lines::columns}) {
        INFO(size.rows << " x " << size.terms << " x " << size.columns << ", " << int(left) << int(right));
        check(product_of(size, left, right));
      }
    }
  }
}

}  // namespace

TEST_CASE("few elements and many are the sums of the lines that meet, in any carrier") {
  for_each_layout([](const SlotProduct& product) {
    const auto left = tensor_of<float>(product.rows * product.terms, 3, 1);
    const auto right = tensor_of<double>(product.columns * product.terms, 4, 1);
    for (const auto& [a, b] : {std::pair{left, right}, std::pair{left, tensor_of<float>(right.size(), 5, 1e-3)},
                               std::pair{tensor_of<double>(left.size(), 6, 1e200), right}}) {
      for (const std::size_t step : {1, 2, 41}) {
        const auto elements = every(product.rows * product.columns, step);
        for (const Way way : {judge::answer_product, judge::answer_by_dots<double>}) {
          const auto sums = sums_of(given_of(product, {a, {}}, {b, {}}), elements, nullptr, way);
          for (std::size_t k = 0; k < sums.size(); ++k) {
            const Sum sum = sum_of(product, a, b, elements[k]);
            const long double error = std::fabs(sums[k] - sum.value);
            if (!(error <= sum.terms * static_cast<long double>(product.terms) * 0x1p-53L))
              FAIL("element " << elements[k]);
          }
        }
      }
    }
  });
}

TEST_CASE("a line of zeros gives zeros, whatever meets it; one of the least numbers does not") {
  const SlotProduct product = product_of({3, 40, 50}, Lines::columns, Lines::columns);
  std::vector<float> left = test::normal_values<float>(3 * 40, 7);
  for (std::size_t k = 0; k < 40; ++k) {
    left[k * 3 + 1] = 0;
    left[k * 3 + 2] = std::numeric_limits<float>::denorm_min();
  }
  std::vector<float> right = test::normal_values<float>(40 * 50, 8);
  for (std::size_t k = 0; k < 40; ++k) right[k * 50 + 7] = 0;
  const compressor::Tensor a{{40, 3}, io::Buffer<float>(std::move(left)), io::DType::f32};
  const compressor::Tensor b{{40, 50}, io::Buffer<float>(std::move(right)), io::DType::f32};
  std::vector<std::size_t> all(150);
  std::iota(all.begin(), all.end(), 0U);
  const auto sums = sums_of(given_of(product, {a, {}}, {b, {}}), all);
  for (std::size_t i = 0; i < 150; ++i) CHECK((sums[i] == 0) == (i / 50 == 1 || i % 50 == 7));
}

TEST_CASE("scaled rows skip no term of a line that is 0 but for a few") {
  constexpr std::size_t terms = 600;
  for (const std::size_t only : {std::size_t{0}, std::size_t{127}, std::size_t{128}, std::size_t{400}, terms - 1}) {
    const SlotProduct product = product_of({3, terms, 70}, Lines::rows, Lines::columns);
    std::vector<float> left(3 * terms);
    left[terms + only] = 3;  // of the second line: the others stay 0
    const compressor::Tensor a{{3, terms}, io::Buffer<float>(std::move(left)), io::DType::f32};
    const auto b = tensor_of<float>(terms * 70, 23, 1);
    const auto all = every(3 * 70, 1);
    const auto sums = sums_of(given_of(product, {a, {}}, {b, {}}), all, nullptr, judge::answer_by_scaled_rows<float>);
    for (const std::size_t i : all) {
      const double sum = i / 70 == 1 ? 3 * b.at(only * 70 + i % 70) : 0;
      if (sums[i] != sum) FAIL("term " << only << ", element " << i);
    }
  }
}

TEST_CASE("factors are read in their formats, in floats and in doubles") {
  for_each_layout([](const SlotProduct& product) {
    for (const char* name : {"fp16", "e4m3fn", "fp64"}) {  // the last does not fit a float
      const precision::Format format = precision::parse_format(name);
      const GivenFactor left{tensor_of<float>(product.rows * product.terms, 21, 1), format};
      const GivenFactor right{tensor_of<float>(product.columns * product.terms, 22, 1e-3), format};
      const compressor::Tensor read_left = read(left);
      const compressor::Tensor read_right = read(right);
      const auto elements = every(product.rows * product.columns, 3);
      const auto always = [](std::size_t, double, double) { return true; };
      const Way dots = format.precision > 24 ? judge::answer_by_dots<double> : judge::answer_by_dots<float>;
      for (const Way way : {judge::answer_product, dots}) {
        const auto found = sums_of(given_of(product, left, right), elements, always, way);
        for (std::size_t k = 0; k < elements.size(); ++k) {
          const Sum sum = sum_of(product, read_left, read_right, elements[k]);
          if (!(std::fabs(found[k] - sum.value) <= sum.terms * 0x1p-19L)) FAIL(name << ", element " << elements[k]);
        }
      }
    }
  });
}

TEST_CASE("what is settled is within bounds no wider than a ten-thousandth of the norms; what is not is in fp64") {
  for_each_layout([](const SlotProduct& product) {
    for (const double scale : {1.0, 1e-9, 1e-21, 1e12}) {
      const auto left = tensor_of<float>(product.rows * product.terms, 9, scale);
      const auto right = tensor_of<float>(product.columns * product.terms, 10, scale);
      const auto all = every(product.rows * product.columns, 1);
      std::size_t asked = 0;
      const auto settled = [&](std::size_t k, double low, double high) {
        ++asked;
        const Sum sum = sum_of(product, left, right, all[k]);
        if (!(sum.value >= low && sum.value <= high)) FAIL("element " << all[k]);
        const double norms = static_cast<double>(product.terms) * scale * scale * 25;  // no line is five sigma long
        if (!(high - low <= 1e-4 * norms + 1e-34)) FAIL("the bound of element " << all[k]);
        return k % 2 == 0;
      };
      for (const Way way : {judge::answer_product, judge::answer_by_dots<float>}) {
        asked = 0;
        const auto sums = sums_of(given_of(product, {left, {}}, {right, {}}), all, settled, way);
        CHECK(asked == all.size());
        for (std::size_t k = 1; k < all.size(); k += 2) {
          const Sum sum = sum_of(product, left, right, all[k]);
          if (!(std::fabs(sums[k] - sum.value) <= sum.terms * static_cast<long double>(product.terms) * 0x1p-53L))
            FAIL("element " << all[k]);
        }
      }
    }
  });
}

TEST_CASE("few elements are summed in fp64 without asking") {
  const SlotProduct product = product_of({16, 40, 50}, Lines::rows, Lines::columns);
  const auto left = tensor_of<float>(16 * 40, 17, 1);
  const auto right = tensor_of<float>(50 * 40, 18, 1);
  std::size_t asked = 0;
  const auto settled = [&asked](std::size_t, double, double) { return ++asked != 0; };
  const judge::GivenProduct given = given_of(product, {left, {}}, {right, {}});
  CHECK(sums_of(given, every(16 * 50, 67), settled).size() == 12);  // of 800: 1/64 is 12.5
  CHECK(asked == 0);
  CHECK(sums_of(given, every(16 * 50, 60), settled).size() == 13);
  CHECK(asked == 13);
}

TEST_CASE(
    "what is not finite has no bound and is summed in fp64, NaN where a zero meets it; doubles are not estimated") {
  const SlotProduct product = product_of({2, 8, 4}, Lines::rows, Lines::rows);
  std::vector<float> zero_in_one = test::normal_values<float>(8 * 4, 12);
  zero_in_one[3] = 0;  // of column 0
  const compressor::Tensor right{{4, 8}, io::Buffer<float>(std::move(zero_in_one)), io::DType::f32};
  const std::vector<std::size_t> all = every(8, 1);
  for (const float odd : {std::nanf(""), std::numeric_limits<float>::infinity(), 3e38F}) {
    std::vector<float> values = test::normal_values<float>(2 * 8, 11);
    values[3] = odd;
    const compressor::Tensor left{{2, 8}, io::Buffer<float>(std::move(values)), io::DType::f32};
    const auto settled = [](std::size_t k, double low, double high) {
      CHECK((high - low < 1e-3) == (k / 4 == 1));
      return high - low < 1e-3;
    };
    const auto sums = sums_of(given_of(product, {left, {}}, {right, {}}), all, settled);
    CHECK(std::isfinite(sums[0]) == (odd == 3e38F));
    CHECK(std::isnan(sums[0]) == (odd != 3e38F));
    CHECK(std::isfinite(sums[4]));
  }
  const auto unasked = [](std::size_t, double, double) {
    FAIL("asked about a sum in fp64");
    return true;
  };
  const auto doubles = tensor_of<double>(2 * 8, 11, 1);
  CHECK(sums_of(given_of(product, {doubles, {}}, {right, {}}), all, unasked).size() == 8);
}

TEST_CASE("what a left factor full of zeros makes are the same sums, NaN where a zero meets what is not finite") {
  const SlotProduct product = product_of({150, 300, 70}, Lines::rows, Lines::columns);
  std::vector<float> sparse(150 * 300);
  const auto some = test::normal_values<float>(sparse.size(), 13);
  for (std::size_t i = 0; i < sparse.size(); i += 7) sparse[i] = some[i];
  std::fill_n(sparse.begin() + 20 * 300, 300, 0.0F);  // row 20
  const compressor::Tensor left{{150, 300}, io::Buffer<float>(sparse), io::DType::f32};
  std::vector<float> values = test::normal_values<float>(300 * 70, 14);
  values[8 * 70 + 3] = std::numeric_limits<float>::infinity();        // of column 3, met by row 0's zero
  for (std::size_t k = 0; k < 300; ++k) values[k * 70 + 66] *= 1e6F;  // whose bound is no other column's
  const compressor::Tensor right{{300, 70}, io::Buffer<float>(std::move(values)), io::DType::f32};
  const judge::GivenProduct given = given_of(product, {left, {}}, {right, {}});
  for (const std::size_t step : {2, 3}) {
    const auto elements = every(150 * 70, step);
    CHECK(judge::pays_to_scale(given, elements.size()));
    const auto half = [&](std::size_t k, double low, double high) {
      const Sum sum = sum_of(product, left, right, elements[k]);
      if (std::isfinite(sum.value) && !(low <= sum.value && sum.value <= high)) FAIL(elements[k]);
      return k % 2 == 0;
    };
    const auto sums = sums_of(given, elements, half);
    for (std::size_t k = 0; k < sums.size(); ++k) {
      const Sum sum = sum_of(product, left, right, elements[k]);
      const bool is_row_of_zeros = elements[k] / 70 == 20;
      if (elements[k] % 70 == 3 && k % 2 == 1) CHECK(std::isfinite(sums[k]) == is_row_of_zeros);
      if (is_row_of_zeros) CHECK(sums[k] == 0);
      if (elements[k] % 70 != 3 && !(std::fabs(sums[k] - sum.value) <= sum.terms * 0x1p-16L)) FAIL(elements[k]);
    }
  }
  // 6387 terms in 70 columns cost as much as 249 elements of 300 + 1500.
  CHECK_FALSE(judge::pays_to_scale(given, 248));
  CHECK(judge::pays_to_scale(given, 249));
  const GivenFactor full{tensor_of<float>(sparse.size(), 15, 1), {}};
  CHECK_FALSE(judge::pays_to_scale(given_of(product, full, {right, {}}), 1749));  // 45000 terms: 1750
  CHECK(judge::pays_to_scale(given_of(product, full, {right, {}}), 1750));
  sparse[1] = std::nanf("");
  const compressor::Tensor odd{{150, 300}, io::Buffer<float>(sparse), io::DType::f32};
  CHECK_FALSE(judge::pays_to_scale(given_of(product, {odd, {}}, {right, {}}), 150 * 70));
}
