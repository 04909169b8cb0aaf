// SPDX-License-Identifier: Apache-2.0
// Certified truth of v4-flash-csa, every slot and gradient: seconds, and the largest radius.
#include <cmath>

#include "core/compressor/config.hpp"
#include "core/compressor/problem.hpp"
#include "core/judge/truth.hpp"
#include "reference/truth.hpp"
#include "tests/bench/bench.hpp"

namespace {

using namespace ulpscope;

/// Against `allowed` seconds; one run is long enough.
void time_truth(bench::Report& report, std::size_t tokens, double allowed) {
  compressor::Config config = compressor::preset("v4-flash-csa");
  config.seq = tokens;
  compressor::MakeOptions make;
  make.threads = report.threads();
  const compressor::Problem problem = compressor::make_problem(config, make);
  const judge::Exact exact = reference::exact_in("certified");
  judge::Truth truth;
  const double time =
      bench::seconds([&] { truth = judge::truth_by(exact, problem, judge::plain_truth_recipe(), report.threads()); });
  double radius = 0;
  for (const auto& [slot, enclosure] : truth.enclosures) {
    for (const double one : enclosure.radius) radius = std::fmax(radius, one);
  }
  bench::require_within(radius, 1e-20, "the largest radius");
  report.add({"certified truth", "allowed", bench::Goal::at_most, 1}, static_cast<double>(tokens),
             {time, allowed, time, allowed});
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run("certified truth of v4-flash-csa", argc, argv, [](bench::Report& report) {
    time_truth(report, 512, 30);
    time_truth(report, 1024, 60);
  });
}
