// SPDX-License-Identifier: Apache-2.0
// Roles of recipes, resolved slot by slot.
#include "core/compressor/arithmetic_plan.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "core/io/json.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace ulpscope;
using namespace ulpscope::compressor;
using precision::Summation;

const Config& config() { return preset("small-csa"); }

Plan plan(const std::string& name) { return {load_recipe(name), config()}; }

Plan plan_of(const std::string& json) { return {recipe_from_json(io::parse_json(json, "test"), "test"), config()}; }

std::string stored(const Plan& plan, const std::string& slot) { return plan.at(parse_slot(slot)).storage.name; }
std::string computed(const Plan& plan, const std::string& slot) { return plan.at(parse_slot(slot)).compute.name; }
std::string summed(const Plan& plan, const std::string& slot) { return plan.at(parse_slot(slot)).accumulate.name; }

}  // namespace

TEST_CASE("With nothing said, everything is fp32 and runs natively in float") {
  const Plan empty = plan_of("{}");
  CHECK(empty.kind() == Kind::native_float);
  CHECK(stored(empty, "kv") == "fp32");
  CHECK(stored(empty, "grad.w_kv") == "fp32");
  CHECK(!empty.at(forward(Name::kv)).compute_exact);
  CHECK(empty.at(forward(Name::kv)).summation.kind == Summation::Kind::sequential);
  CHECK(!empty.input_format(Name::hidden));
}

TEST_CASE("The kind is the fastest one that carries every format") {
  CHECK(plan("fp64").kind() == Kind::native_double);
  CHECK(plan("fp32").kind() == Kind::native_float);
  CHECK(plan("fp32-blas").kind() == Kind::native_float);
  CHECK(plan("hf-fp32").kind() == Kind::native_float);
  CHECK(plan("hf").kind() == Kind::emulated_float);
  CHECK(plan("pr3810").kind() == Kind::emulated_float);
  CHECK(plan("fp16-pure").kind() == Kind::emulated_float);
  CHECK(plan_of(R"({"stages":{"pool":{"storage":"tf32"}}})").kind() == Kind::emulated_double);
  CHECK(plan_of(R"({"default":"fp64","stages":{"pool":{"storage":"bf16"}}})").kind() == Kind::emulated_double);
  CHECK(plan_of(R"({"stages":{"pool":{"accumulate":"fp32:rz"}}})").kind() == Kind::emulated_double);
}

TEST_CASE("Formats of the RoPE table and of quantised elements do not slow a native run down") {
  const Recipe recipe =
      recipe_from_json(io::parse_json(R"({"stages":{"rope_table":{"storage":"exact"}}})", "test"), "test");
  const Plan quantized(recipe, preset("v4-flash-csa"));
  CHECK(quantized.kind() == Kind::native_float);
  CHECK(quantized.quantize().format.name == "e4m3fn");
  CHECK(!quantized.table().storage);
  CHECK(quantized.at(forward(Name::rope_cos)).storage.name == "fp32");  // what carries it
  CHECK(quantized.table().angles->name == "fp32");
}

TEST_CASE("Only what a config and a pipeline compute decides the kind") {
  const char* text = R"({"stages":{"hadamard":{"compute":"tf32"}}})";
  CHECK(plan_of(text).kind() == Kind::native_float);
  const Recipe recipe = recipe_from_json(io::parse_json(text, "test"), "test");
  CHECK(Plan(recipe, preset("v4-flash-indexer")).kind() == Kind::emulated_double);
}

TEST_CASE("A bare storage is the stage's last slot's; inner slots keep compute and sums keep accumulate") {
  const Plan softmax = plan_of(R"({"stages":{"softmax":{"compute":"fp16","accumulate":"fp64","storage":"bf16"}}})");
  CHECK(stored(softmax, "weights") == "bf16");
  for (const char* slot : {"shifted", "exp", "log_denominator", "softmax"}) CHECK(stored(softmax, slot) == "fp16");
  CHECK(stored(softmax, "row_max") == "fp32");  // one of the logits
  CHECK(stored(softmax, "denominator") == "fp64");
  const Plan normalize = plan_of(R"({"stages":{"normalize":{"accumulate":"tf32","storage":"bf16"}}})");
  CHECK(stored(normalize, "mean_square") == "tf32");
  CHECK(stored(normalize, "normalized") == "bf16");
}

