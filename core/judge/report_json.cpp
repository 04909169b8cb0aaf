// SPDX-License-Identifier: Apache-2.0
// The JSON of a report: every field of the contract in its order, null where it does not apply.
#include <cmath>

#include "core/judge/owners.hpp"
#include "core/judge/report.hpp"
#include "precision/format.hpp"
#include "precision/ulp.hpp"

namespace ulpscope::judge {
namespace {

using io::Json;

// Declared ahead: the templates below find them by name.
Json to_json(const WorstPart& part);
Json to_json(const ErrorMap& map);
Json to_json(const ReplayResult& replay);
Json to_json(const LocalError& local);
Json to_json(const Contribution& contribution);
Json to_json(const Bound& bound);
Json to_json(const Attribution& attribution);
Json to_json(const Row& row);
Json to_json(const Invariant& invariant);
Json to_json(const BirthCertificate& birth);
Json to_json(const Verdict& verdict);
Json to_json(const Unmapped& unmapped);
Json to_json(const RunReport& run);
Json to_json(const ProblemInfo& problem);

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json number_or_null(const std::optional<double>& value) { return value ? io::number(*value) : Json(); }

template <class Value>
Json optional_json(const std::optional<Value>& value) {
  return value ? to_json(*value) : Json();
}

/// Four digits are enough for a picture, and keep reports small.
double rounded(double value) {
  if (value == 0 || !std::isfinite(value)) return value;
  const double unit = std::pow(10.0, std::floor(std::log10(std::fabs(value))) - 3);
  return unit >= 1 ? std::round(value / unit) * unit : std::round(value / unit) / (1 / unit);
}

Json to_json(const Classes& c) {
  return {{"nan", c.nan},
          {"pos_inf", c.pos_inf},
          {"neg_inf", c.neg_inf},
          {"subnormal", c.subnormal},
          {"zero", c.zero},
          {"underflowed", c.underflowed},
          {"overflowed", c.overflowed},
          {"class_mismatch", c.class_mismatch}};
}

Json error_json(const Metrics& m, const std::string& format) {
  Json worst;
  if (m.worst) {
    worst = {{"index", m.worst->index},
             {"value", io::number(m.worst->value)},
             {"truth", io::number(m.worst->truth)},
             {"value_hex", precision::hex(m.worst->value, precision::parse_format(format))},
             {"truth_hex", io::hex_number(m.worst->truth)}};
  }
  return {{"max_abs", io::number(m.max_abs)}, {"max_rel", io::number(m.max_rel)},   {"max_ulp", io::number(m.max_ulp)},
          {"rms_rel", io::number(m.rms_rel)}, {"bias_rel", io::number(m.bias_rel)}, {"p50_ulp", io::number(m.p50_ulp)},
          {"p99_ulp", io::number(m.p99_ulp)}, {"bits", io::number(m.bits)},         {"worst", std::move(worst)}};
}

Json to_json(const WorstPart& part) { return {{"index", part.index}, {"rms_rel", io::number(part.rms_rel)}}; }

Json histogram_json(const Metrics& m) {
  Json edges = Json::array();
  for (const double edge : m.ulps.upper_edges) edges.push_back(io::number(edge));
  Json cells = Json::array();
  for (const auto& cell : m.errors) {
    const auto exponent = [](int e) { return e == ErrorHistogram::zero ? io::number(-HUGE_VAL) : Json(e); };
    cells.push_back(Json::array({exponent(cell.log2_truth), exponent(cell.log2_error), cell.count}));
  }
  return {{"ulp", {{"upper_edges", std::move(edges)}, {"counts", m.ulps.counts}}},
          {"log2_error_by_log2_magnitude", std::move(cells)}};
}

Json to_json(const ErrorMap& map) {
  Json ulps = Json::array();
  for (const double ulp : map.max_ulp) ulps.push_back(io::number(rounded(ulp)));
  return {{"rows", map.rows}, {"columns", map.columns}, {"max_ulp", std::move(ulps)}, {"underflowed", map.underflowed}};
}

Json to_json(const ReplayResult& replay) {
  Json from = Json::array();
  for (const auto slot : replay.from) from.push_back(compressor::to_string(slot));
  return {{"from", std::move(from)},
          {"bits_equal", io::number(replay.bits_equal)},
          {"explained", io::number(replay.explained)},
          {"ambiguous", io::number(replay.ambiguous)},
          {"max_ulp", io::number(replay.max_ulp)}};
}

Json to_json(const LocalError& local) {
  return {{"rms_rel", io::number(local.rms_rel)}, {"max_ulp", io::number(local.max_ulp)}};
}

Json to_json(const Contribution& contribution) {
  return {{"rms_rel", io::number(contribution.rms_rel)},
          {"share", number_or_null(contribution.share)},
          {"share_radius", number_or_null(contribution.radius)}};
}

Json to_json(const Bound& bound) {
  return {{"worst_case", io::number(bound.worst_case)},
          {"probabilistic", io::number(bound.probabilistic)},
          {"ratio", io::number(bound.ratio)}};
}

Json to_json(const Attribution& attribution) {
  Json owners = Json::array();
  for (const Owner& owner : owners_of(attribution)) {
    Json slots = Json::array();
    for (const auto slot : owner.slots) slots.push_back(compressor::to_string(slot));
    owners.push_back({{"owner", owner.name},
                      {"slots", std::move(slots)},
                      {"share", number_or_null(owner.share)},
                      {"share_radius", number_or_null(owner.radius)},
                      {"expected", number_or_null(owner.expected)}});
  }
  return {{"target", compressor::to_string(attribution.target)},
          {"method", to_string(attribution.method)},
          {"count", attribution.count},
          {"excluded", attribution.excluded},
          {"inputs", to_json(attribution.steps.front().contribution)},
          {"owners", std::move(owners)}};
}

Json tolerance_json(const Row& row) {
  if (!row.tolerance) return {};
  return {{"rtol", number_or_null(row.tolerance->rtol)},
          {"atol", number_or_null(row.tolerance->atol)},
          {"ulp", number_or_null(row.tolerance->ulp)},
          {"reason", text_or_null(row.tolerance_reason)}};
}

Json to_json(const Tolerances& t) {
  return {{"rtol", io::number(t.rtol)}, {"atol", io::number(t.atol)}, {"ulp", io::number(t.ulp)}};
}

/// Of a slot without elements only the count applies.
void add_measures(Json& json, const Row& row) {
  const Metrics* m = row.metrics ? &*row.metrics : nullptr;
  const bool measured = m != nullptr && m->count != 0;
  json["count"] = m != nullptr ? Json(m->count) : Json();
  json["classes"] = measured ? to_json(m->classes) : Json();
  json["error"] = measured && m->compared != 0 ? error_json(*m, row.format) : Json();
  json["worst_window"] = measured ? optional_json(m->worst_window) : Json();
  json["worst_channel"] = measured ? optional_json(m->worst_channel) : Json();
  json["histogram"] = measured ? histogram_json(*m) : Json();
  json["map"] = measured ? optional_json(m->map) : Json();
  json["local"] = optional_json(row.local);
  json["inherited"] = row.inherited ? Json{{"rms_rel", io::number(*row.inherited)}} : Json();
  json["contribution"] = optional_json(row.contribution);
  json["bound"] = optional_json(row.bound);
  json["bound_reason"] = text_or_null(row.why_unbounded);
  json["replay"] = optional_json(row.replay);
  json["vs_floor"] = number_or_null(row.vs_floor);
  json["vs_cast_reference"] = number_or_null(row.vs_cast_reference);
  json["tolerance"] = tolerance_json(row);
  json["minimum"] = measured ? to_json(m->minimum) : Json();
}

Json to_json(const Row& row) {
  Json json;
  json["slot"] = name_of(row);
  json["stage"] = text_or_null(row.stage);
  json["direction"] = row.slot.direction == compressor::Direction::forward ? "forward" : "backward";
  json["format"] = text_or_null(row.format);
  json["shape"] = row.shape.empty() ? Json() : Json(row.shape);
  add_measures(json, row);
  json["status"] = to_string(row.status);
  json["reason"] = text_or_null(row.reason);
  return json;
}

Json to_json(const Invariant& invariant) {
  const bool applies = invariant.status != Status::skipped;
  return {{"name", invariant.name},
          {"residual", applies ? io::number(invariant.residual) : Json()},
          {"bound", applies ? io::number(invariant.bound) : Json()},
          {"status", to_string(invariant.status)},
          {"reason", text_or_null(invariant.reason)}};
}

Json to_json(const Verdict& verdict) {
  return {{"slot", name_of(verdict)},
          {"stage", verdict.stage},
          {"index", verdict.index},
          {"place", verdict.place},
          {"dump", io::number(verdict.dump)},
          {"dump_hex", verdict.dump_hex},
          {"expected", io::number(verdict.expected)},
          {"expected_hex", verdict.expected_hex},
          {"diagnosis", verdict.diagnosis},
          {"sentence", verdict.sentence}};
}

Json index_or_null(const std::optional<std::size_t>& index) { return index ? Json(*index) : Json(); }

Json to_json(const BirthCertificate& birth) {
  Json operands = Json::array();
  for (const auto& [value, hex] : birth.operands) operands.push_back({{"value", io::number(value)}, {"hex", hex}});
  Json path = Json::array();
  for (const auto& [slot, count] : birth.path)
    path.push_back({{"slot", compressor::to_string(slot)}, {"count", count}});
  const bool forward = birth.slot.direction == compressor::Direction::forward;
  return {{"stage", birth.stage},
          {"direction", forward ? "forward" : "backward"},
          {"slot", compressor::to_string(birth.slot)},
          {"index", birth.index},
          {"window", index_or_null(birth.window)},
          {"softmax_slot", index_or_null(birth.softmax_slot)},
          {"channel", index_or_null(birth.channel)},
          {"operation", birth.operation},
          {"operands", std::move(operands)},
          {"class", birth.birth_class},
          {"path", std::move(path)},
          {"masked_by", text_or_null(birth.masked_by)},
          {"cure", text_or_null(birth.cure)},
          {"count", birth.count}};
}

Json to_json(const TruthInfo& truth) {
  return {{"tier", truth.tier},
          {"bits", truth.bits != 0 ? Json(truth.bits) : Json()},
          {"basis", to_string(truth.basis)},
          {"max_radius", number_or_null(truth.max_radius)},
          {"undecided", truth.undecided ? Json(*truth.undecided) : Json()}};
}

template <class Values>
Json array_json(const Values& values) {
  Json array = Json::array();
  for (const auto& value : values) array.push_back(to_json(value));
  return array;
}

Json to_json(const Unmapped& unmapped) {
  return {{"name", unmapped.name}, {"nearest", text_or_null(unmapped.nearest)}};
}

Json to_json(const RunReport& run) {
  Json json;
  json["problem"] = run.problem;
  json["recipe"] = text_or_null(run.recipe);
  json["backend"] = run.backend;
  json["spec"] = run.spec;
  json["truth"] = to_json(run.truth);
  json["rows"] = array_json(run.rows);
  json["attribution"] = optional_json(run.attribution);
  const bool telescopes = !run.attribution || run.attribution->method == AttributionMethod::ladder;
  json["attribution_residual"] = telescopes ? Json() : io::number(run.attribution->residual);
  json["invariants"] = array_json(run.invariants);
  json["nonfinite"] = array_json(run.nonfinite);
  json["underflow"] = array_json(run.underflow);
  json["verdict"] = optional_json(run.verdict);
  json["unmapped"] = array_json(run.unmapped);
  json["notes"] = run.notes;
  return json;
}

Json to_json(const ProblemInfo& problem) {
  return {{"config", problem.config}, {"source", problem.source}, {"sha256", problem.sha256}};
}

}  // namespace

Json to_json(const Report& report) {
  Json json;
  json["schema"] = report_schema;
  json["provenance"] = report.provenance;
  json["problems"] = array_json(report.problems);
  json["runs"] = array_json(report.runs);
  json["summary"] = report.summary;
  json["exit"] = report.exit;
  return json;
}

}  // namespace ulpscope::judge
