// SPDX-License-Identifier: Apache-2.0
// RoPE: frequencies and tables against Hugging Face's, the rotation against complex multiplication.
#include "reference/rope.hpp"

#include <complex>

#include "tests/reference/support.hpp"
#include "tests/support/catch.hpp"

namespace ulpscope {
namespace {

using compressor::Rope;
using compressor::Yarn;
using reference::rope_frequencies;

constexpr double fp32_unit = 0x1p-24;

Rope deepseek(std::optional<Yarn> yarn) {
  Rope rope;
  rope.yarn = yarn;
  return rope;
}

TEST_CASE("frequencies and tables are Hugging Face's, within the roundings that fp32 makes", "[golden]") {
  const bool yarn = GENERATE(false, true);
  const std::string prefix = yarn ? "yarn." : "plain.";
  const io::TensorFile golden = test::golden_file("rope-tables");
  const auto read = [&](const std::string& name) { return io::to_doubles(golden.tensors.at(name)); };
  const auto positions = read("positions");
  const auto expected = read(prefix + "inv_freq.fp32");
  const auto cos = read(prefix + "rope_cos.fp32");
  const auto sin = read(prefix + "rope_sin.fp32");

  const auto frequencies = rope_frequencies(deepseek(yarn ? std::optional(Yarn{}) : std::nullopt));
  const auto table = reference::rope_table(positions, frequencies);

  REQUIRE(frequencies.size() == expected.size());
  for (std::size_t k = 0; k < expected.size(); ++k) {
    // exponent, power, reciprocal; with YaRN a quotient, two products and a sum more
    CHECK(std::abs(expected[k] - frequencies(k)) <= 6 * fp32_unit * frequencies(k));
  }
  REQUIRE(table.cos.size() == cos.size());
  REQUIRE(table.sin.size() == sin.size());
  for (std::size_t e = 0; e < cos.size(); ++e) {
    const double angle = positions[e / expected.size()] * frequencies(e % expected.size());
    const double bound = 7 * fp32_unit * angle + 2 * fp32_unit;  // the frequency, the product, the function
    CHECK(std::abs(cos[e] - table.cos.flat(e)) <= bound);
    CHECK(std::abs(sin[e] - table.sin.flat(e)) <= bound);
  }
}

TEST_CASE("YaRN keeps pairs up to 15, divides pairs from 25 by the factor, and blends between") {
  const auto plain = rope_frequencies(deepseek(std::nullopt));
  const auto yarn = rope_frequencies(deepseek(Yarn{}));
  for (std::size_t k = 0; k < 32; ++k) {
    const double s = k <= 15 ? 1 : (k >= 25 ? 0 : 1 - (static_cast<double>(k) - 15) / 10);
    CHECK_THAT(yarn(k), Catch::Matchers::WithinRel(plain(k) / 16 * (1 - s) + plain(k) * s, 1e-15));
  }
  // the angles at position 4096 that tell a forgotten YaRN
  CHECK_THAT(4096 * plain(20), Catch::Matchers::WithinAbs(2.290, 5e-4));
  CHECK_THAT(4096 * yarn(20), Catch::Matchers::WithinAbs(1.216, 5e-4));
  CHECK_THAT(4096 * yarn(24), Catch::Matchers::WithinAbs(0.080, 5e-4));
}

TEST_CASE("the rotation multiplies interleaved pairs of the last channels by exp(i angle), and leaves the others") {
  const std::size_t d = 6;
  Rope rope;
  rope.dim = 4;
  rope.theta = 100;
  const auto table = reference::rope_table({0, 3}, rope_frequencies(rope));
  const auto values = test::normal_values<double>(2 * d, 7);
  auto x = reference::Entries::from_shape({1, 2, d});
  std::copy(values.begin(), values.end(), x.begin());

  const auto y = reference::rotate(x, table.cos, table.sin);

  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(y(0, i, 0) == x(0, i, 0));
    CHECK(y(0, i, 1) == x(0, i, 1));
    for (std::size_t k = 0; k < 2; ++k) {
      const double angle = (i == 0 ? 0.0 : 3.0) * std::pow(100.0, -0.5 * static_cast<double>(k));
      const std::complex<double> z(x(0, i, 2 + 2 * k), x(0, i, 3 + 2 * k));
      const std::complex<double> turned = z * std::polar(1.0, angle);
      CHECK_THAT(y(0, i, 2 + 2 * k), Catch::Matchers::WithinAbs(turned.real(), 1e-15));
      CHECK_THAT(y(0, i, 3 + 2 * k), Catch::Matchers::WithinAbs(turned.imag(), 1e-15));
    }
  }
}

TEST_CASE("an offset of k windows gives the table of the entries k later") {
  compressor::Config config = test::tiny_csa();
  config.rope = Rope{4, 100, std::nullopt, 0};
  const auto from_zero = reference::entry_positions(config);
  config.rope->position_offset = 8;
  const auto later = reference::entry_positions(config);
  CHECK(from_zero == std::vector<double>{0, 4, 8});
  CHECK(later == std::vector<double>{8, 12, 16});
}

}  // namespace
}  // namespace ulpscope
