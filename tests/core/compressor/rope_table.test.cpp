// SPDX-License-Identifier: Apache-2.0
// RoPE tables against Hugging Face's: frequencies and bf16 tables bit for bit, fp32 tables within an ulp of the C
// library.
#include "core/compressor/rope_table.hpp"

#include <cmath>

#include "core/io/tensor_file.hpp"
#include "precision/ulp.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/golden.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

namespace {

const io::TensorFile& golden() {
  static const io::TensorFile file = test::golden_file("rope-tables");
  return file;
}

std::vector<double> golden_values(const std::string& name) { return io::to_doubles(golden().tensors.at(name)); }

TableArithmetic in_fp32(const char* storage) {
  return {precision::parse_format("fp32"), precision::parse_format("fp32"), precision::parse_format(storage)};
}

/// One entry, at `position`.
Config at_position(double position, const std::string& kind) {
  Config config = preset("v4-flash-csa");
  config.seq = config.ratio;
  config.rope->position_offset = static_cast<std::int64_t>(position);
  if (kind == "plain") config.rope->yarn.reset();
  return config;
}

}  // namespace

TEST_CASE("frequencies, every step rounded to fp32, are Hugging Face's bits") {
  for (const std::string kind : {"plain", "yarn"}) {
    const auto ours = rope_frequencies<float>(at_position(0, kind), in_fp32("fp32"));
    const auto theirs = golden_values(kind + ".inv_freq.fp32");
    REQUIRE(ours.size() == theirs.size());
    for (std::size_t k = 0; k < ours.size(); ++k) CHECK(static_cast<double>(ours[k]) == theirs[k]);
  }
}

TEST_CASE("cos and sin of fp32 angles: bf16 bit for bit, fp32 within an ulp, up to position 1048575") {
  const auto positions = golden_values("positions");
  const precision::Format fp32 = precision::parse_format("fp32");
  for (const std::string kind : {"plain", "yarn"}) {
    for (const std::string storage : {"bf16", "fp32"}) {
      const auto cos = golden_values(kind + ".rope_cos." + storage);
      const auto sin = golden_values(kind + ".rope_sin." + storage);
      for (std::size_t i = 0; i < positions.size(); ++i) {
        const Config config = at_position(positions[i], kind);
        const TableArithmetic arithmetic = in_fp32(storage.c_str());
        const auto table = rope_table<float>(config, arithmetic, rope_frequencies<float>(config, arithmetic));
        for (std::size_t k = 0; k < table.cos.size(); ++k) {
          INFO(kind << " " << storage << " position " << positions[i] << " pair " << k);
          const std::size_t at = i * table.cos.size() + k;
          const double allowed = storage == "fp32" ? 1 : 0;
          CHECK(precision::ulp_distance(static_cast<double>(table.cos[k]), cos[at], fp32) <= allowed);
          CHECK(precision::ulp_distance(static_cast<double>(table.sin[k]), sin[at], fp32) <= allowed);
        }
      }
    }
  }
}

TEST_CASE("without roundings the angle is reduced exactly, so cos^2 + sin^2 = 1 at position 1048575") {
  const Config config = at_position(1048575, "yarn");
  const auto table = rope_table<double>(config, {}, rope_frequencies<double>(config, {}));
  for (std::size_t k = 0; k < table.cos.size(); ++k) {
    CHECK(std::fabs(table.cos[k] * table.cos[k] + table.sin[k] * table.sin[k] - 1) <= 0x1p-51);
  }
}
