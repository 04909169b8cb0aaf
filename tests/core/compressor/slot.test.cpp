// SPDX-License-Identifier: Apache-2.0
// Names and shapes of slots.
#include "core/compressor/slot.hpp"

#include <set>
#include <string>

#include "core/compressor/tape.hpp"
#include "core/io/error.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace ulpscope;
using namespace ulpscope::compressor;

Config csa() {
  Config config;
  config.mode = Mode::csa;
  config.ratio = 4;
  config.overlap = true;
  config.batch = 2;
  config.seq = 38;
  config.hidden = 64;
  config.head_dim = 32;
  config.rope = Rope{16, 160000, std::nullopt, 0};
  return config;
}

Shape shape(const std::string& name) { return shape_of(parse_slot(name), csa()); }

}  // namespace

TEST_CASE("Every slot's name leads back to the slot, and no two slots share one") {
  std::set<std::string> seen;
  for (std::size_t index = 0; index < slot_count; ++index) {
    const Slot slot{static_cast<Name>(index % name_count),
                    index < name_count ? Direction::forward : Direction::backward};
    CHECK(slot.index() == index);
    const std::string text = to_string(slot);
    const auto found = find_slot(text);
    if (!found) continue;  // a slot that cannot exist, like the gradient of a mask
    CHECK(*found == slot);
    CHECK(seen.insert(text).second);
  }
  CHECK(seen.size() == 66);
}

TEST_CASE("Slots that the contract does not have are not found") {
  for (const char* text : {"grad.attention_mask", "grad.segment_ids", "grad.cotangent", "grad.rope_cos", "hidden.kv",
                           "hidden.gate", "grad.", "", "count", "grad.grad.kv", "Kv"}) {
    INFO(text);
    CHECK(!find_slot(text));
  }
  CHECK(find_slot("grad.hidden.kv") == gradient(Name::hidden_kv));
  CHECK(find_slot("grad.prior_gate") == gradient(Name::prior_gate));
}

TEST_CASE("An unknown slot is refused with the nearest known name") {
  try {
    parse_slot("grad.logit");
    FAIL("accepted");
  } catch (const InputError& error) {
    CHECK(std::string(error.what()).find("'grad.logits'") != std::string::npos);
  }
}

TEST_CASE("Shapes are those of the contract") {
  CHECK(shape("hidden") == Shape{2, 38, 64});
  CHECK(shape("w_gate") == Shape{64, 64});
  CHECK(shape("ape") == Shape{4, 64});
  CHECK(shape("gamma") == Shape{32});
  CHECK(shape("cotangent") == Shape{2, 9, 32});
  CHECK(shape("attention_mask") == Shape{2, 38});
  CHECK(shape("prior_kv") == Shape{2, 4, 64});
  CHECK(shape("rope_frequencies") == Shape{8});
  CHECK(shape("rope_cos") == Shape{9, 8});
  CHECK(shape("kv") == Shape{2, 38, 64});
  CHECK(shape("biased") == Shape{2, 9, 4, 64});
  CHECK(shape("values") == Shape{2, 9, 8, 32});
  CHECK(shape("padded_gate") == Shape{2, 9, 8, 32});
  CHECK(shape("denominator") == Shape{2, 9, 32});
  CHECK(shape("products") == Shape{2, 9, 8, 32});
  CHECK(shape("mean_square") == Shape{2, 9});
  CHECK(shape("output") == Shape{2, 9, 32});
  CHECK(shape("grad.hidden.gate") == Shape{2, 38, 64});
  CHECK(shape("grad.ape") == Shape{4, 64});
}

TEST_CASE("Flat indices unravel row by row") {
  const Shape shape_{2, 9, 8, 32};
  CHECK(element_count(shape_) == 4608);
  CHECK(unravel(0, shape_) == std::vector<std::size_t>{0, 0, 0, 0});
  CHECK(unravel(((1 * 9 + 3) * 8 + 5) * 32 + 7, shape_) == std::vector<std::size_t>{1, 3, 5, 7});
  CHECK(unravel(4607, shape_) == std::vector<std::size_t>{1, 8, 7, 31});
  CHECK(to_string(shape_) == "[2,9,8,32]");
}

TEST_CASE("The output is the last of the stages that the config has") {
  Config config = csa();
  CHECK(last_forward_slot(config) == Name::rotated);
  config.quantize = Quantize{};
  CHECK(last_forward_slot(config) == Name::quantized);
  config.quantize.reset();
  config.hadamard = true;
  CHECK(last_forward_slot(config) == Name::hadamard);
  config.hadamard = false;
  config.rope.reset();
  CHECK(last_forward_slot(config) == Name::normed);
  config.norm = false;
  CHECK(last_forward_slot(config) == Name::pooled);
}

TEST_CASE("A file's tensor is carried in the narrowest type that holds it and goes back unchanged") {
  const std::vector<double> values{1.0, -0.0, 0.1, 1e-30};
  for (const io::DType dtype : {io::DType::f64, io::DType::f32, io::DType::bf16, io::DType::f16, io::DType::i64}) {
    const io::Tensor file = io::from_values(std::span(values), {2, 2}, dtype);
    const Tensor tensor = tensor_from_file(file);
    const bool wide = dtype == io::DType::f64 || dtype == io::DType::i64;
    CHECK(std::holds_alternative<io::Buffer<double>>(tensor.data) == wide);
    CHECK(tensor_to_file(tensor, dtype) == file);
  }
}

TEST_CASE("A tape tells a value from an absence with its reason") {
  Tape tape;
  CHECK(!tape.has(forward(Name::kv)));
  tape.set(forward(Name::kv), Tensor{{1}, std::vector<float>{2.0F}, io::DType::f32}, precision::parse_format("bf16"));
  tape.set_absent(forward(Name::exp), "log_softmax writes none");
  REQUIRE(tape.find(forward(Name::kv)) != nullptr);
  CHECK(tape.find(forward(Name::kv))->tensor.at(0) == 2.0);
  CHECK(tape.find(gradient(Name::kv)) == nullptr);
  CHECK(tape.absent().at(forward(Name::exp)) == "log_softmax writes none");
}