TEST_CASE("An object by slot speaks of the slots that it names, and by * of the rest") {
  const Plan by_slot = plan_of(R"({"stages":{"softmax":{"storage":{"denominator":"bf16","*":"fp16"}}}})");
  CHECK(stored(by_slot, "denominator") == "bf16");
  CHECK(stored(by_slot, "exp") == "fp16");
  CHECK(stored(by_slot, "weights") == "fp16");
  const Plan partial = plan_of(R"({"stages":{"softmax":{"compute":{"exp":"bf16"}}}})");
  CHECK(computed(partial, "exp") == "bf16");
  CHECK(computed(partial, "shifted") == "fp32");
}

TEST_CASE("A storage left out is the default, or the narrower format in which the value is carried") {
  CHECK(stored(plan_of(R"({"stages":{"products":{"compute":"bf16"}}})"), "products") == "bf16");
  CHECK(stored(plan_of(R"({"stages":{"pool":{"accumulate":"bf16"}}})"), "pooled") == "bf16");
  CHECK(stored(plan_of(R"({"stages":{"pool":{"compute":"bf16"}}})"), "pooled") == "fp32");
  CHECK(stored(plan_of(R"({"default":"bf16","stages":{"products":{"compute":"fp32"}}})"), "products") == "bf16");
  CHECK(stored(plan_of(R"({"default":"bf16","stages":{"products":{"compute":"fp16"}}})"), "products") == "bf16");
}

TEST_CASE("An exact product is accumulated unrounded") {
  const Plan exact = plan_of(R"({"stages":{"project_kv":{"compute":"exact","accumulate":"tf32","storage":"bf16"}}})");
  CHECK(exact.at(forward(Name::kv)).compute_exact);
  CHECK(computed(exact, "kv") == "tf32");
  CHECK(exact.at(gradient(Name::w_kv)).compute_exact);
  CHECK(!exact.at(forward(Name::gate)).compute_exact);
  CHECK(plan_of(R"({"stages":{"products":{"compute":"exact"}}})").at(forward(Name::products)).compute_exact);
  CHECK(!plan("hf").at(forward(Name::products)).compute_exact);
}

TEST_CASE("A cast that is not materialised leaves the value as it was carried") {
  const Plan elided = plan_of(
      R"({"stages":{"products":{"storage":"bf16","materialize":false},"pool":{"accumulate":"tf32","storage":"bf16","materialize":false}}})");
  CHECK(stored(elided, "products") == "fp32");
  CHECK(!elided.at(forward(Name::products)).materialize);
  CHECK(stored(elided, "pooled") == "tf32");
  CHECK(stored(elided, "grad.products") == "bf16");
}

TEST_CASE("The window moves values: its slots keep the format of what they hold") {
  const Plan hf = plan("hf");
  CHECK(stored(hf, "values") == "bf16");
  CHECK(stored(hf, "biased") == "fp32");
  CHECK(stored(hf, "logits") == "fp32");
  const Plan pr3810 = plan("pr3810");
  CHECK(stored(pr3810, "padded_gate") == "bf16");
  CHECK(stored(pr3810, "logits") == "fp32");
}

TEST_CASE("A cast that is not materialised stays elided where its values are only moved") {
  const Plan moved = plan_of(R"({"stages":{"project_kv":{"storage":"bf16","materialize":false},
    "bias":{"storage":"bf16","materialize":false},"rotate":{"storage":"bf16","materialize":false}}})");
  for (const char* slot : {"kv", "values", "biased", "logits", "row_max", "rotated", "output"}) {
    INFO(slot);
    CHECK(stored(moved, slot) == "fp32");
  }
  CHECK(stored(moved, "grad.values") == "bf16");
  const Plan named = plan_of(
      R"({"stages":{"project_kv":{"storage":"bf16","materialize":false},"window":{"storage":{"values":"bf16"}}}})");
  CHECK(stored(named, "values") == "bf16");
}

TEST_CASE("A gradient is stored in its slot's format, an input's in the input's format") {
  const Plan plain = plan_of(
      R"({"inputs":{"hidden":"bf16","gamma":"fp16"},"stages":{"project_kv":{"storage":"bf16"},"softmax":{"storage":"bf16"}}})");
  CHECK(stored(plain, "grad.kv") == "bf16");
  CHECK(stored(plain, "grad.gate") == "fp32");
  CHECK(stored(plain, "grad.weights") == "bf16");
  CHECK(stored(plain, "grad.logits") == "fp32");
  CHECK(stored(plain, "grad.values") == "bf16");
  CHECK(stored(plain, "grad.hidden") == "bf16");
  CHECK(stored(plain, "grad.hidden.kv") == "bf16");
  CHECK(stored(plain, "grad.gamma") == "fp16");
  CHECK(stored(plain, "grad.w_kv") == "fp32");
  CHECK(stored(plan("fp64"), "grad.w_kv") == "fp64");
}

