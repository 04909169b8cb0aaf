// SPDX-License-Identifier: Apache-2.0
// Laying one recipe's JSON over another.
#include "core/compressor/recipe_merge.hpp"

#include <algorithm>
#include <vector>

#include "core/compressor/choices.hpp"
#include "core/compressor/recipe_fields.hpp"
#include "core/compressor/stage_slots.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"

namespace ulpscope::compressor {
namespace {

using io::Json;

void set(Json& object, const std::string& key, const Json& value) {
  if (value.is_null()) {
    object.erase(key);
  } else {
    object[key] = value;
  }
}

/// Where a field stands, and the pipeline that decides which slot is a stage's last.
struct Level {
  Section section;
  std::string stage;
  Pipeline pipeline;
};

/// The slot that a bare value of a field speaks of: a forward `storage` of the last slot, anything else of all.
std::string slot_of_bare(const Level& level, const std::string& field) {
  if (field != "storage" || level.section == Section::backward) return "*";
  for (const Choice<Stage>& stage : choices<Stage>()) {
    if (stage.name != level.stage) continue;
    if (const auto last = last_slot_of(stage.value, level.pipeline)) return std::string(to_string(*last));
  }
  return "*";
}

void merge_field(Json& fields, const std::string& field, const Json& value, const Level& level) {
  const auto found = fields.find(field);
  const bool by_slot = value.is_object() && is_by_slot(field);
  if (!by_slot || found == fields.end()) return set(fields, field, value);
  if (!found->is_object()) fields[field] = Json{{slot_of_bare(level, field), *found}};
  for (const auto& [slot, part] : value.items()) set(fields[field], slot, part);
}

void merge_section(Json& stages, const Json& overlay, Level level) {
  for (const auto& [stage, fields] : overlay.items()) {
    if (!fields.is_object() || !stages.contains(stage) || !stages[stage].is_object()) {
      set(stages, stage, fields);
      continue;
    }
    level.stage = stage;
    for (const auto& [field, value] : fields.items()) merge_field(stages[stage], field, value, level);
  }
}

Pipeline pipeline_of(const Json& spec) {
  const auto found = spec.find("pipeline");
  return found != spec.end() && *found == "pad_first" ? Pipeline::pad_first : Pipeline::bias_first;
}

Json parse_value(const std::string& path, const std::string& text) {
  if (path == "omit" && (text.empty() || text.front() != '[')) {
    Json names = Json::array();
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      names.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return names;
  }
  if (path.starts_with("pad.")) return text;  // numbers and words alike; the spelling is kept
  const Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_discarded() ? Json(text) : parsed;
}

/// The keys of a path. A stage's field may be followed by a slot, whose name may hold dots.
std::vector<std::string> keys_of(const std::string& path) {
  std::vector<std::string> keys;
  std::size_t begin = 0;
  const auto next = [&] {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    keys.push_back(path.substr(begin, end - begin));
    begin = end + 1;
    return begin <= path.size();
  };
  if (!next()) return keys;
  if (keys[0] == "pad" || keys[0] == "inputs") {
    next();
    return keys;
  }
  if (keys[0] != "stages" && keys[0] != "backward") keys.insert(keys.begin(), "stages");
  while (keys.size() < 3) {
    if (!next()) return keys;
  }
  keys.push_back(path.substr(begin));
  return keys;
}

}  // namespace

Json merged(const Json& base, const Json& overlay) {
  Json out = base;
  const auto pipeline = overlay.find("pipeline");
  if (pipeline != overlay.end()) set(out, "pipeline", *pipeline);
  for (const auto& [key, value] : overlay.items()) {
    const auto found = out.find(key);
    const bool objects = value.is_object() && found != out.end() && found->is_object();
    if (!objects) {
      set(out, key, value);
    } else if (key == "stages" || key == "backward") {
      const Section section = key == "stages" ? Section::forward : Section::backward;
      merge_section(*found, value, Level{section, "", pipeline_of(out)});
    } else {
      for (const auto& [name, part] : value.items()) set(*found, name, part);
    }
  }
  return out;
}

Json setting_overlay(const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw InputError("setting " + io::in_quotes(assignment) +
                     ": expected STAGE.FIELD=VALUE, as in softmax.compute=bf16");
  }
  const std::string path = assignment.substr(0, equals);
  Json overlay = parse_value(path, assignment.substr(equals + 1));
  std::vector<std::string> keys = keys_of(path);
  const bool incomplete = keys.front() == "stages" || keys.front() == "backward" ? keys.size() < 3 : false;
  if (incomplete || std::find(keys.begin(), keys.end(), "") != keys.end()) {
    throw InputError("setting " + io::in_quotes(assignment) +
                     ": expected STAGE.FIELD=VALUE or backward.STAGE.FIELD=VALUE");
  }
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) overlay = Json{{*key, std::move(overlay)}};
  return overlay;
}

}  // namespace ulpscope::compressor
