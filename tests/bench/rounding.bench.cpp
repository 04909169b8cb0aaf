// SPDX-License-Identifier: Apache-2.0
// Rounding fp32 arrays in the L2 cache to narrower formats, against a copy of them. One thread.
#include "precision/rounding.hpp"

#include <cstring>

#include "precision/round_array.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/random.hpp"

namespace {

using namespace ulpscope;

constexpr int batch = 64;

void check(const std::vector<float>& from, const std::vector<float>& to, const precision::Format& format) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    bench::require_equal(double{to[i]}, precision::round(double{from[i]}, format), format.name);
  }
}

void time_format(bench::Report& report, const std::string& name) {
  const precision::Format format = precision::parse_format(name);
  for (const std::size_t count : {std::size_t{1} << 15, std::size_t{1} << 16}) {
    const std::vector<float> from = test::normal_values<float>(count, 1, 3.0);
    std::vector<float> to(count);
    precision::round_array(from, to, format);
    check(from, to, format);
    const auto work = bench::repeated(batch, [&] { precision::round_array(from, to, format); });
    const auto copy = bench::repeated(batch, [&] { std::memcpy(to.data(), from.data(), count * sizeof(float)); });
    report.add({name, "copy", bench::Goal::at_most, 1.4}, static_cast<double>(count),
               bench::in_turns(10 * report.rounds(), work, copy).per(batch, batch));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run("rounding fp32 in L2", argc, argv, [](bench::Report& report) {
    for (const char* name : {"bf16", "fp16", "e4m3fn"}) time_format(report, name);
  });
}
