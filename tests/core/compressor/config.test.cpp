// SPDX-License-Identifier: Apache-2.0
// Configs and presets: what is read, what is refused.
#include "core/compressor/config.hpp"

#include <string>

#include "core/io/error.hpp"
#include "core/io/json.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace ulpscope;
using compressor::Config;
using compressor::config_from_json;
using compressor::Mode;

Config read(const std::string& text) { return config_from_json(io::parse_json(text, "test"), "test"); }

/// The sentence with which a config is refused; "" if it is not.
std::string refusal(const std::string& text) {
  try {
    read(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// A valid config with `field` put in place of its own value, or added.
std::string with(const std::string& field, const std::string& value) {
  io::Json json = io::parse_json(R"({"mode":"csa","batch":2,"seq":38,"hidden":64,"head_dim":32})", "test");
  json[field] = io::parse_json(value, "test");
  return refusal(json.dump());
}

bool says(const std::string& sentence, const std::string& part) { return sentence.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("The mode decides ratio and overlap, and every other field has the contract's default") {
  const Config csa = read(R"({"mode":"csa","batch":2,"seq":38,"hidden":64,"head_dim":32})");
  CHECK(csa.ratio == 4);
  CHECK(csa.overlap);
  CHECK(csa.windows() == 9);
  CHECK(csa.features() == 64);
  CHECK(csa.window_slots() == 8);
  CHECK(csa.eps == 0x1.0c6f7a0b5ed8dp-20);
  CHECK(!csa.rope);
  CHECK(!csa.hadamard);
  CHECK(!csa.quantize);
  CHECK(csa.norm);
  const Config hca = read(R"({"mode":"hca","batch":1,"seq":389,"hidden":48,"head_dim":32})");
  CHECK(hca.ratio == 128);
  CHECK(!hca.overlap);
  CHECK(hca.window_slots() == 128);
}

TEST_CASE("Ratio and overlap override the mode") {
  const Config config = read(R"({"mode":"hca","ratio":8,"overlap":true,"batch":1,"seq":19,"hidden":8,"head_dim":8})");
  CHECK(config.mode == Mode::hca);
  CHECK(config.windows() == 2);
  CHECK(config.window_slots() == 16);
  CHECK(config.features() == 16);
}

TEST_CASE("A config survives the round trip through its canonical JSON") {
  for (const compressor::Preset& preset : compressor::presets()) {
    INFO(preset.name);
    const io::Json json = to_json(preset.config);
    CHECK(config_from_json(json, "test") == preset.config);
    CHECK(to_json(config_from_json(json, "test")).dump() == json.dump());
  }
}

TEST_CASE("RoPE and YaRN fields have defaults, and null turns them off") {
  const Config config =
      read(R"({"mode":"csa","batch":1,"seq":8,"hidden":8,"head_dim":64,"rope":{"yarn":{"factor":8}}})");
  REQUIRE(config.rope);
  CHECK(config.rope->dim == 64);
  CHECK(config.rope->theta == 160000);
  REQUIRE(config.rope->yarn);
  CHECK(config.rope->yarn->factor == 8);
  CHECK(config.rope->yarn->original == 65536);
  const Config plain = read(R"({"mode":"csa","batch":1,"seq":8,"hidden":8,"head_dim":8,"rope":{"dim":4,"yarn":null}})");
  REQUIRE(plain.rope);
  CHECK(!plain.rope->yarn);
}

TEST_CASE("A misspelt field is named together with the nearest known one, at every level") {
  CHECK(says(with("head_dims", "32"), "'head_dim'"));
  CHECK(says(with("rope", R"({"dim":16,"thta":1})"), "'theta'"));
  CHECK(says(with("rope", R"({"dim":16,"yarn":{"beta_fst":1}})"), "'beta_fast'"));
  CHECK(says(with("quantize", R"({"format":"e4m3fn","blok":32})"), "'block'"));
}

TEST_CASE("Sizes that contradict each other are refused in one sentence that names the field") {
  CHECK(with("eps", "0").empty());
  CHECK(says(with("ratio", "0"), "'ratio'"));
  CHECK(says(with("batch", "0"), "'batch'"));
  CHECK(says(with("hidden", "0"), "'hidden'"));
  CHECK(says(with("head_dim", "0"), "'head_dim'"));
  CHECK(with("seq", "0").empty());
  CHECK(says(with("rope", R"({"dim":15})"), "'rope.dim'"));
  CHECK(says(with("rope", R"({"dim":34})"), "'rope.dim'"));
  CHECK(says(with("rope", R"({"dim":0})"), "'rope.dim'"));
  CHECK(says(with("quantize", R"({"format":"e4m3fn","block":24})"), "'quantize.block'"));
  CHECK(says(with("quantize", R"({"format":"e4m3fn","block":0})"), "'quantize.block'"));
  CHECK(says(with("quantize", R"({"format":"e4m3fn","block":8,"skip_last":33})"), "'quantize.skip_last'"));
  CHECK(says(with("quantize", R"({"format":"e9m4","block":8})"), "'quantize.format'"));
  CHECK(says(refusal(R"({"mode":"csa","batch":1,"seq":8,"hidden":8,"head_dim":9,"rope":{"dim":4}})"), "even"));
  CHECK(says(refusal(R"({"mode":"csa","batch":1,"seq":8,"hidden":8,"head_dim":12,"hadamard":true})"), "power of two"));
}

TEST_CASE("Numbers that are not finite, not whole or of the wrong sign are refused") {
  CHECK(says(with("eps", "-1"), "'eps'"));
  CHECK(says(with("eps", "\"nan\""), "'eps'"));
  CHECK(says(with("eps", "\"inf\""), "'eps'"));
  CHECK(says(with("seq", "3.5"), "'seq'"));
  CHECK(says(with("seq", "-1"), "'seq'"));
  CHECK(says(with("rope", R"({"dim":4,"theta":"nan"})"), "'rope.theta'"));
  CHECK(says(with("rope", R"({"dim":4,"theta":0})"), "'rope.theta'"));
  CHECK(says(with("rope", R"({"dim":4,"position_offset":4611686018427387904})"), "'rope.position_offset'"));
  CHECK(says(with("rope", R"({"dim":4,"yarn":{"factor":0}})"), "'rope.yarn.factor'"));
}

TEST_CASE("Sizes whose tensors could not exist are refused without overflow") {
  CHECK(says(with("seq", "9000000000000000000"), "too large"));
  CHECK(says(with("hidden", "1099511627776"), "too large"));
  CHECK(says(with("ratio", "4611686018427387904"), "too large"));
  CHECK(says(refusal(R"({"mode":"csa","batch":4294967296,"seq":4294967296,"hidden":1,"head_dim":1})"), "too large"));
}

TEST_CASE("The mode and the sizes are required") {
  CHECK(says(refusal(R"({"batch":1,"seq":8,"hidden":8,"head_dim":8})"), "'mode'"));
  CHECK(says(refusal(R"({"mode":"cas","batch":1,"seq":8,"hidden":8,"head_dim":8})"), "csa"));
  CHECK(says(refusal(R"({"mode":"csa","batch":1,"hidden":8,"head_dim":8})"), "'seq'"));
  CHECK(says(refusal("[]"), "object"));
}

TEST_CASE("Presets have the released models' dimensions") {
  const Config csa = compressor::preset("v4-flash-csa");
  CHECK(csa.hidden == 4096);
  CHECK(csa.features() == 1024);
  CHECK(csa.seq == 4096);
  CHECK(csa.rope->dim == 64);
  CHECK(csa.rope->yarn);
  CHECK(csa.quantize->skip_last == 64);
  CHECK(compressor::preset("v4-pro-hca").hidden == 7168);
  CHECK(compressor::preset("v4-pro-hca").windows() == 32);
  CHECK(compressor::preset("v4-pro-indexer").hadamard);
  CHECK(compressor::preset("v4-pro-indexer").features() == 256);
  CHECK(compressor::preset("small-csa").windows() == 64);
  CHECK(compressor::preset("small-hca").windows() == 8);
  CHECK(compressor::presets().size() == 8);
  CHECK_THROWS_AS(compressor::preset("small-cas"), InputError);
  for (const compressor::Preset& preset : compressor::presets()) CHECK_NOTHROW(validate(preset.config, "preset"));
}
