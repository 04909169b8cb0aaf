// SPDX-License-Identifier: Apache-2.0
// A run without trace has working memory that does not grow with the sequence: measured in a process of its own.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>

#include "core/compressor/problem.hpp"
#include "core/compressor/run.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

namespace {

constexpr std::int64_t mebibyte = std::int64_t{1} << 20;

std::int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

/// What is resident once freed memory went back to the system.
std::int64_t resident_bytes() {
  malloc_trim(0);
  std::int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

std::int64_t bytes_of(const Tensor& tensor) {
  return std::visit(
      [](const auto& values) {
        return static_cast<std::int64_t>(values.size() * sizeof(typename std::decay_t<decltype(values)>::value_type));
      },
      tensor.data);
}

/// Most bytes that a fused run had, beyond its inputs and results.
std::int64_t working_memory(const Config& config) {
  MakeOptions make;
  make.threads = 2;
  const Problem problem = make_problem(config, make);
  const std::int64_t before = resident_bytes();
  RunOptions options;
  options.threads = 2;
  const Run run = run_fused(problem, load_recipe("fp32-blas"), options);
  std::int64_t results = 0;
  for (const auto& [slot, record] : run.tape.records()) results += bytes_of(record.tensor);
  return peak_bytes() - before - results;
}

/// The same in a child, so that one run's peak is not another's.
std::int64_t working_memory_apart(const Config& config) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::int64_t found = working_memory(config);
    _exit(write(ends[1], &found, sizeof found) == sizeof found ? 0 : 1);
  }
  std::int64_t found = -1;
  const bool told = read(ends[0], &found, sizeof found) == sizeof found;
  close(ends[0]);
  close(ends[1]);
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE((told && WIFEXITED(status) && WEXITSTATUS(status) == 0));
  return found;
}

}  // namespace

TEST_CASE("four times the tokens need no more working memory", "[.full]") {
  Config config = preset("small-csa");
  config.batch = 1;
  config.seq = std::size_t{1} << 15;
  const std::int64_t at_32k = working_memory_apart(config);
  config.seq = std::size_t{1} << 17;
  const std::int64_t at_128k = working_memory_apart(config);
  INFO(at_32k / mebibyte << " MiB, " << at_128k / mebibyte << " MiB");
  CHECK(at_128k <= at_32k + 16 * mebibyte);
}

TEST_CASE("v4-flash-csa with 65536 tokens needs less than 2 GiB beyond inputs and results", "[.full]") {
  Config config = preset("v4-flash-csa");
  config.seq = 65536;
  const std::int64_t found = working_memory_apart(config);
  INFO(found / mebibyte << " MiB");
  CHECK(found <= 2048 * mebibyte);
}
