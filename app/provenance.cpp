// SPDX-License-Identifier: Apache-2.0
// Which sources, compiler, machine and libraries made a report.
#include <cblas.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <fstream>

#include "app/session.hpp"
#include "gpu/device.hpp"
#include "ulpscope_version.hpp"

namespace ulpscope::app {
namespace {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

/// The device's name, or why there is none.
std::string gpu_in_words() {
  const gpu::Availability& found = gpu::availability();
  return found.device ? gpu::to_string(*found.device) : "none: " + found.why_not;
}

}  // namespace

io::Json provenance(unsigned threads) {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return {{"version", version::number},
          {"commit", version::commit},
          {"compiler", version::compiler},
          {"flags", version::flags},
          {"cpu", cpu_name()},
          {"blas", std::string(openblas_get_config()) + ", core " + openblas_get_corename()},
          {"gpu", gpu_in_words()},
          {"threads", threads},
          {"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now))}};
}

std::string version_text() {
  return fmt::format("ulpscope {} ({}, {})", version::number, version::commit, version::compiler);
}

}  // namespace ulpscope::app