TEST_CASE("The backward inherits the forward's stage, field by field, but not its casts") {
  const Plan both = plan_of(R"({"stages":{"softmax":{"compute":"fp16","summation":"pairwise","storage":"bf16"}},
                                "backward":{"softmax":{"summation":"kahan"}}})");
  CHECK(computed(both, "grad.logits") == "fp16");
  CHECK(both.at(gradient(Name::logits)).summation.kind == Summation::Kind::kahan);
  CHECK(both.at(forward(Name::exp)).summation.kind == Summation::Kind::pairwise);
  CHECK(stored(both, "grad.logits") == "fp32");
  const Plan named = plan_of(R"({"stages":{"softmax":{"storage":{"weights":"bf16","grad.logits":"fp16"}}}})");
  CHECK(stored(named, "grad.logits") == "fp16");
  CHECK(stored(plan_of(R"({"stages":{"softmax":{"storage":{"*":"bf16"}}}})"), "grad.logits") == "fp32");
  const Plan bare = plan_of(R"({"backward":{"products":{"storage":"bf16"}}})");
  CHECK(stored(bare, "grad.weights") == "bf16");
  CHECK(stored(bare, "grad.values") == "bf16");
  CHECK(stored(bare, "products") == "fp32");
}

TEST_CASE("Where the backward starts, only its own name is heard") {
  const Plan rotate = plan_of(R"({"inputs":{"cotangent":"bf16"},"backward":{"rotate":{"storage":"fp16"}}})");
  CHECK(stored(rotate, "grad.normed") == "fp16");
  CHECK(stored(rotate, "grad.output") == "bf16");
  CHECK(stored(rotate, "grad.rotated") == "fp32");
}

TEST_CASE("Branches are rounded before they are joined") {
  const Plan joined = plan_of(R"({"inputs":{"hidden":"bf16"},"backward":{"join_hidden":{"branches":"fp16"}}})");
  CHECK(joined.at(gradient(Name::hidden)).branches.name == "fp16");
  CHECK(stored(joined, "grad.hidden.kv") == "fp16");
  CHECK(stored(joined, "grad.hidden") == "bf16");
  const Plan hf = plan("hf");
  CHECK(hf.at(gradient(Name::normed)).branches.name == "bf16");
  CHECK(hf.at(forward(Name::rotated)).branches.name == "fp32");
}

TEST_CASE("Hugging Face's casts are those of the golden dumps") {
  const Plan hf = plan("hf");
  for (const char* slot : {"kv", "gate", "values", "weights", "products", "pooled", "normed", "rotated", "grad.normed",
                           "grad.pooled", "grad.products", "grad.weights", "grad.values", "grad.kv", "grad.gate",
                           "grad.w_kv", "grad.w_gate", "grad.hidden"}) {
    INFO(slot);
    CHECK(stored(hf, slot) == "bf16");
  }
  for (const char* slot : {"biased", "logits", "softmax", "normalized", "grad.logits", "grad.biased", "grad.normalized",
                           "grad.ape", "grad.gamma"}) {
    INFO(slot);
    CHECK(stored(hf, slot) == "fp32");
  }
}

TEST_CASE("Without its spelled-out backward, a bf16 module's gradients have the same formats as Hugging Face's") {
  io::Json spec = load_recipe("hf").spec;
  spec.erase("backward");
  const Plan implied(recipe_from_json(spec, "test"), config());
  const Plan hf = plan("hf");
  for (std::size_t i = 0; i < name_count; ++i) {
    const Slot slot = gradient(static_cast<Name>(i));
    if (!find_slot(to_string(slot))) continue;
    INFO(to_string(slot));
    CHECK(implied.at(slot).storage == hf.at(slot).storage);
  }
}

TEST_CASE("Pads are rounded to their format and to the slot that receives them") {
  CHECK(plan("pr3810").pad().gate == -9984);
  CHECK(plan_of(R"({"pad":{"gate":"-1e4","format":"bf16"}})").pad().gate == -9984);
  CHECK(plan_of(R"({"pad":{"gate":"-1e4"}})").pad().gate == -10000);
  CHECK(plan("hf").pad().gate == -std::numeric_limits<double>::infinity());
  CHECK(plan("sglang").pad().gate == -static_cast<double>(std::numeric_limits<float>::max()));
  CHECK(plan("trtllm").pad().excluded);
  CHECK(plan_of(R"({"pad":{"gate":"lowest","format":"fp32"},"stages":{"bias":{"storage":"bf16"}}})").pad().gate ==
        -std::numeric_limits<double>::infinity());
  CHECK(plan_of(R"({"pad":{"gate":"lowest"},"stages":{"bias":{"storage":"bf16"}}})").pad().gate == -0x1.fep127);
  CHECK(plan_of(R"({"pad":{"gate":-10000,"kv":0.1},"stages":{"project_kv":{"storage":"bf16"}}})").pad().kv ==
        0x1.9ap-4);
  CHECK(std::isnan(plan_of(R"({"pad":{"kv":"nan"}})").pad().kv));
}

