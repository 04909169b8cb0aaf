// SPDX-License-Identifier: Apache-2.0
// Small problems, and errors of recipes on them.
#include "core/studies/errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/compressor/recipe_fields.hpp"
#include "core/compressor/recipe_merge.hpp"
#include "core/judge/layout.hpp"
#include "core/judge/metrics.hpp"
#include "core/judge/truth.hpp"

namespace ulpscope::studies {

using compressor::Name;
using compressor::Section;

compressor::Problem problem_of(const Subject& subject, const Inputs& inputs) {
  if (subject.problem != nullptr) return *subject.problem;
  compressor::Config config;
  const bool csa = inputs.mode == "csa";
  config.mode = csa ? compressor::Mode::csa : compressor::Mode::hca;
  config.overlap = csa;
  config.ratio = csa ? 4 : 128;
  config.seq = csa ? 128 : 512;
  config.hidden = 32;
  config.head_dim = inputs.head_dim;
  config.rope = compressor::Rope{16, 160000, compressor::Yarn{}, 0};
  compressor::MakeOptions options;
  options.seed = subject.seed;
  options.gate_sigma = inputs.gate_sigma;
  options.ape_sigma = inputs.ape_sigma;
  return make_problem(config, options);
}

std::shared_ptr<const compressor::Problem> shared_problem(const Subject& subject, const Inputs& inputs) {
  return subject.memo->get<compressor::Problem>(key_of("problem", subject, inputs, {}),
                                                [&] { return problem_of(subject, inputs); });
}

std::string key_of(const std::string& kind, const Subject& subject, const Inputs& inputs,
                   const compressor::Recipe& recipe) {
  io::Json spec = recipe.spec;
  for (const char* word : {"name", "about", "source"}) {
    if (spec.is_object()) spec.erase(word);  // null: the inputs alone
  }
  return fmt::format("{} of {} {} {} {} {} {}", kind, subject.seed, inputs.mode, inputs.gate_sigma, inputs.ape_sigma,
                     inputs.head_dim, spec.dump());
}

Axis mode_axis() { return {"mode", "CSA: 8 slots a window; HCA: 128", {"csa"}, {"csa", "hca"}, nullptr, true}; }

io::Json skipped(const std::string& why) { return {{"skipped", why}}; }

std::optional<io::Json> empty_point(const compressor::Problem& problem) {
  if (problem.config.windows() > 0) return std::nullopt;
  return skipped("the problem has no whole window");
}

SlotError error_of(const compressor::Run& run, const compressor::Tape& truth, compressor::Slot slot) {
  const compressor::Record& computed = *run.tape.find(slot);
  const judge::Layout layout = judge::layout_of(slot, computed.tensor.shape, run.config);
  const judge::Metrics metrics =
      judge::measure(computed.tensor, truth.find(slot)->tensor, {computed.format, layout}, 1);
  return {metrics.rms_rel, metrics.classes.class_mismatch};
}

compressor::Tape truth_of(const compressor::Problem& problem, const compressor::Recipe& recipe) {
  return compressor::run_fused(problem, judge::truth_recipe(recipe, problem.config, judge::Basis::given), {}).tape;
}

Errors errors_against(const compressor::Problem& problem, const compressor::Recipe& recipe,
                      const compressor::Tape& truth) {
  const compressor::Run run = compressor::run_fused(problem, recipe, {});
  Errors errors;
  const auto add = [&](compressor::Slot slot) {
    const SlotError error = error_of(run, truth, slot);
    errors.wrong_class += error.wrong_class;
    return error.rms_rel;
  };
  errors.output = add(compressor::forward(Name::output));
  errors.grad_w_kv = add(compressor::gradient(Name::w_kv));
  errors.grad_w_gate = add(compressor::gradient(Name::w_gate));
  errors.grad_hidden = add(compressor::gradient(Name::hidden));
  return errors;
}

Errors errors_of(const compressor::Problem& problem, const compressor::Recipe& recipe) {
  return errors_against(problem, recipe, truth_of(problem, recipe));
}

std::vector<Measure> error_columns() {
  return {{"output", "||error|| / ||truth|| of the output"},
          {"grad_w_kv", "of grad.w_kv"},
          {"grad_w_gate", "of grad.w_gate"},
          {"grad_hidden", "of grad.hidden"},
          {"wrong_class", "how many of their elements are NaN, infinite or finite where the truth is not"}};
}

io::Json to_json(const Errors& errors) {
  return {{"output", io::number(errors.output)},
          {"grad_w_kv", io::number(errors.grad_w_kv)},
          {"grad_w_gate", io::number(errors.grad_w_gate)},
          {"grad_hidden", io::number(errors.grad_hidden)},
          {"wrong_class", errors.wrong_class}};
}

io::Json everywhere(const std::string& field, const std::string& value) {
  io::Json overlay = io::Json::object();
  for (const Section section : {Section::forward, Section::backward}) {
    for (const std::string& stage : compressor::known_stages(section)) {
      const std::vector<std::string> fields = compressor::known_fields(stage);
      if (std::find(fields.begin(), fields.end(), field) == fields.end()) continue;
      overlay[std::string(to_string(section))][stage][field] = value;
    }
  }
  return overlay;
}

compressor::Recipe with_everywhere(const compressor::Recipe& recipe, const std::string& field,
                                   const std::string& value) {
  io::Json spec = compressor::merged(recipe.spec, everywhere(field, value));
  spec["name"] = recipe.name + "+" + field + "=" + value;
  return compressor::recipe_from_json(spec, spec["name"].get<std::string>());
}

std::string values_of(const Cell& cell, std::initializer_list<const char*> axes) {
  std::string out;
  for (const char* axis : axes) {
    const std::string& value = cell.at.at(axis);
    if (value != "given") out += (out.empty() ? "" : ", ") + value;
  }
  return out;
}

std::string named_values_of(const Cell& cell, std::initializer_list<const char*> axes) {
  std::string out;
  for (const char* axis : axes) {
    std::string name = axis;
    std::replace(name.begin(), name.end(), '_', ' ');
    const std::string& value = cell.at.at(axis);
    if (value != "given") out += (out.empty() ? "" : ", ") + name + ' ' + value;
  }
  return out;
}

std::string few_of(const std::vector<std::string>& parts) {
  constexpr std::size_t most = 3;
  std::string out;
  for (std::size_t i = 0; i < std::min(most, parts.size()); ++i) out += (i == 0 ? "" : "; ") + parts[i];
  return parts.size() <= most ? out : fmt::format("{}; and {} more", out, parts.size() - most);
}

std::string not_run(const std::string& nothing, std::span<const Cell> cells) {
  return cells.empty() ? nothing + '.' : fmt::format("{}: {}.", nothing, cells.front().word("skipped"));
}

bool worse(double a, double b) { return std::isnan(a) ? !std::isnan(b) : a > b; }

double bits_of(double error) { return -std::log2(error); }

}  // namespace ulpscope::studies
