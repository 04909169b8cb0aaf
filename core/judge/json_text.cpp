// SPDX-License-Identifier: Apache-2.0
// JSON text for people who diff reports: structure by lines, leaves on one line.
#include <algorithm>

#include "core/judge/report.hpp"

namespace ulpscope::judge {
namespace {

using io::Json;

std::string flat(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// Nests at most one level deep, so that a line shows it: [1,2], {"a":1}, [[1,2],[3,4]].
bool is_leaf(const Json& json) {
  if (!json.is_structured()) return true;
  return std::all_of(json.begin(), json.end(), [](const Json& child) { return !child.is_structured(); });
}

bool is_table_of_numbers(const Json& json) {
  return json.is_array() && std::all_of(json.begin(), json.end(), [](const Json& row) {
           return row.is_array() ? is_leaf(row) : !row.is_structured();
         });
}

/// Writes one text.
struct Writer {
  std::size_t widest;
  std::string out;
  void write(const Json& json, std::size_t indent);
};

void Writer::write(const Json& json, std::size_t indent) {
  const bool short_object = json.is_object() && is_leaf(json) && flat(json).size() <= widest;
  if (!json.is_structured() || json.empty() || short_object || is_table_of_numbers(json)) {
    out += flat(json);
    return;
  }
  const char* brackets = json.is_object() ? "{}" : "[]";
  const std::string margin(indent + 2, ' ');
  out += brackets[0];
  bool first = true;
  for (auto item = json.begin(); item != json.end(); ++item) {
    out += first ? "\n" : ",\n";
    out += margin;
    if (json.is_object()) out += flat(Json(item.key())) + ": ";
    write(item.value(), indent + 2);
    first = false;
  }
  out += '\n' + std::string(indent, ' ') + brackets[1];
}

}  // namespace

std::string compact_text(const Json& json, std::size_t widest) {
  Writer writer{widest, {}};
  writer.write(json, 0);
  return writer.out + '\n';
}

}  // namespace ulpscope::judge
