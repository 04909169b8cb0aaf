// SPDX-License-Identifier: Apache-2.0
// One table: a document's schema chooses who renders it; files are tried before they are shown.
#include "app/rendering.hpp"

#include <array>
#include <map>

#include "app/verbs.hpp"
#include "core/io/error.hpp"
#include "core/io/json_schema.hpp"
#include "core/io/names.hpp"
#include "core/judge/baseline_check.hpp"
#include "core/judge/html_table.hpp"
#include "core/judge/report.hpp"
#include "core/studies/results.hpp"
#include "embedded/schemas.hpp"

namespace ulpscope::app {
namespace {

using io::Json;

/// A kind of document, and the functions that show it; null: it cannot be shown so, and `why_not` says why.
struct Renderer {
  std::string_view schema;
  std::string_view file;  ///< of the JSON schema
  std::string_view about;
  std::string (*terminal)(const Json&, judge::Colour);
  std::string (*markdown)(const Json&);
  std::string (*fragment)(const Json&);
  std::string (*junit)(const Json&);
  std::string (*csv)(const Json&);
  std::string_view why_not;
};

template <std::string (*text)(const Json&)>
std::string uncoloured(const Json& json, judge::Colour) {
  return text(json);
}

constexpr std::array<Renderer, 3> renderers{{
    {judge::report_schema, "report.schema", "a report", judge::terminal_text, judge::markdown_text,
     judge::html_fragment, judge::junit_xml, nullptr,
     "only a study's results are one table that CSV could hold; --json has everything"},
    {studies::study_schema, "study.schema", "a study's results", uncoloured<studies::terminal_text>,
     studies::markdown_text, studies::html_fragment, nullptr, studies::csv_text,
     "a study judges nothing that JUnit could show; --json, --csv, --markdown or --html"},
    {judge::check_schema, "check.schema", "a check", uncoloured<judge::check_terminal_text>, judge::check_markdown_text,
     judge::check_html_fragment, judge::check_junit_xml, nullptr,
     "only a study's results are one table that CSV could hold; --json has everything"},
}};

const Renderer* find_renderer(const Json& json) {
  if (!json.is_object() || !json.contains("schema")) return nullptr;
  for (const Renderer& renderer : renderers) {
    if (json["schema"] == renderer.schema) return &renderer;
  }
  return nullptr;
}

/// Of a document that was made here, or tried by faults_of.
const Renderer& renderer_of(const Json& json) {
  const Renderer* found = find_renderer(json);
  return found != nullptr ? *found : renderers.front();
}

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
  if (const Renderer* renderer = find_renderer(report)) {
    return io::SchemaChecker(schema_named(renderer->file)).faults(report);
  }
  std::string kinds;
  std::vector<std::string> schemas;
  for (const Renderer& renderer : renderers) {
    kinds += (kinds.empty() ? "" : &renderer == &renderers.back() ? " nor " : ", ") + std::string(renderer.about);
    schemas.emplace_back(renderer.schema);
  }
  return {"holds neither " + kinds + "; schemas known: " + io::listed(schemas)};
}

std::string terminal_text(const Json& report, judge::Colour colour) {
  return renderer_of(report).terminal(report, colour);
}

std::string markdown_text(const Json& report) { return renderer_of(report).markdown(report); }

std::string html_fragment(const Json& report) { return renderer_of(report).fragment(report); }

std::string html_text(const Json& report) { return judge::html_page(html_fragment(report)); }

std::string junit_xml(const Json& report) {
  const Renderer& renderer = renderer_of(report);
  if (renderer.junit == nullptr) throw InputError(std::string(renderer.why_not));
  return renderer.junit(report);
}

std::string csv_text(const Json& report) {
  const Renderer& renderer = renderer_of(report);
  if (renderer.csv == nullptr) throw InputError(std::string(renderer.why_not));
  return renderer.csv(report);
}

Outcome render(const std::string& path) {
  Json json = io::read_json(path);
  const std::vector<std::string> faults = faults_of(json);
  if (!faults.empty()) throw InputError(io::shown(path) + ": " + faults.front());
  return {std::move(json), "", 0};
}

}  // namespace ulpscope::app
