// SPDX-License-Identifier: Apache-2.0
// THE table of metrics: a new one is a row here.
#include <array>

#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/metrics.hpp"

namespace ulpscope::judge {
namespace {

double count(std::uint64_t n) { return static_cast<double>(n); }

constexpr std::array<MetricInfo, 19> table{{
    {"max_abs", "", "largest |run - truth|", [](const Metrics& m) { return m.max_abs; }},
    {"max_rel", "", "largest |run - truth| / |truth|; inf where the truth is 0 and the run is not",
     [](const Metrics& m) { return m.max_rel; }},
    {"max_ulp", "ulp",
     "largest distance in numbers of the storage format, counted along the format between run and truth",
     [](const Metrics& m) { return m.max_ulp; }},
    {"rms_rel", "", "||run - truth|| / ||truth|| over the whole slot", [](const Metrics& m) { return m.rms_rel; }},
    {"bias_rel", "", "<run - truth, truth> / <truth, truth>: below 0 the run shrinks",
     [](const Metrics& m) { return m.bias_rel; }},
    {"p50_ulp", "ulp", "median distance; upper edge of a histogram bin of 1/8 binade",
     [](const Metrics& m) { return m.p50_ulp; }},
    {"p99_ulp", "ulp", "99th percentile of the distances; upper edge of a histogram bin of 1/8 binade",
     [](const Metrics& m) { return m.p99_ulp; }},
    {"bits", "bit", "-log2(rms_rel), between 0 and 53", [](const Metrics& m) { return m.bits; }},
    {"nan", "", "elements that are NaN", [](const Metrics& m) { return count(m.classes.nan); }},
    {"pos_inf", "", "elements that are +inf", [](const Metrics& m) { return count(m.classes.pos_inf); }},
    {"neg_inf", "", "elements that are -inf", [](const Metrics& m) { return count(m.classes.neg_inf); }},
    {"subnormal", "", "non-zero elements below the storage format's smallest normal number",
     [](const Metrics& m) { return count(m.classes.subnormal); }},
    {"zero", "", "elements that are +0 or -0", [](const Metrics& m) { return count(m.classes.zero); }},
    {"underflowed", "", "elements that are 0 while the truth is not",
     [](const Metrics& m) { return count(m.classes.underflowed); }},
    {"overflowed", "", "elements that are infinite while the truth is finite",
     [](const Metrics& m) { return count(m.classes.overflowed); }},
    {"class_mismatch", "", "elements whose class (NaN, +inf, -inf, finite) is not the truth's",
     [](const Metrics& m) { return count(m.classes.class_mismatch); }},
    {"rtol", "", "smallest rtol that passes alone", [](const Metrics& m) { return m.minimum.rtol; }},
    {"atol", "", "smallest atol that passes alone", [](const Metrics& m) { return m.minimum.atol; }},
    {"ulp", "ulp", "smallest ulp tolerance that passes alone", [](const Metrics& m) { return m.minimum.ulp; }},
}};

}  // namespace

std::span<const MetricInfo> metric_table() { return table; }

const MetricInfo& metric_named(std::string_view name) {
  std::vector<std::string> known;
  for (const MetricInfo& metric : table) {
    if (metric.name == name) return metric;
    known.emplace_back(metric.name);
  }
  throw InputError(io::unknown_name("metric", name, known));
}

}  // namespace ulpscope::judge
