// SPDX-License-Identifier: Apache-2.0
// Reading recipes: JSON, built in or a file; base, settings, checks.
#include "core/compressor/recipe.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "core/compressor/choices.hpp"
#include "core/compressor/pad_names.hpp"
#include "core/compressor/recipe_fields.hpp"
#include "core/compressor/recipe_merge.hpp"
#include "core/io/error.hpp"
#include "core/io/fields.hpp"
#include "core/io/names.hpp"
#include "embedded/recipes.hpp"

namespace ulpscope::compressor {
namespace {

using io::Fields;
using io::Json;

constexpr int max_base_depth = 8;

/// `undecided` is what an identification could not tell: known, and not part of the resolved recipe.
const std::vector<std::string>& top_fields() {
  static const std::vector<std::string> fields{"name", "about",     "source",  "base",     "pipeline", "omit",
                                               "pad",  "remainder", "mask",    "segments", "softmax",  "loss_scale",
                                               "seed", "inputs",    "default", "stages",   "backward", "undecided"};
  return fields;
}

/// The JSON of a built-in recipe as its file has it; null where there is none.
Json builtin_json(std::string_view name) {
  for (const embedded::File& file : embedded::recipes()) {
    if (file.name == name) return io::parse_json(file.text, "recipe " + std::string(name));
  }
  return nullptr;
}

/// `json` laid over the chain of its bases.
Json with_bases(const Json& json, const std::string& where, int depth) {
  if (!json.is_object()) throw InputError(where + ": expected a JSON object, found " + io::described(&json));
  for (const auto& [key, value] : json.items()) {
    const auto& known = top_fields();
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw InputError(where + ": " + io::unknown_name("field", key, known));
    }
  }
  Json overlay = json;
  overlay.erase("base");
  Json base = Json::object();
  if (json.contains("base") && !json["base"].is_null()) {
    const std::string name = Fields(json, where).string("base");
    const Json found = builtin_json(name);
    if (found.is_null()) throw InputError(where + ": " + io::unknown_name("base", name, builtin_recipe_names()));
    if (depth == max_base_depth) throw InputError(where + ": the chain of base recipes does not end");
    base = with_bases(found, "recipe " + name, depth + 1);
  }
  return merged(base, overlay);
}

template <class Enum>
Enum choice_of(const Fields& fields, const std::string& name, Enum fallback) {
  const auto word = fields.optional_string(name);
  return word ? parse_choice<Enum>(*word, name, fields.where()) : fallback;
}

std::optional<double> parse_number(const std::string& text) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = result.ec == std::errc() && result.ptr == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

/// A pad as text: a JSON number in its shortest form, or a string that is a number or one of `words`.
std::string read_pad_value(const Fields& fields, const std::string& name, const std::vector<std::string>& words) {
  const Json& value = fields.value(name);
  if (value.is_number()) return value.dump();
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  const bool word = std::find(words.begin(), words.end(), text) != words.end();
  if (!word && !parse_number(text))
    fields.refuse(name, "a number" + (words.empty() ? "" : " or one of: " + io::listed(words)));
  return text;
}

Pad read_pad(const Fields& top) {
  Pad pad;
  const auto fields = top.optional_object("pad");
  if (!fields) return pad;
  if (fields->has("gate")) pad.gate = read_pad_value(*fields, "gate", pad_words());
  if (fields->has("kv")) pad.kv = read_pad_value(*fields, "kv", {});
  if (fields->has("format")) {
    check_format(fields->value("format"), fields->where() + ".format");
    pad.format = fields->string("format");
  }
  fields->no_others();
  return pad;
}

std::set<Stage> read_omit(const Fields& top) {
  std::set<Stage> omit;
  if (!top.has("omit")) return omit;
  static const std::vector<std::string> known{"normalize", "scale", "rotate", "hadamard", "quantize"};
  for (const std::string& name : top.strings("omit")) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw InputError(top.where() + ": " + io::unknown_name("stage to omit", name, known));
    }
    omit.insert(parse_stage(name));
  }
  if (omit.contains(Stage::normalize) != omit.contains(Stage::scale)) {
    throw InputError(top.where() + ": field 'omit' must name normalize and scale together, as the norm is one choice");
  }
  return omit;
}

void check_inputs(const Fields& top) {
  const auto fields = top.optional_object("inputs");
  if (!fields) return;
  std::vector<std::string> known;
  for (std::size_t i = 0; i < name_count; ++i) {
    const Name name = static_cast<Name>(i);
    const bool integers = name == Name::attention_mask || name == Name::segment_ids;
    if (is_input(name) && !integers) known.emplace_back(to_string(name));
  }
  for (const auto& [name, format] : fields->json().items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw InputError(fields->where() + ": " + io::unknown_name("input", name, known));
    }
    check_format(format, fields->where() + "." + name);
  }
}

