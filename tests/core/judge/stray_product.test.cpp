// SPDX-License-Identifier: Apache-2.0
// What factors tell of a matrix product's strays is what the engine computes.
#include "core/judge/stray_product.hpp"

#include <cmath>

#include "core/compressor/run.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::Name;
using compressor::Slot;

namespace {

judge::IndexRanges nonfinite(const compressor::Tensor& tensor) {
  judge::IndexRanges found;
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    if (!std::isfinite(tensor.at(i))) found.add(i);
  }
  return found;
}

compressor::Problem with(compressor::Problem problem, Name name, double value) {
  auto& tensor = problem.inputs.at(name);
  std::vector<double> values = compressor::to_doubles(tensor);
  values[values.size() / 2] = value;
  tensor = {tensor.shape, std::move(values), io::DType::f64};
  return problem;
}

/// Rows that hold something that is not finite are among the tainted ones, which are all where a column is one.
void check_rows(const judge::StrayProduct& product, const compressor::Tensor& tensor, const judge::IndexRanges& found) {
  const std::size_t width = tensor.shape.back();
  const judge::IndexRanges rows = product.tainted_rows();
  found.for_each([&](std::size_t i) { CHECK(rows.contains(i / width)); });
  CHECK(rows.empty() == found.empty());
  CHECK(rows.size() <= tensor.size() / width);
}

/// Checks every matrix product of a run; gives how many hold something that is not finite.
std::size_t check_products(const compressor::Problem& problem, const compressor::Recipe& recipe) {
  const compressor::Plan plan(recipe, problem.config);
  const compressor::Tape tape = compressor::run_traced(problem, recipe, {}).tape;
  judge::FactorScans scans;
  std::size_t products = 0;
  std::size_t holding = 0;
  for (const auto& [slot, record] : tape.records()) {
    if (!judge::is_matrix_product(slot)) continue;
    INFO(compressor::to_string(slot));
    ++products;
    const judge::StrayProduct product(slot, {plan, problem, tape, scans});
    const auto found = nonfinite(record.tensor);
    CHECK(product.carries(found));
    CHECK(product.stays_finite() == found.empty());
    holding += found.empty() ? 0U : 1U;
    check_rows(product, record.tensor, found);
    judge::IndexRanges finite;
    for (std::size_t i = 0; i < record.tensor.size() && finite.empty(); ++i) {
      if (std::isfinite(record.tensor.at(i))) finite.add(i);
    }
    if (!finite.empty()) CHECK_FALSE(product.carries(finite));
  }
  CHECK(products == 6);
  return holding;
}

}  // namespace

TEST_CASE("strays of a product are those of its factors' rows and columns, and of none where factors are ordinary") {
  for (const auto& [name, problem] : test::small_problems()) {
    if (problem.config.windows() == 0) continue;
    INFO(name);
    const auto recipe = compressor::load_recipe("fp32");
    CHECK(check_products(problem, recipe) == 0);
    for (const double value : {double{NAN}, double{HUGE_VAL}}) {
      CHECK(check_products(with(problem, Name::w_gate, value), recipe) > 0);
      CHECK(check_products(with(problem, Name::hidden, value), recipe) > 0);
      CHECK(check_products(with(problem, Name::cotangent, value), recipe) > 0);
    }
  }
}

TEST_CASE("a sum that may pass the end of a format is not said to stay finite; saturation carries nothing") {
  const auto problem = test::small_problems().front().problem;
  const Slot kv = compressor::forward(Name::kv);
  const auto product = [&](const compressor::Problem& of, const char* setting) {
    const auto recipe = compressor::with_setting(compressor::load_recipe("fp32"), setting);
    judge::FactorScans scans;
    return judge::StrayProduct(kv, {compressor::Plan(recipe, of.config), of, {}, scans});
  };
  CHECK(product(problem, "project_kv.storage=fp16").stays_finite());
  CHECK_FALSE(product(with(problem, Name::hidden, 1e5), "project_kv.storage=fp16").stays_finite());
  CHECK(product(with(problem, Name::hidden, 1e5), "project_kv.storage=bf16").stays_finite());
  const auto poisoned = with(problem, Name::w_kv, NAN);
  judge::IndexRanges column;
  column.add(problem.config.features() / 2);
  CHECK(product(poisoned, "project_kv.storage=bf16").carries(column));
  CHECK_FALSE(product(poisoned, "project_kv.storage=bf16:sat").carries(column));
  CHECK_FALSE(product(poisoned, "project_kv.storage=e4m3fn").carries(column));
}

TEST_CASE("many terms of the largest size do not make a sum that may overflow: norms bound it, of rows and columns") {
  auto problem = test::small_problems().front().problem;
  const Slot kv = compressor::forward(Name::kv);
  const std::size_t h = problem.config.hidden;
  const auto recipe = compressor::with_setting(compressor::load_recipe("fp32"), "project_kv.storage=fp16");
  // One large number a row of either factor, never at the same place: h of them at once would pass fp16's end.
  const auto spread = [&](Name name, std::size_t place, double value) {
    auto& tensor = problem.inputs.at(name);
    std::vector<double> values(tensor.size(), 0x1p-10);
    for (std::size_t row = 0; row < values.size() / h; ++row) values[row * h + place] = value;
    tensor = {tensor.shape, std::vector<float>(values.begin(), values.end()), io::DType::f32};
  };
  const double large = std::sqrt(65504 / (16 + static_cast<double>(h)));
  spread(Name::hidden, 1, large);
  const auto product = [&] {
    judge::FactorScans scans;
    return judge::StrayProduct(kv, {compressor::Plan(recipe, problem.config), problem, {}, scans});
  };
  spread(Name::w_kv, 2, large);
  CHECK(8 * static_cast<double>(h) * large * large > 65504);
  CHECK(product().stays_finite());
  spread(Name::w_kv, 1, 65504 / large);  // their product alone is the end
  CHECK_FALSE(product().stays_finite());
}

TEST_CASE("numbers whose squares leave their format are no strays") {
  auto problem = test::small_problems().front().problem;
  auto& hidden = problem.inputs.at(Name::hidden);
  hidden = {hidden.shape, std::vector<float>(hidden.size(), 1e30F), io::DType::f32};
  const compressor::Plan plan(compressor::load_recipe("fp32"), problem.config);
  judge::FactorScans scans;
  const judge::StrayProduct product(compressor::forward(Name::kv), {plan, problem, {}, scans});
  CHECK(product.tainted_rows().empty());
  CHECK_FALSE(product.stays_finite());
}
