// SPDX-License-Identifier: Apache-2.0
// Study loss_scale: a gradient stored in a narrow format: what is flushed, what overflows, and the scales between.
#include <fmt/format.h>

#include <cmath>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/recipe_fields.hpp"
#include "core/judge/truth.hpp"
#include "core/studies/errors.hpp"
#include "core/studies/loss_scale_window.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Slot;
using compressor::Tensor;

compressor::Recipe scaled(const compressor::Recipe& recipe, const std::string& word) {
  return with_setting(recipe, fmt::format("loss_scale={}", scale_of(word)));
}

void scale_word(const std::string& word) { scaled(compressor::load_recipe("fp64"), word); }

/// The recipe whose gradient, or every gradient, is stored in the format.
compressor::Recipe recipe_at(const Point& at, const Subject& subject, const compressor::Config& config) {
  const compressor::Recipe base = scaled(subject.recipe(at.at("recipe")), at.at("loss_scale"));
  const std::string& format = at.at("format");
  const Slot slot = compressor::parse_slot(at.at("slot"));
  io::Json spec = base.spec;
  if (at.at("stored") == "all") {
    for (const std::string& stage : compressor::known_stages(compressor::Section::backward))
      spec["backward"][stage]["storage"] = format;
    return compressor::recipe_from_json(spec, base.name);
  }
  const auto stage = compressor::Plan::writer_of(slot, base.pipeline, effective_config(config, base));
  return with_setting(base, fmt::format("backward.{}.storage.{}={}", to_string(stage), at.at("slot"), format));
}

io::Json sets_scale(const std::string& word) { return {{"loss_scale", scale_of(word)}}; }

/// Of all gradients; a single one is stored beside what an edit says of others.
io::Json sets_storage(const std::string& word) {
  return word == "all" ? io::Json{{"backward", everywhere("storage", "fp64").at("backward")}} : io::Json::object();
}

const std::vector<std::string>& watched() {
  static const std::vector<std::string> slots{"grad.pooled", "grad.weights", "grad.values", "grad.logits",
                                              "grad.kv",     "grad.ape",     "grad.w_gate", "grad.hidden"};
  return slots;
}

/// Of a tape, what is watched.
compressor::Tape gradients_of(const compressor::Tape& tape) {
  compressor::Tape kept;
  for (const std::string& name : watched()) {
    const Slot slot = compressor::parse_slot(name);
    if (const compressor::Record* record = tape.find(slot)) kept.set(slot, record->tensor, record->format);
  }
  return kept;
}

/// The figures of one slot.
io::Json figures_of(Slot slot, const compressor::Run& run, const compressor::Tape& truth) {
  const Tensor& stored = run.tape.find(slot)->tensor;
  const Tensor& due = truth.find(slot)->tensor;
  std::size_t nonzero = 0;
  std::size_t flushed = 0;
  std::size_t overflowed = 0;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    nonzero += due.at(i) != 0 ? 1 : 0;
    flushed += due.at(i) != 0 && stored.at(i) == 0 ? 1 : 0;
    overflowed += std::isfinite(due.at(i)) && !std::isfinite(stored.at(i)) ? 1 : 0;
  }
  const auto share = [&](std::size_t count) {
    return io::number(nonzero == 0 ? 0 : static_cast<double>(count) / static_cast<double>(nonzero));
  };
  return {{"flushed", share(flushed)},
          {"overflowed", share(overflowed)},
          {"error", io::number(error_of(run, truth, slot).rms_rel)},
          {"grad_w_gate", io::number(error_of(run, truth, compressor::gradient(compressor::Name::w_gate)).rms_rel)}};
}

io::Json measure(const Point& at, const Subject& subject) {
  const Inputs inputs{at.at("mode")};
  const auto problem = shared_problem(subject, inputs);
  if (const auto empty = empty_point(*problem)) return *empty;
  const compressor::Recipe recipe = recipe_at(at, subject, problem->config);
  const auto exact = judge::truth_recipe(recipe, problem->config, judge::Basis::given);
  const auto truth = subject.memo->get<compressor::Tape>(
      key_of("truth", subject, inputs, exact), [&] { return gradients_of(run_traced(*problem, exact, {}).tape); });
  const auto figures = [&](const std::vector<std::string>& slots) {
    const compressor::Run run = run_traced(*problem, recipe, {});
    io::Json json = io::Json::object();
    for (const std::string& name : slots) {
      const Slot slot = compressor::parse_slot(name);
      if (run.tape.has(slot)) json[name] = figures_of(slot, run, *truth);
    }
    return json;
  };
  const std::string& slot = at.at("slot");
  // Where all gradients are stored alike, one run answers for all of them.
  const io::Json found = at.at("stored") == "slot"
                             ? figures({slot})
                             : *subject.memo->get<io::Json>(key_of("figures", subject, inputs, recipe),
                                                            [&] { return figures(watched()); });
  return found.contains(slot) ? found.at(slot) : skipped("the recipe computes no " + slot);
}

}  // namespace

Study loss_scale() {
  return {"loss_scale",
          "Which gradients does a narrow format flush or overflow, and which loss scales lie between?",
          {{"recipe", "whose gradients", {"fp32"}, {"fp32", "hf"}, &recipe_word},
           {"slot", "which gradient is watched", {"grad.logits"}, watched()},
           {"stored",
            "what is stored in the format: that slot, or all gradients",
            {"slot"},
            {"slot", "all"},
            nullptr,
            false,
            &sets_storage},
           {"format",
            "of the gradient",
            {"fp16", "bf16", "e5m2"},
            {"fp32", "bf16", "fp16", "e5m2", "e4m3fn", "fp32:ftz"},
            &format_word},
           {"loss_scale",
            "times the cotangent, whose built-in values are N(0, 1): a power of two or a number",
            {"2^-128", "2^-24", "2^-16", "2^-8", "2^0", "2^8", "2^16", "2^24"},
            {"2^-140", "2^-128", "2^-112", "2^-32", "2^-24", "2^-20", "2^-16", "2^-12", "2^-8", "2^-4", "2^0", "2^4",
             "2^8", "2^12", "2^16", "2^20", "2^24", "2^32", "2^120"},
            &scale_word,
            false,
            &sets_scale},
           mode_axis()},
          {{"flushed", "fraction of the elements that are not 0 in truth and 0 here"},
           {"overflowed", "elements that are finite in truth and not here, as such a fraction"},
           {"error", "||error|| / ||truth|| of the slot, where finite"},
           {"grad_w_gate", "of grad.w_gate"}},
          true,
          &measure,
          &loss_scale_conclusion};
}

}  // namespace ulpscope::studies
