// SPDX-License-Identifier: Apache-2.0
// Runs each problem on both sides and compares.
#include "tests/gpu_check/check.hpp"

#include <algorithm>
#include <chrono>

#include "core/compressor/run.hpp"
#include "core/io/json.hpp"
#include "gpu/bit_law.hpp"
#include "gpu/device.hpp"
#include "gpu/run_cuda.hpp"
#include "tests/gpu_check/cases.hpp"
#include "tests/gpu_check/exponentials.hpp"

namespace ulpscope::gpu_check {
namespace {

io::Json describe_device(Where where) {
  if (where == Where::rehearsal)
    return {{"device", "rehearsal on the host"}, {"compute_capability", nullptr}, {"driver", nullptr}};
  const gpu::Availability& found = gpu::availability();
  if (!found.device) {
    return {{"device", nullptr}, {"compute_capability", nullptr}, {"driver", nullptr}, {"why_not", found.why_not}};
  }
  const gpu::Device& device = *found.device;
  const auto version = [](int major, int minor) { return std::to_string(major) + "." + std::to_string(minor); };
  return {{"device", device.name},
          {"compute_capability", version(device.major, device.minor)},
          {"driver", version(device.driver / 1000, device.driver % 1000 / 10)}};
}

std::string hex(double x) {
  char text[40];
  std::snprintf(text, sizeof text, "%a", x);
  return text;
}

io::Json describe(const Case& one, const gpu::Difference& difference) {
  return {{"problem", one.problem.source}, {"recipe", one.recipe.name},        {"slot", difference.slot},
          {"index", difference.index},     {"host_hex", hex(difference.host)}, {"device_hex", hex(difference.device)}};
}

io::Json describe(const ExpSurvey& survey) {
  return {{"name", survey.name},
          {"model", survey.model},
          {"largest_zero_device", hex(survey.device_zero)},
          {"largest_zero_model", hex(survey.model_zero)},
          {"differing", survey.differing},
          {"furthest_floats", survey.furthest},
          {"furthest_at", hex(survey.furthest_at)},
          {"as_modelled", is_as_modelled(survey)}};
}

}  // namespace

Answer check(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  io::Json answer = describe_device(options.where);
  const bool absent = options.where == Where::device && !gpu::availability().device;
  gpu::LawResult total;
  io::Json first;
  const std::vector<Case> all = absent ? std::vector<Case>{} : cases(options.seed, options.drawn);
  for (const Case& one : all) {
    const compressor::Run host = compressor::run_traced(one.problem, one.recipe, {});
    const auto run = options.where == Where::device ? gpu::run_cuda : gpu::run_rehearsed;
    const gpu::LawResult law = gpu::compare_bits(host.tape, run(one.problem, one.recipe, {}).tape);
    total.slots += law.slots;
    total.elements += law.elements;
    if (law.first && first.is_null()) first = describe(one, *law.first);
  }
  const bool on_device = options.where == Where::device && !absent;
  const std::vector<ExpSurvey> surveys = on_device ? survey_exponentials() : std::vector<ExpSurvey>{};
  for (const ExpSurvey& survey : surveys) answer["exponentials"].push_back(describe(survey));
  const bool same = first.is_null() && std::all_of(surveys.begin(), surveys.end(), is_as_modelled);
  answer["problems"] = all.size();
  answer["slots"] = total.slots;
  answer["elements"] = total.elements;
  answer["first_difference"] = first;
  answer["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {answer.dump(2), absent ? 77 : same ? 0 : 1};
}

}  // namespace ulpscope::gpu_check
