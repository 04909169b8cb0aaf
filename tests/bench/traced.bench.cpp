// SPDX-License-Identifier: Apache-2.0
// Recipe hf on v4-flash-csa, traced and reported against fp64: seconds and peak memory.
#include <sys/resource.h>

#include <filesystem>

#include "app/verbs.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using namespace ulpscope;

double peak_gib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
}

/// Against `allowed` seconds; a run is long enough to be timed once.
void time_report(bench::Report& report, const std::filesystem::path& folder, std::size_t tokens, double allowed) {
  app::MakeOptions make;
  make.preset = "v4-flash-csa";
  make.seq = tokens;
  make.threads = report.threads();
  make.output = (folder / (std::to_string(tokens) + ".safetensors")).string();
  app::make(make);
  app::ReportOptions options;
  options.problems = {make.output};
  options.recipes = {std::string("hf")};
  options.threads = report.threads();
  app::Outcome outcome;
  const double time = bench::seconds([&] { outcome = app::report(options); });
  bench::require_equal(static_cast<double>(outcome.report["runs"].size()), 1, "runs");
  report.add({"hf, traced, with report", "allowed", bench::Goal::at_most, 1}, static_cast<double>(tokens),
             {time, allowed, time, allowed});
  report.note(fmt::format("peak_gib_{}", tokens), peak_gib());
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run("hf on v4-flash-csa against fp64", argc, argv, [](bench::Report& report) {
    const test::TempDir folder;
    time_report(report, folder.path(), 512, 30);
    time_report(report, folder.path(), 1024, 60);
    bench::require_within(peak_gib(), 6, "peak memory in GiB");
  });
}
