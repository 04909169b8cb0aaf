// SPDX-License-Identifier: Apache-2.0
// Edits against axes, field by field.
#include "core/studies/settings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/compressor/recipe_merge.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"

namespace ulpscope::studies {
namespace {

using io::Json;
using Path = std::vector<std::string>;

/// The fields that an overlay sets, key by key.
void add_fields(const Json& overlay, const Path& above, std::vector<Path>& fields) {
  if (!overlay.is_object()) return fields.push_back(above);
  for (const auto& [key, value] : overlay.items()) {
    Path path = above;
    path.push_back(key);
    add_fields(value, path, fields);
  }
}

std::vector<Path> fields_of(const Json& overlay) {
  std::vector<Path> fields;
  add_fields(overlay, {}, fields);
  return fields;
}

/// One is the other, or lies within it: storage and storage.weights.
bool overlap(const Path& a, const Path& b) {
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin());
}

bool overlap(const std::vector<Path>& some, const std::vector<Path>& others) {
  return std::any_of(some.begin(), some.end(), [&](const Path& path) {
    return std::any_of(others.begin(), others.end(), [&](const Path& other) { return overlap(path, other); });
  });
}

/// The first value walked on the axis that decides one of the fields; null: none does.
const std::string* decider(const std::vector<Path>& fields, const Axis& axis, const std::vector<std::string>& values) {
  if (axis.sets == nullptr) return nullptr;
  const auto found = std::find_if(values.begin(), values.end(), [&](const std::string& word) {
    return word != "given" && overlap(fields, fields_of(axis.sets(word)));
  });
  return found == values.end() ? nullptr : &*found;
}

}  // namespace

Json settings_overlay(const std::vector<std::string>& settings) {
  Json overlay = Json::object();
  for (const std::string& setting : settings)
    overlay = compressor::merged(overlay, compressor::setting_overlay(setting));
  return overlay;
}

void refuse_lost(const std::vector<std::string>& settings, const Study& study, const Walk& walk) {
  for (const std::string& setting : settings) {
    const std::string where =
        fmt::format("study {}: setting {} would change nothing: ", study.name, io::in_quotes(setting));
    if (!study.edited) throw InputError(where + "the study runs no recipe");
    const std::vector<Path> fields = fields_of(compressor::setting_overlay(setting));
    for (std::size_t i = 0; i < study.axes.size(); ++i) {
      const std::string* const word = decider(fields, study.axes[i], walk.values[i]);
      if (word == nullptr) continue;
      throw InputError(fmt::format("{}axis {} decides the same field ({}); choose that axis's values instead", where,
                                   study.axes[i].name, *word));
    }
  }
}

}  // namespace ulpscope::studies
