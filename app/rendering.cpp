// SPDX-License-Identifier: Apache-2.0
// The schema chooses who renders; files are tried before they are shown.
#include "app/rendering.hpp"

#include <map>

#include "app/verbs.hpp"
#include "core/io/error.hpp"
#include "core/io/json_schema.hpp"
#include "core/io/names.hpp"
#include "core/judge/html_table.hpp"
#include "core/judge/report.hpp"
#include "core/studies/results.hpp"
#include "embedded/schemas.hpp"

namespace ulpscope::app {
namespace {

using io::Json;

bool has_schema(const Json& json, std::string_view schema) {
  return json.is_object() && json.contains("schema") && json["schema"] == schema;
}

bool is_study(const Json& json) { return has_schema(json, studies::study_schema); }

const Json& schema_named(std::string_view name) {
  static const std::map<std::string_view, Json> schemas = [] {
    std::map<std::string_view, Json> parsed;
    for (const embedded::File& file : embedded::schemas()) parsed[file.name] = io::parse_json(file.text, file.name);
    return parsed;
  }();
  return schemas.at(name);
}

}  // namespace

std::vector<std::string> faults_of(const Json& report) {
  if (is_study(report)) return io::SchemaChecker(schema_named("study.schema")).faults(report);
  if (has_schema(report, judge::report_schema)) return io::SchemaChecker(schema_named("report.schema")).faults(report);
  return {"holds neither a report nor a study's results; schemas known: " +
          io::listed({std::string(judge::report_schema), std::string(studies::study_schema)})};
}

std::string terminal_text(const Json& report, judge::Colour colour) {
  return is_study(report) ? studies::terminal_text(report) : judge::terminal_text(report, colour);
}

std::string markdown_text(const Json& report) {
  return is_study(report) ? studies::markdown_text(report) : judge::markdown_text(report);
}

std::string html_fragment(const Json& report) {
  return is_study(report) ? studies::html_fragment(report) : judge::html_fragment(report);
}

std::string html_text(const Json& report) {
  return is_study(report) ? judge::html_page(studies::html_fragment(report)) : judge::html_text(report);
}

std::string junit_xml(const Json& report) {
  if (is_study(report))
    throw InputError("a study judges nothing that JUnit could show; --json, --csv, --markdown or --html");
  return judge::junit_xml(report);
}

std::string csv_text(const Json& report) {
  if (!is_study(report))
    throw InputError("only a study's results are one table that CSV could hold; --json has everything");
  return studies::csv_text(report);
}

Outcome render(const std::string& path) {
  Json json = io::read_json(path);
  const std::vector<std::string> faults = faults_of(json);
  if (!faults.empty()) throw InputError(io::shown(path) + ": " + faults.front());
  return {std::move(json), "", 0};
}

}  // namespace ulpscope::app