TEST_CASE("Variants are resolved for the slots of their stage") {
  const Plan hf = plan("hf");
  CHECK(hf.at(forward(Name::exp)).exp == precision::parse_exp_choice("sleef_u10:16:glibc"));
  CHECK(hf.at(forward(Name::normalized)).rsqrt == Rsqrt::div_sqrt);
  CHECK(hf.at(gradient(Name::pooled)).norm_vjp == NormVjp::autodiff_torch);
  const Plan pr3810 = plan("pr3810");
  CHECK(pr3810.at(forward(Name::softmax)).division == Division::reciprocal);
  CHECK(pr3810.at(gradient(Name::logits)).softmax_vjp == SoftmaxVjp::autodiff_jax_div);
  CHECK(pr3810.at(gradient(Name::gamma)).compute_exact);
  CHECK(!pr3810.at(gradient(Name::normalized)).compute_exact);
  CHECK(plan("fp32").at(gradient(Name::logits)).softmax_vjp == SoftmaxVjp::y_times_g_minus_s);
  const Plan stored_weights = plan_of(R"({"base":"hf","backward":{"softmax":{"saved":"stored"}}})");
  CHECK(stored_weights.at(gradient(Name::logits)).saved == Saved::stored);
  CHECK(hf.at(gradient(Name::logits)).saved == Saved::computed);
}

TEST_CASE("An online softmax brings its exponential to the pool and keeps its state in a format of its own") {
  const Plan online = plan("sglang-online-bf16");
  CHECK(online.online().state.name == "bf16");
  CHECK(online.online().tile == 1);
  CHECK(online.at(forward(Name::pooled)).exp == precision::ExpChoice{precision::Exp::cuda_fast});
  CHECK(plan("vllm").online().state.name == "fp32");
}

TEST_CASE("Quantisation has the native rule unless the recipe says otherwise") {
  const auto rule = [](const char* text, const char* preset_name) {
    return Plan(recipe_from_json(io::parse_json(text, "test"), "test"), preset(preset_name)).quantize();
  };
  CHECK(rule("{}", "v4-flash-csa").floor == 1e-4);
  CHECK(rule("{}", "v4-flash-indexer").floor == 6 * 0x1p-126);
  CHECK(rule("{}", "v4-flash-indexer").format.name == "e2m1");
  const QuantizeRule other =
      rule(R"({"stages":{"quantize":{"scale":"linear","floor":{"scale":0.5},"ties":"toward_zero"}}})", "v4-flash-csa");
  CHECK(other.scale == ScaleRule::linear);
  CHECK(other.floor == 0.5);
  CHECK(other.floor_of == FloorOf::scale);
  CHECK(other.ties == Ties::toward_zero);
}

TEST_CASE("Every slot is written by one stage, and the pipelines differ where they must") {
  const auto writer = [](const char* slot, Pipeline pipeline) {
    return Plan::writer_of(parse_slot(slot), pipeline, config());
  };
  CHECK(writer("logits", Pipeline::bias_first) == Stage::window);
  CHECK(writer("logits", Pipeline::pad_first) == Stage::bias);
  CHECK(writer("grad.gate", Pipeline::bias_first) == Stage::bias);
  CHECK(writer("grad.gate", Pipeline::pad_first) == Stage::window);
  CHECK(writer("grad.normed", Pipeline::bias_first) == Stage::rotate);
  CHECK(writer("grad.gamma", Pipeline::bias_first) == Stage::scale);
  CHECK(writer("grad.pooled", Pipeline::bias_first) == Stage::normalize);
  CHECK(writer("output", Pipeline::bias_first) == Stage::rotate);
  Config bare = config();
  bare.rope.reset();
  bare.norm = false;
  bare.quantize = Quantize{};
  CHECK(Plan::writer_of(gradient(Name::pooled), Pipeline::bias_first, bare) == Stage::quantize);
}

TEST_CASE("Roles of every built-in recipe resolve on every preset") {
  for (const std::string& name : builtin_recipe_names()) {
    for (const Preset& candidate : presets()) {
      INFO(name << " on " << candidate.name);
      CHECK_NOTHROW(Plan(load_recipe(name), candidate.config));
    }
  }
  CHECK(summed(plan("bf16-pure"), "pooled") == "bf16");
  CHECK(summed(plan("bf16-pure"), "kv") == "fp32");
}
