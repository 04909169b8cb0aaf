// SPDX-License-Identifier: Apache-2.0
// Problems drawn from counter-based random numbers: every element depends on seed, input and index alone.
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "core/compressor/parallel.hpp"
#include "core/compressor/problem.hpp"
#include "core/compressor/random.hpp"
#include "core/io/error.hpp"
#include "precision/round_array.hpp"

namespace ulpscope::compressor {
namespace {

/// offset + scale * normal, in fp32 (two roundings), then to bf16 where the contract says so.
struct Law {
  Name name;
  float scale;
  float offset;
  bool round_to_bf16;
};

void draw(Key stream, const Law& law, std::uint64_t first, std::span<float> out) {
  normal(stream, first, out);
  for (float& value : out) value = law.offset + law.scale * value;
  if (law.round_to_bf16) precision::round_array(out, out, precision::parse_format("bf16"));
}

/// Contiguous ranges of the stream, one per thread: which bits an element gets does not depend on the split.
std::vector<float> draw_all(Key stream, const Law& law, std::size_t count, unsigned threads) {
  std::vector<float> values(count);
  parallel_for({0, count, 65536}, threads, [&](std::size_t begin, std::size_t end) {
    draw(stream, law, begin, std::span<float>(values.data() + begin, end - begin));
  });
  return values;
}

void check_sigma(const char* field, double sigma) {
  if (std::isfinite(sigma) && sigma >= 0) return;
  throw InputError(std::string("make: ") + field + " must be a finite number >= 0");
}

}  // namespace

Problem make_problem(const Config& config, const MakeOptions& options) {
  validate(config, "make: config");
  check_sigma("gate-sigma", options.gate_sigma);
  check_sigma("ape-sigma", options.ape_sigma);
  const double root = std::sqrt(static_cast<double>(config.hidden));
  const std::array<Law, 6> laws{{{Name::hidden, 1, 0, true},
                                 {Name::w_kv, static_cast<float>(1 / root), 0, true},
                                 {Name::w_gate, static_cast<float>(options.gate_sigma / root), 0, true},
                                 {Name::ape, static_cast<float>(options.ape_sigma), 0, false},
                                 {Name::gamma, 0.1F, 1, false},
                                 {Name::cotangent, 1, 0, true}}};
  Problem problem{config, {}, "seed " + std::to_string(options.seed)};
  for (std::uint32_t i = 0; i < laws.size(); ++i) {
    const Law& law = laws[i];
    const Shape shape = shape_of(forward(law.name), config);
    const Key stream = fold_in(key(options.seed), i);
    Tensor tensor{shape, draw_all(stream, law, element_count(shape), options.threads), io::DType::f32};
    problem.inputs.emplace(law.name, std::move(tensor));
  }
  return problem;
}

}  // namespace ulpscope::compressor
