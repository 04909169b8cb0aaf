// SPDX-License-Identifier: Apache-2.0
// Study pads: what stands in the slots that hold no token, and what becomes of it, forward and backward.
#include <cmath>

#include "core/compressor/choices.hpp"
#include "core/studies/pad_figures.hpp"
#include "core/studies/pad_windows.hpp"
#include "core/studies/pads_conclusion.hpp"
#include "core/studies/softmax_rules.hpp"
#include "core/studies/study.hpp"
#include "core/studies/upcast.hpp"
#include "core/studies/windows.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Name;
using compressor::Recipe;
using io::Json;

/// Numbers that no one put there: what uninitialised memory may hold.
const std::string garbage = "1000";

void pad_kv_word(const std::string& word) {
  if (word != "garbage" && word != "data" && word != "nan") number_word(word);
}

// What the values of the axes set.
Json sets_gate(const std::string& word) { return {{"pad", {{"gate", word}}}}; }
Json sets_kv(const std::string& word) {
  return {{"pad", {{"kv", word == "garbage" ? garbage : word == "data" ? "0" : word}}}};
}
Json sets_order(const std::string& word) { return {{"pipeline", word}}; }
Json sets_row(const std::string&) { return {{"mask", "pad"}}; }
Json sets_vjp(const std::string& word) { return {{"stages", {{"softmax", {{"vjp", word}}}}}}; }
/// The first tile is the pads'.
Json sets_softmax(const std::string& word) { return {{"softmax", word}, {"stages", {{"online", {{"tile", 4}}}}}}; }

Recipe recipe_of(const Point& at, const Subject& subject) {
  Json overlay = sets_upcast(at.at("format"));
  for (const Json& part : {sets_gate(at.at("pad_gate")), sets_kv(at.at("pad_kv")), sets_order(at.at("order")),
                           sets_row(at.at("row")), sets_softmax(at.at("softmax")), sets_vjp(at.at("vjp"))})
    overlay.merge_patch(part);
  return variant(subject.recipe("fp32"), overlay);
}

Start built_in(const Point& at, const Recipe& recipe, std::uint64_t seed) {
  const PadKv kv = at.at("pad_kv") == "data" ? PadKv::data : PadKv::of_recipe;
  return start_of(PadWindow{parse_pad_row(at.at("row")), kv, seed}, recipe);
}

/// Why a point of the study's own inputs does not exist; empty where it does.
std::string skipped(const Point& at, const Start& start) {
  const auto softmax = compressor::parse_choice<compressor::Softmax>(at.at("softmax"), "softmax", "");
  if (const std::string why = refused_vjp(softmax, at.at("vjp")); !why.empty()) return why;
  if (at.at("row") == "given")
    return at.at("pad_kv") == "data" ? "a given problem's pads hold what the recipe says" : "";
  const compressor::Tensor& gates = tensor_in(start.given, forward(Name::gate));
  if (at.at("row") == "above_pad" && !std::isfinite(gates.at(gates.size() - 1)))
    return "no number lies just above this pad";
  return "";
}

Json measure(const Point& at, const Subject& subject) {
  const Recipe recipe = recipe_of(at, subject);
  Start start = subject.problem == nullptr ? built_in(at, recipe, subject.seed) : Start{*subject.problem, {}};
  const std::string why = skipped(at, start);
  if (!why.empty()) return {{"skipped", why}};
  return pad_figures(rounded(std::move(start), recipe), recipe);
}

std::vector<Axis> axes() {
  const auto softmaxes = compressor::choice_names<compressor::Softmax>();
  const std::vector<std::string> gates{"-1e4", "-inf", "lowest", "-1e9", "-1e30", "0", "exclude"};
  const std::vector<std::string> formats{"fp32", "bf16/fp32", "bf16", "fp16", "e4m3fn", "e4m3fn:sat", "e5m2"};
  return {{"softmax", "algorithm; the online ones begin with a tile of pads", softmaxes, softmaxes, nullptr, false,
           &sets_softmax},
          {"row",
           "partial: 4 pads, 4 tokens; all_masked: pads only; above_pad: tokens' gates 10 above the pad",
           {"partial", "above_pad", "all_masked"},
           {"partial", "above_pad", "all_masked"},
           nullptr,
           true,
           &sets_row},
          {"pad_gate", "in the pads' gate", {"-1e4", "-inf"}, gates, &pad_word, false, &sets_gate},
          {"pad_kv",
           "in the pads' kv; data: as tokens have it; garbage: 1000",
           {"0"},
           {"0", "data", "garbage", "nan", "inf"},
           &pad_kv_word,
           false,
           &sets_kv},
          {"order",
           "whether the bias is added to tokens or to slots, pads included",
           {"bias_first"},
           compressor::choice_names<compressor::Pipeline>(),
           nullptr,
           false,
           &sets_order},
          {"format",
           "of everything; bf16/fp32: stored in bf16, softmax in fp32",
           {"fp32"},
           formats,
           &upcast_word,
           false,
           &sets_upcast},
          {"vjp",
           "of the softmax",
           {"gy_minus_ys"},
           compressor::choice_names<compressor::SoftmaxVjp>(),
           nullptr,
           false,
           &sets_vjp}};
}

}  // namespace

Study pads() {
  return {"pads",
          "What belongs into the slots that hold no token: -1e4, -inf or something else?",
          axes(),
          {{"forward", "what the weights and pooled are, at the worst"},
           {"gradient", "what the gradients of logits and values are, at the worst"},
           {"pad_mass", "largest sum of the pads' weights"},
           {"leak", "what the pads change in pooled, of the rms of kv"},
           {"error", "of pooled, against fp64 without the pads, of the rms of kv"},
           {"gradient_error", "of grad.logits, likewise, of the rms of kv times that of grad.pooled"}},
          true,
          &measure,
          &pads_conclusion};
}

}  // namespace ulpscope::studies
