// SPDX-License-Identifier: Apache-2.0
// Results to JSON, and their cells back from it.
#include "core/studies/results.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/io/error.hpp"
#include "core/io/fields.hpp"

namespace ulpscope::studies {
namespace {

using io::Json;

Json axes_json(const Results& results) {
  Json axes = Json::array();
  for (std::size_t i = 0; i < results.study->axes.size(); ++i) {
    const Axis& axis = results.study->axes[i];
    axes.push_back({{"name", axis.name}, {"about", axis.about}, {"values", results.walk.values[i]}});
  }
  return axes;
}

Json cell_json(const Cell& cell) {
  Json json{{"at", cell.at.json()}};
  for (const auto& [name, value] : cell.measures.items()) json[name] = value;
  return json;
}

/// The point of a cell, by the study's axes.
Point point_of(const Json& at, const Study& study, const std::string& where) {
  const io::Fields fields(at, where);
  std::vector<std::pair<std::string, std::string>> values;
  for (const Axis& axis : study.axes) values.emplace_back(axis.name, fields.string(axis.name));
  fields.no_others();
  return Point(std::move(values));
}

Cell cell_of(const Json& json, const Study& study, const std::string& where) {
  const io::Fields fields(json, where);
  Cell cell{point_of(fields.value("at"), study, where + ": at"), Json::object()};
  if (const auto why = fields.optional_string("skipped")) {
    cell.measures["skipped"] = *why;
    return cell;
  }
  for (const Measure& measure : study.measures) {
    cell.measures[measure.name] = fields.value(measure.name);
    const Json* interval = fields.optional_value(measure.name + "_ci95");
    if (interval != nullptr) cell.measures[measure.name + "_ci95"] = *interval;
  }
  return cell;
}

}  // namespace

Json to_json(const Results& results, const Json& provenance) {
  Json measures = Json::array();
  for (const Measure& measure : results.study->measures)
    measures.push_back({{"name", measure.name}, {"about", measure.about}, {"detail", measure.detail}});
  Json cells = Json::array();
  for (const Cell& cell : results.cells) cells.push_back(cell_json(cell));
  return {{"schema", study_schema},
          {"provenance", provenance},
          {"study", results.study->name},
          {"question", results.study->question},
          {"problem", results.problem},
          {"seeds", results.walk.seeds},
          {"first_seed", results.walk.first_seed},
          {"settings", results.walk.settings},
          {"axes", axes_json(results)},
          {"measures", measures},
          {"cells", cells},
          {"conclusion", results.conclusion},
          {"complete", results.complete}};
}

namespace {

/// A walk writes its own points only: another's would be lost.
void require_walked(const Cell& cell, const Results& expected, const std::string& where) {
  for (std::size_t i = 0; i < expected.study->axes.size(); ++i) {
    const std::string& axis = expected.study->axes[i].name;
    const std::vector<std::string>& walked = expected.walk.values[i];
    if (std::find(walked.begin(), walked.end(), cell.at.at(axis)) != walked.end()) continue;
    throw InputError(fmt::format(
        "{}: cannot be continued: its points of {} {} are not in this walk and would be lost; walk them too, "
        "or name another file",
        where, axis, cell.at.at(axis)));
  }
}

}  // namespace

std::vector<Cell> cells_from_json(const Json& json, const Results& expected, const std::string& where) {
  const io::Fields fields(json, where);
  const std::string schema = fields.string("schema");
  if (schema != study_schema)
    throw InputError(fmt::format("{}: schema must be '{}', found '{}'", where, study_schema, schema));
  const auto require = [&](const char* field, const std::string& found, const std::string& wanted) {
    if (found != wanted)
      throw InputError(fmt::format("{}: cannot be continued: its {} is {}, not {}", where, field, found, wanted));
  };
  require("study", fields.string("study"), expected.study->name);
  require("seeds", std::to_string(fields.size("seeds")), std::to_string(expected.walk.seeds));
  require("first_seed", std::to_string(fields.size("first_seed")), std::to_string(expected.walk.first_seed));
  const auto problem = fields.optional_object("problem");
  const std::string built_in = "built-in";
  require("problem", problem ? problem->string("sha256") : built_in,
          expected.walk.problem_sha256.empty() ? built_in : expected.walk.problem_sha256);
  const auto listed = [](const std::vector<std::string>& settings) {
    return settings.empty() ? std::string("none") : fmt::format("{}", fmt::join(settings, " "));
  };
  require("list of settings", listed(fields.has("settings") ? fields.strings("settings") : std::vector<std::string>{}),
          listed(expected.walk.settings));
  std::vector<Cell> cells;
  for (const Json& cell : fields.array("cells")) {
    cells.push_back(cell_of(cell, *expected.study, fmt::format("{}: cells[{}]", where, cells.size())));
    require_walked(cells.back(), expected, where);
  }
  return cells;
}

}  // namespace ulpscope::studies
