// SPDX-License-Identifier: Apache-2.0
// Rows of a matrix product computed alone have the bits of the whole product.
#include "core/judge/product_rows.hpp"

#include <cmath>

#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::Name;
using compressor::Slot;
using compressor::Tensor;

namespace {

/// Every second pair of rows, at most half of them.
judge::IndexRanges some_rows(std::size_t rows) {
  judge::IndexRanges some;
  for (std::size_t row = 1; row + 1 < rows; row += 4) some.add(row, row + (row % 8 == 1 ? 1 : 2));
  return some;
}

/// The tensor with NaN in those rows.
Tensor erased(const Tensor& tensor, const judge::IndexRanges& rows) {
  std::vector<double> values = compressor::to_doubles(tensor);
  const std::size_t width = tensor.shape.back();
  rows.for_each([&](std::size_t row) {
    for (std::size_t i = 0; i < width; ++i) values[row * width + i] = NAN;
  });
  return {tensor.shape, std::move(values), io::DType::f64};
}

}  // namespace

TEST_CASE("rows computed alone are the whole product's, bit for bit") {
  for (const char* name : {"fp32", "hf", "fp16-pure", "fp32+sr"}) {
    const bool draws = std::string_view(name) == "fp32+sr";
    compressor::Recipe recipe = compressor::load_recipe(draws ? "fp32" : name);
    if (draws) recipe = compressor::with_setting(recipe, "project_kv.storage=bf16:sr");
    for (const auto& [title, problem] : test::small_problems()) {
      INFO(name << ", " << title);
      const compressor::Tape tape = compressor::run_traced(problem, recipe, {}).tape;
      for (const auto& [slot, record] : tape.records()) {
        if (!judge::has_token_rows(slot)) continue;
        INFO(compressor::to_string(slot));
        const judge::IndexRanges rows = some_rows(record.tensor.size() / record.tensor.shape.back());
        const Tensor made = judge::with_rows({slot, problem, recipe, tape}, erased(record.tensor, rows), rows, {});
        REQUIRE(made.size() == record.tensor.size());
        std::size_t others = 0;
        for (std::size_t i = 0; i < made.size(); ++i) {
          const double a = made.at(i);
          const double b = record.tensor.at(i);
          others += !(a == b && std::signbit(a) == std::signbit(b)) ? 1U : 0U;
        }
        CHECK(others == 0);
      }
    }
  }
}

TEST_CASE("a few sums of a projection are what the slot holds, but for one rounding and the order") {
  for (const auto& [name, problem] : test::small_problems()) {
    INFO(name);
    const auto recipe = compressor::load_recipe("fp64");
    const auto tape = compressor::run_traced(problem, recipe, {}).tape;
    for (const Name slot : {Name::kv, Name::gate}) {
      const compressor::Tensor& whole = tape.find(compressor::forward(slot))->tensor;
      judge::IndexRanges elements;
      elements.add(1);
      elements.add(problem.config.features() - 1, problem.config.features() + 2);
      elements.add(whole.size() - 1);
      const auto sums = judge::projected(slot, elements, problem, precision::parse_format("bf16"));
      REQUIRE(sums.size() == elements.size());
      std::size_t next = 0;
      elements.for_each([&](std::size_t i) {
        const double order = 0x1p-53 * static_cast<double>(problem.config.hidden) * 16;  // 16: sum of |terms|, at most
        CHECK(std::fabs(sums[next] - whole.at(i)) <= 0x1p-8 * std::fabs(whole.at(i)) + order);
        ++next;
      });
    }
  }
}
