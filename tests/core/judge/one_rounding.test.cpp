// SPDX-License-Identifier: Apache-2.0
// One rounding to bf16 in published figures: element by element and in norm, each under its name.
#include "core/judge/one_rounding.hpp"

#include <cmath>

#include "core/judge/metrics.hpp"
#include "precision/rounding.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using compressor::Tensor;

namespace {

const precision::Format bf16 = precision::parse_format("bf16");

struct Drawn {
  double elementwise;  ///< root mean square of each element's relative error
  double normwise;     ///< metric rms_rel: ||error|| / ||truth||
};

template <class Draw>
Drawn rounded(Draw draw) {
  constexpr std::size_t count = 1 << 21;
  std::vector<double> truth(count), run(count);
  double squares = 0;
  for (std::size_t i = 0; i < count; ++i) {
    truth[i] = draw();
    run[i] = precision::round(truth[i], bf16);
    squares += (run[i] / truth[i] - 1) * (run[i] / truth[i] - 1);
  }
  const compressor::Shape shape{1, count / 256, 256};
  const judge::Layout layout = judge::plain_layout(shape);
  const judge::Metrics metrics =
      judge::measure({shape, run, io::DType::f64}, {shape, truth, io::DType::f64}, {bf16, layout}, 1);
  return {std::sqrt(squares / static_cast<double>(count)), metrics.rms_rel};
}

}  // namespace

TEST_CASE(
    "bf16 of a log-uniform significand: 1.6588e-3 element by element, 1.533e-3 in norm; of a Gaussian 1.6624e-3") {
  test::Random random(3);
  // Errors are uniform within half a spacing h = 2^-8 of the binade [1, 2): h^2 / 3 over the mean of x^-2, of x^2.
  const double of_error = 0x1p-16 / 3;
  const double logarithm = std::log(2.);
  const Drawn log_uniform = rounded([&] { return std::exp2(random.uniform()); });
  CHECK(std::fabs(log_uniform.elementwise / 1.6588e-3 - 1) <= 2e-3);
  CHECK(std::fabs(std::sqrt(of_error * .75 / (2 * logarithm)) / 1.6588e-3 - 1) <= 1e-4);
  CHECK(std::fabs(log_uniform.normwise / 1.533e-3 - 1) <= 2e-3);
  CHECK(std::fabs(std::sqrt(of_error / (3 / (2 * logarithm))) / 1.533e-3 - 1) <= 1e-3);
  CHECK(std::fabs(rounded([&] { return random.normal(); }).normwise / 1.6624e-3 - 1) <= 2e-3);
  CHECK(std::fabs(judge::one_rounding * precision::unit_roundoff(bf16) / 1.6588e-3 - 1) <= 1e-4);
}
