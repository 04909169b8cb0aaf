// SPDX-License-Identifier: Apache-2.0
// Recipes: built in, from files, edited.
#include "core/compressor/recipe.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/choices.hpp"
#include "core/compressor/recipe_fields.hpp"
#include "core/compressor/recipe_merge.hpp"
#include "core/io/error.hpp"
#include "core/io/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using namespace ulpscope;
using namespace ulpscope::compressor;

Recipe read(const std::string& text) { return recipe_from_json(io::parse_json(text, "test"), "test"); }

std::string refusal(const std::string& text) {
  try {
    read(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

std::string setting_refusal(const std::string& assignment) {
  try {
    with_setting(load_recipe("hf"), assignment);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

bool says(const std::string& sentence, const std::string& part) { return sentence.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("Every recipe of the contract is built in, is called like its file, and says where it comes from") {
  for (const char* name :
       {"fp64",       "fp32",    "fp32-blas",   "bf16-pure",          "fp16-pure", "native",  "pr3810",
        "pr3810-jit", "maxtext", "maxtext-jit", "maxtext-bf16",       "hf",        "hf-fp32", "hf-older",
        "megatron",   "vllm",    "sglang",      "sglang-online-bf16", "trtllm",    "hf-cuda"}) {
    INFO(name);
    const Recipe recipe = load_recipe(name);
    CHECK(recipe.name == name);
    CHECK(!recipe.about.empty());
    CHECK(recipe.source.starts_with("https://github.com/"));
  }
}

TEST_CASE("A resolved recipe read again is the same recipe") {
  for (const std::string& name : builtin_recipe_names()) {
    INFO(name);
    const Recipe recipe = load_recipe(name);
    CHECK(!recipe.spec.contains("base"));
    CHECK(recipe_from_json(recipe.spec, "again").spec.dump() == recipe.spec.dump());
  }
}

TEST_CASE("What is left out has the contract's default") {
  const Recipe recipe = read("{}");
  CHECK(recipe.pipeline == Pipeline::bias_first);
  CHECK(recipe.omit.empty());
  CHECK(recipe.pad.gate == "-inf");
  CHECK(recipe.pad.kv == "0");
  CHECK(recipe.remainder == Remainder::truncate);
  CHECK(recipe.mask == MaskPolicy::ignore);
  CHECK(recipe.segments == SegmentPolicy::ignore);
  CHECK(recipe.softmax == Softmax::shifted);
  CHECK(recipe.loss_scale == 1);
  CHECK(recipe.spec["default"] == "fp32");
}

TEST_CASE("The contract's example is read as it stands there") {
  const Recipe recipe = load_recipe("pr3810");
  CHECK(recipe.pipeline == Pipeline::pad_first);
  CHECK(recipe.omit.contains(Stage::rotate));
  CHECK(recipe.pad.gate == "-1e4");
  CHECK(recipe.pad.format == "bf16");
}

TEST_CASE("A base gives what the recipe leaves out, field by field") {
  const Recipe recipe =
      read(R"({"name":"mine","base":"hf","stages":{"softmax":{"exp":"correct"}},"inputs":{"ape":"bf16"}})");
  CHECK(recipe.name == "mine");
  CHECK(recipe.spec["stages"]["softmax"]["exp"] == "correct");
  CHECK(recipe.spec["stages"]["softmax"]["storage"] == "bf16");
  CHECK(recipe.spec["stages"]["pool"]["storage"] == "bf16");
  CHECK(recipe.spec["inputs"]["ape"] == "bf16");
  CHECK(recipe.spec["inputs"]["hidden"] == "bf16");
  CHECK(says(refusal(R"({"base":"hff"})"), "unknown base 'hff'"));
}

TEST_CASE("Null takes away what a base says") {
  const Recipe recipe = read(R"({"base":"hf","inputs":{"ape":null},"stages":{"rope_table":null}})");
  CHECK(!recipe.spec["inputs"].contains("ape"));
  CHECK(!recipe.spec["stages"].contains("rope_table"));
}

TEST_CASE("An object by slot laid over a bare value keeps the value for the other slots") {
  const io::Json base = io::parse_json(R"({"stages":{"scale":{"compute":"bf16","storage":"bf16"}}})", "test");
  const io::Json overlay = io::parse_json(
      R"({"stages":{"scale":{"compute":{"grad.gamma":"exact"},"storage":{"grad.gamma":"fp32"}}}})", "test");
  const io::Json out = merged(base, overlay);
  CHECK(out["stages"]["scale"]["compute"].dump() == R"({"*":"bf16","grad.gamma":"exact"})");
  CHECK(out["stages"]["scale"]["storage"].dump() == R"({"normed":"bf16","grad.gamma":"fp32"})");
}

TEST_CASE("A setting edits one field, and the recipe's name shows it") {
  const Recipe hf = load_recipe("hf");
  const Recipe edited = with_setting(hf, "softmax.storage=fp32");
  CHECK(edited.spec["stages"]["softmax"]["storage"] == "fp32");
  CHECK(edited.spec["stages"]["softmax"]["exp"] == "sleef_u10:16:glibc");
  CHECK(edited.name == "hf+softmax.storage=fp32");
  CHECK(with_setting(hf, "softmax=online").softmax == Softmax::online);
  CHECK(with_setting(hf, "pad.gate=-1e4").pad.gate == "-1e4");
  CHECK(with_setting(hf, "pad.gate=lowest").pad.gate == "lowest");
  CHECK(with_setting(hf, "online.tile=16").spec["stages"]["online"]["tile"] == 16);
  CHECK(with_setting(hf, "inputs.ape=bf16").spec["inputs"]["ape"] == "bf16");
  CHECK(!with_setting(hf, "inputs.ape=null").spec["inputs"].contains("ape"));
  CHECK(with_setting(hf, "default=fp64").spec["default"] == "fp64");
  CHECK(with_setting(hf, "omit=").omit.empty());
  CHECK(with_setting(hf, "omit=rotate,hadamard").omit == std::set<Stage>{Stage::rotate, Stage::hadamard});
  CHECK(with_setting(hf, "backward.join_hidden.branches=fp32").spec["backward"]["join_hidden"]["branches"] == "fp32");
  CHECK(with_setting(hf, "pool.materialize=false").spec["stages"]["pool"]["materialize"] == false);
  const Recipe by_slot = with_setting(hf, "backward.project_kv.storage.grad.w_kv=fp32");
  CHECK(by_slot.spec["backward"]["project_kv"]["storage"].dump() == R"({"*":"bf16","grad.w_kv":"fp32"})");
}

TEST_CASE("Settings that mean nothing are refused") {
  CHECK(says(setting_refusal("softmax.storage"), "STAGE.FIELD=VALUE"));
  CHECK(says(setting_refusal("=3"), "STAGE.FIELD=VALUE"));
  CHECK(says(setting_refusal("backward.softmax=bf16"), "STAGE.FIELD=VALUE"));
  CHECK(says(setting_refusal("softmax.storag=bf16"), "'storage'"));
  CHECK(says(setting_refusal("sotfmax.storage=bf16"), "'softmax'"));
  CHECK(says(setting_refusal("softmax.storage=bf17"), "bf16"));
  CHECK(says(setting_refusal("sofmax=online"), "'softmax'"));
  CHECK(says(setting_refusal("softmax.storage.=bf16"), "STAGE.FIELD=VALUE"));
}

TEST_CASE("Unknown names are refused with the known ones, wherever they stand") {
  CHECK(says(refusal(R"({"pipline":"pad_first"})"), "'pipeline'"));
  CHECK(says(refusal(R"({"pipeline":"pad_frist"})"), "pad_first"));
  CHECK(says(refusal(R"({"softmax":"onlin"})"), "online_guarded"));
  CHECK(says(refusal(R"({"remainder":"drop"})"), "truncate"));
  CHECK(says(refusal(R"({"mask":"yes"})"), "ignore"));
  CHECK(says(refusal(R"({"segments":"yes"})"), "previous_half"));
  CHECK(says(refusal(R"({"omit":["pool"]})"), "rotate"));
  CHECK(says(refusal(R"({"omit":["scale"]})"), "together"));
  CHECK(says(refusal(R"({"omit":"rotate"})"), "array"));
  CHECK(says(refusal(R"({"pad":{"gate":"infinite"}})"), "lowest"));
  CHECK(says(refusal(R"({"pad":{"format":"bf15"}})"), "bf16"));
  CHECK(says(refusal(R"({"pad":{"gat":"0"}})"), "'gate'"));
  CHECK(says(refusal(R"({"inputs":{"attention_mask":"bf16"}})"), "cotangent"));
  CHECK(says(refusal(R"({"inputs":{"hidden":"exact"}})"), "fp32"));
  CHECK(says(refusal(R"({"default":"exact"})"), "fp32"));
  CHECK(says(refusal(R"({"loss_scale":0})"), "loss_scale"));
  CHECK(says(refusal(R"({"stages":{"join_hidden":{"compute":"bf16"}}})"), "join_hidden"));
  CHECK(says(refusal(R"({"backward":{"rope_table":{"angles":"bf16"}}})"), "rope_table"));
  CHECK(says(refusal(R"({"stages":{"softmax":{"vjp":"closed"}}})"), "gy_minus_ys"));
  CHECK(says(refusal(R"({"stages":{"normalize":{"vjp":"gy_minus_ys"}}})"), "autodiff:torch"));
  CHECK(says(refusal(R"({"stages":{"scale":{"exp":"libm"}}})"), "unknown field 'exp'"));
  CHECK(says(refusal(R"({"stages":{"softmax":{"exp":"libmm"}}})"), "libm"));
  CHECK(says(refusal(R"({"stages":{"pool":{"summation":"blocked"}}})"), "pool.summation"));
  CHECK(says(refusal(R"({"stages":{"pool":{"storage":{"products":"bf16"}}}})"), "unknown slot 'products'"));
  CHECK(says(refusal(R"({"backward":{"pool":{"storage":{"pooled":"bf16"}}}})"), "grad.products"));
  CHECK(says(refusal(R"({"stages":{"softmax":{"materialize":"no"}}})"), "true or false"));
  CHECK(says(refusal(R"({"stages":{"online":{"tile":0}}})"), "1 to 65536"));
  CHECK(says(refusal(R"({"stages":{"quantize":{"floor":-1}}})"), "positive"));
  CHECK(says(refusal(R"({"stages":{"quantize":{"scale":"pow2"}}})"), "pow2_ceil"));
  CHECK(says(refusal(R"({"stages":[]})"), "object"));
  CHECK(says(refusal("[]"), "object"));
}

TEST_CASE("A recipe may be a file of the user's, and an unknown name lists the built-in ones") {
  const test::TempDir directory;
  io::write_text(directory / "mine.json", R"({"name":"mine","base":"fp32"})");
  CHECK(load_recipe((directory / "mine.json").string()).name == "mine");
  CHECK_THROWS_AS(load_recipe((directory / "absent.json").string()), InputError);
  try {
    load_recipe("hff");
    FAIL("accepted");
  } catch (const InputError& error) {
    CHECK(says(error.what(), "'hf'"));
    CHECK(says(error.what(), "maxtext-jit"));
  }
}

TEST_CASE("Omitted stages leave the config") {
  Config config = preset("v4-flash-indexer");
  const Config effective = effective_config(config, load_recipe("pr3810"));
  CHECK(!effective.rope);
  CHECK(!effective.hadamard);
  CHECK(!effective.quantize);
  CHECK(effective.norm);
  CHECK(!effective_config(config, read(R"({"omit":["normalize","scale"]})")).norm);
  CHECK(effective_config(config, load_recipe("native")) == config);
}

TEST_CASE("What an identification could not tell does not stop its recipe from being run") {
  CHECK(!read(R"({"name":"found","undecided":["pool.summation"]})").spec.contains("undecided"));
}

TEST_CASE("The published schema of recipes has the fields and the words of the program's tables") {
  const std::string path = test::source_path("core/compressor/schemas/recipe.schema.json");
  const io::Json schema = io::read_json(path);
  const auto keys = [](const io::Json& object) {
    std::set<std::string> names;
    for (const auto& [key, value] : object["properties"].items()) names.insert(key);
    return names;
  };
  const auto as_set = [](const std::vector<std::string>& names) {
    return std::set<std::string>(names.begin(), names.end());
  };
  for (const Section section : {Section::forward, Section::backward}) {
    CHECK(keys(schema["properties"][std::string(to_string(section))]) == as_set(known_stages(section)));
    for (const std::string& stage : known_stages(section)) {
      INFO(stage);
      CHECK(keys(schema["$defs"]["stage_" + stage]) == as_set(known_fields(stage)));
    }
  }
  CHECK(schema["properties"]["softmax"]["enum"] == io::Json(choice_names<Softmax>()));
  CHECK(schema["properties"]["pipeline"]["enum"] == io::Json(choice_names<Pipeline>()));
  CHECK(schema["properties"]["segments"]["enum"] == io::Json(choice_names<SegmentPolicy>()));
}
