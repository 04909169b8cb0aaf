// SPDX-License-Identifier: Apache-2.0
// exp of arrays: at every level the bits of exp one by one, tails shorter than a pack and arguments out of range too.
#include "precision/exp_enclosed_array.hpp"

#include <random>
#include <vector>

#include "precision/enclosed.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::precision;

namespace {

std::vector<Enclosed> arguments(std::size_t count) {
  std::mt19937_64 engine(3);
  std::uniform_real_distribution<double> draw(-1, 1);
  std::vector<Enclosed> values;
  for (std::size_t i = 0; i < count; ++i) {
    const double high = i % 37 == 5 ? -infinity() : (i % 41 == 7 ? -690 + 60 * draw(engine) : 30 * draw(engine));
    const double low = is_finite(Enclosed(high)) ? high * 0x1p-55 : 0;
    values.emplace_back(high, low, i % 3 == 0 ? 0 : std::fabs(low) * 0x1p-40);
  }
  return values;
}

}  // namespace

TEST_CASE("exp of an array of enclosures has the same bits at every SIMD level and length", "[precision]") {
  const EnclosedArithmetic arithmetic;
  for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{1001}}) {
    const std::vector<Enclosed> from = arguments(count);
    for (const SimdLevel level : {SimdLevel::v2, SimdLevel::v3, SimdLevel::v4}) {
      if (level > best_simd_level()) continue;
      std::vector<Enclosed> to(count);
      exp_array_at(level, from, to);
      std::size_t different = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const Enclosed one = arithmetic.exp(from[i]);
        different += one.high == to[i].high && one.low == to[i].low && one.radius == to[i].radius ? 0 : 1;
      }
      CHECK(different == 0);
    }
  }
  std::vector<Enclosed> shorter(3);
  CHECK_THROWS_AS(exp_array(arguments(4), shorter), std::invalid_argument);
}