/// The resolved recipe in the contract's order, with the defaults of the top fields written out.
Json canonical(const Json& spec, const Recipe& recipe) {
  Json json;
  json["name"] = recipe.name;
  json["about"] = recipe.about;
  json["source"] = recipe.source;
  json["pipeline"] = choice_name(recipe.pipeline);
  json["omit"] = Json::array();
  for (const Stage stage : recipe.omit) json["omit"].push_back(to_string(stage));
  json["pad"] = Json{{"gate", recipe.pad.gate}, {"kv", recipe.pad.kv}};
  if (!recipe.pad.format.empty()) json["pad"]["format"] = recipe.pad.format;
  json["remainder"] = choice_name(recipe.remainder);
  json["mask"] = choice_name(recipe.mask);
  json["segments"] = choice_name(recipe.segments);
  json["softmax"] = choice_name(recipe.softmax);
  json["loss_scale"] = recipe.loss_scale;
  if (recipe.seed != 0) json["seed"] = recipe.seed;
  json["inputs"] = spec.value("inputs", Json::object());
  json["default"] = spec.value("default", Json("fp32"));
  json["stages"] = spec.value("stages", Json::object());
  json["backward"] = spec.value("backward", Json::object());
  return json;
}

Recipe checked(const Json& spec, const std::string& where) {
  const Fields fields(spec, where);
  Recipe recipe;
  recipe.name = fields.optional_string("name").value_or("custom");
  recipe.about = fields.optional_string("about").value_or("");
  recipe.source = fields.optional_string("source").value_or("");
  recipe.pipeline = choice_of(fields, "pipeline", recipe.pipeline);
  recipe.omit = read_omit(fields);
  recipe.pad = read_pad(fields);
  recipe.remainder = choice_of(fields, "remainder", recipe.remainder);
  recipe.mask = choice_of(fields, "mask", recipe.mask);
  recipe.segments = choice_of(fields, "segments", recipe.segments);
  recipe.softmax = choice_of(fields, "softmax", recipe.softmax);
  recipe.loss_scale = fields.optional_number("loss_scale").value_or(1);
  if (!std::isfinite(recipe.loss_scale) || recipe.loss_scale <= 0) fields.refuse("loss_scale", "a positive number");
  if (fields.has("seed")) recipe.seed = fields.size("seed");
  check_inputs(fields);
  if (fields.has("default")) check_format(fields.value("default"), where + ": default");
  if (fields.has("stages")) check_section(fields.value("stages"), Section::forward, where + ": stages");
  if (fields.has("backward")) check_section(fields.value("backward"), Section::backward, where + ": backward");
  recipe.spec = canonical(spec, recipe);
  return recipe;
}

}  // namespace

std::string_view to_string(Stage stage) { return choice_name(stage); }

Stage parse_stage(std::string_view name) { return parse_choice<Stage>(name, "stage", ""); }

Recipe recipe_from_json(const Json& json, const std::string& where) {
  return checked(with_bases(json, where, 0), where);
}

Recipe load_recipe(const std::string& name_or_path) {
  const Json builtin = builtin_json(name_or_path);
  if (!builtin.is_null()) return recipe_from_json(builtin, "recipe " + name_or_path);
  const std::filesystem::path path(name_or_path);
  const bool looks_like_path = path.extension() == ".json" || name_or_path.find('/') != std::string::npos;
  std::error_code ignored;
  if (!looks_like_path && !std::filesystem::is_regular_file(path, ignored)) {
    throw InputError(io::unknown_name("recipe", name_or_path, builtin_recipe_names()) + ", or the path of a JSON file");
  }
  return recipe_from_json(io::read_json(path), io::shown(path));
}

Recipe with_setting(const Recipe& recipe, const std::string& assignment) {
  Json spec = merged(recipe.spec, setting_overlay(assignment));
  if (!assignment.starts_with("name=")) spec["name"] = recipe.name + "+" + assignment;
  return recipe_from_json(spec, "setting " + io::in_quotes(assignment));
}

std::vector<std::string> builtin_recipe_names() {
  std::vector<std::string> names;
  for (const embedded::File& file : embedded::recipes()) names.emplace_back(file.name);
  return names;
}

Config effective_config(const Config& config, const Recipe& recipe) {
  Config effective = config;
  if (recipe.omit.contains(Stage::normalize)) effective.norm = false;
  if (recipe.omit.contains(Stage::rotate)) effective.rope.reset();
  if (recipe.omit.contains(Stage::hadamard)) effective.hadamard = false;
  if (recipe.omit.contains(Stage::quantize)) effective.quantize.reset();
  return effective;
}

}  // namespace ulpscope::compressor
