// SPDX-License-Identifier: Apache-2.0
// The verb list: THE tables of the program, as text and as JSON.
#include <fmt/format.h>

#include <array>

#include "app/session.hpp"
#include "core/compressor/choices.hpp"
#include "core/compressor/config.hpp"
#include "core/compressor/pad_names.hpp"
#include "core/compressor/stage_slots.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/diagnosis.hpp"
#include "core/judge/mutants.hpp"
#include "core/judge/text_table.hpp"
#include "core/studies/study.hpp"
#include "precision/exp_variant.hpp"
#include "precision/format.hpp"
#include "precision/summation_spec.hpp"

namespace ulpscope::app {
namespace {

using io::Json;
using Rows = std::vector<Json>;

Rows formats() {
  Rows rows;
  for (const precision::Format& f : precision::formats()) {
    rows.push_back({{"name", f.name},
                    {"precision", f.precision},
                    {"exponent_bits", precision::exponent_bits(f)},
                    {"max", io::number(f.max_finite)},
                    {"min_normal", io::number(precision::min_normal(f))},
                    {"min_subnormal", io::number(precision::min_subnormal(f))},
                    {"unit_roundoff", io::number(precision::unit_roundoff(f))}});
  }
  rows.push_back(
      {{"name", "eXmY[:sat][:ftz][:daz][:rz|rd|ru|ra|odd|sr]"}, {"precision", "Y+1"}, {"exponent_bits", "X"}});
  return rows;
}

Rows recipes() {
  Rows rows;
  for (const std::string& name : compressor::builtin_recipe_names()) {
    const compressor::Recipe recipe = compressor::load_recipe(name);
    rows.push_back({{"name", name}, {"about", recipe.about}, {"source", recipe.source}});
  }
  return rows;
}

Rows presets() {
  Rows rows;
  for (const compressor::Preset& preset : compressor::presets()) {
    const compressor::Config& c = preset.config;
    rows.push_back({{"name", preset.name},
                    {"B", c.batch},
                    {"S", c.seq},
                    {"h", c.hidden},
                    {"d", c.head_dim},
                    {"ratio", c.ratio},
                    {"overlap", c.overlap},
                    {"about", preset.about}});
  }
  return rows;
}

/// Symbolic shapes: those of a config whose sizes tell which is which.
Rows slots() {
  Rows rows;
  compressor::Config config = compressor::preset("v4-flash-csa");
  for (std::size_t i = 0; i < compressor::name_count; ++i) {
    const auto name = static_cast<compressor::Name>(i);
    const bool backward_only = name == compressor::Name::hidden_kv || name == compressor::Name::hidden_gate;
    const auto slot = backward_only ? compressor::gradient(name) : compressor::forward(name);
    const auto stage =
        compressor::is_input(name)
            ? std::string("input")
            : std::string(to_string(compressor::Plan::writer_of(slot, compressor::Pipeline::bias_first, config)));
    rows.push_back({{"name", compressor::to_string(slot)},
                    {"stage", stage},
                    {"shape in v4-flash-csa", compressor::to_string(compressor::shape_of(slot, config))}});
  }
  rows.push_back({{"name", "grad.NAME"}, {"stage", "backward"}, {"shape in v4-flash-csa", "as NAME"}});
  return rows;
}

template <class Enum>
void add_choices(Rows& rows, const char* field) {
  for (const auto& choice : compressor::choices<Enum>()) {
    rows.push_back({{"name", choice.name}, {"field", field}, {"about", choice.about}});
  }
}

template <class Enum>
Rows choices_of(const char* field) {
  Rows rows;
  add_choices<Enum>(rows, field);
  return rows;
}

Rows pads() {
  Rows rows{
      {{"name", "NUMBER"}, {"about", "a finite pad, computed as it stands; rounded to pad.format, then to its slot"}}};
  for (const compressor::PadName& pad : compressor::pad_names())
    rows.push_back({{"name", pad.name}, {"about", pad.about}});
  return rows;
}

Rows vjps() {
  Rows rows;
  add_choices<compressor::SoftmaxVjp>(rows, "softmax.vjp");
  add_choices<compressor::NormVjp>(rows, "normalize.vjp");
  add_choices<compressor::MaxGradient>(rows, "softmax.max_gradient");
  add_choices<compressor::Saved>(rows, "saved");
  return rows;
}

Rows named(std::span<const std::string_view> names) {
  Rows rows;
  for (const auto name : names) rows.push_back({{"name", name}});
  return rows;
}

Rows exps() {
  Rows rows = named(precision::exp_names());
  rows.push_back({{"name", "FULL:V:REST"}});
  return rows;
}

Rows metrics() {
  Rows rows;
  for (const judge::MetricInfo& metric : judge::metric_table()) {
    rows.push_back({{"name", metric.name}, {"unit", metric.unit}, {"definition", metric.definition}});
  }
  return rows;
}

/// Bugs that `run --mutant` plants.
Rows mutants() {
  Rows rows;
  for (const judge::Mutant& mutant : judge::mutants())
    rows.push_back({{"name", mutant.name}, {"stage", to_string(mutant.stage)}, {"about", mutant.about}});
  return rows;
}

/// What `compare` can name; the last diagnosis only describes.
Rows diagnoses() {
  Rows rows;
  for (const judge::Diagnosis& diagnosis : judge::diagnoses().first(judge::diagnoses().size() - 1))
    rows.push_back({{"name", diagnosis.name}, {"about", diagnosis.about}});
  return rows;
}

/// The names under which tensors are found without --map.
Rows maps() {
  return {{{"name", "slots"}, {"of", "dumps"}, {"about", "the names of `list slots`; any others with --map FILE"}},
          {{"name", "native"},
           {"of", "checkpoints"},
           {"about", "[model.]layers.N.attn[.indexer].compressor.{wkv,wgate,norm}.weight, ape"}},
          {{"name", "huggingface"},
           {"of", "checkpoints"},
           {"about", "layers.N.self_attn.compressor[.indexer].{kv_proj,gate_proj,kv_norm}.weight, position_bias"}}};
}

Rows study_rows() {
  Rows rows;
  for (const studies::Study& study : studies::all_studies()) {
    std::vector<std::string> axes;
    for (const studies::Axis& axis : study.axes) axes.push_back(axis.name);
    rows.push_back(
        {{"name", study.name}, {"question", study.question}, {"axes", fmt::format("{}", fmt::join(axes, " "))}});
  }
  return rows;
}

Rows backend_rows() {
  Rows rows;
  for (const Backend& backend : backends()) {
    const gpu::Availability* found = backend.availability == nullptr ? nullptr : &backend.availability();
    const std::string device = found == nullptr ? "" : found->device ? gpu::to_string(*found->device) : found->why_not;
    rows.push_back({{"name", backend.name},
                    {"available", found == nullptr || found->device.has_value()},
                    {"device", device},
                    {"about", backend.about}});
  }
  return rows;
}

struct Topic {
  const char* name;
  Rows (*rows)();
};
constexpr std::array<Topic, 16> topics{{
    {"formats", formats},
    {"recipes", recipes},
    {"presets", presets},
    {"slots", slots},
    {"stages", [] { return choices_of<compressor::Stage>("stage"); }},
    {"pads", pads},
    {"softmax", [] { return choices_of<compressor::Softmax>("softmax"); }},
    {"summations", [] { return named(precision::summation_names()); }},
    {"exps", exps},
    {"vjps", vjps},
    {"metrics", metrics},
    {"studies", study_rows},
    {"mutants", mutants},
    {"diagnoses", diagnoses},
    {"maps", maps},
    {"backends", backend_rows},
}};

std::string cell_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return judge::short_number(value.get<double>());
  return value.dump();
}

std::string text_of(const Rows& rows) {
  judge::TextTable table;
  for (const auto& [key, value] : rows.front().items()) table.head.push_back(key);
  for (const Json& row : rows) {
    std::vector<std::string> cells;
    for (const std::string& key : table.head) cells.push_back(row.contains(key) ? cell_of(row[key]) : "");
    table.rows.push_back(std::move(cells));
  }
  table.left = rows.front().begin().value().is_string() && rows.front().contains("precision") ? 1 : table.head.size();
  return judge::plain_text(table);
}

}  // namespace

std::vector<std::string> list_topics() {
  std::vector<std::string> names;
  for (const Topic& topic : topics) names.emplace_back(topic.name);
  return names;
}

Outcome list(const std::string& what) {
  for (const Topic& topic : topics) {
    if (what != topic.name) continue;
    const Rows rows = topic.rows();
    return {Json(rows), text_of(rows), 0};
  }
  throw InputError(io::unknown_name("list", what, list_topics()));
}

}  // namespace ulpscope::app
