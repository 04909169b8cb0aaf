// SPDX-License-Identifier: Apache-2.0
// Exact projections, their operands cut anew each time, against one dgemm of the same shape. One thread.
#include "precision/exact_dot.hpp"

#include <cmath>

#include "precision/blas.hpp"
#include "precision/exact_accumulator.hpp"
#include "precision/round_array.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/random.hpp"

namespace {

using namespace ulpscope;
using namespace ulpscope::precision;

constexpr std::size_t depth = 4096;
constexpr std::size_t columns = 1024;

std::vector<double> values_in(const char* format, std::size_t count, std::uint64_t seed) {
  std::vector<double> values = test::normal_values<double>(count, seed);
  const Format parsed = parse_format(format);
  round_array(values, values, parsed);
  return values;
}

struct Projection {
  Projection(const std::vector<double>& left, const std::vector<double>& right)
      : a(left), b(right), rows(a.size() / depth), high(rows * columns), low(high), radius(high), plain(high) {}
  DotMatrix matrix(const std::vector<double>& values) const {
    return {values.data(), nullptr, nullptr, values.size() / depth, depth, depth, 1};
  }
  void exact() {
    x.assign(matrix(a));
    y.assign(matrix(b));
    roads = exact_dot(x, y, {high.data(), low.data(), radius.data(), columns, 1, false});
  }
  void dgemm() {
    BlasCall<double> call{rows, columns, depth};
    call.a = a.data();
    call.b = b.data();
    call.a_row = call.b_row = depth;
    call.b_transposed = Transpose::yes;
    call.out = plain.data();
    call.out_row = columns;
    blas_multiply(call);
  }
  void check() {
    for (std::size_t i = 0; i < high.size(); i += 9973) {
      ExactAccumulator sum;
      for (std::size_t k = 0; k < depth; ++k) sum.add_product(a[i / columns * depth + k], b[i % columns * depth + k]);
      bench::require_equal(high[i], sum.total().high, "high");
      bench::require_equal(low[i], sum.total().low, "low");
    }
    for (const double r : radius) bench::require_equal(r, 0, "radius");
  }

  const std::vector<double>& a;
  const std::vector<double>& b;
  std::size_t rows;
  std::vector<double> high, low, radius, plain;
  DotOperand x, y;
  DotRoads roads;
};

void time_format(bench::Report& report, const char* format, double goal) {
  const std::vector<double> b = values_in(format, columns * depth, 2);
  for (const std::size_t rows : {512, 1024}) {
    const std::vector<double> a = values_in(format, rows * depth, 1);
    Projection projection(a, b);
    projection.exact();
    projection.check();
    report.add({format, "dgemm", bench::Goal::at_most, goal}, static_cast<double>(rows * depth * columns),
               bench::in_turns(
                   report.rounds(), [&] { projection.exact(); }, [&] { projection.dgemm(); }));
    report.note(fmt::format("{}_{}_residuals", format, rows), projection.roads.residuals);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run("exact projections x 4096 x 1024", argc, argv, [](bench::Report& report) {
    use_one_blas_thread();
    time_format(report, "bf16", 1.25);
    time_format(report, "fp32", 6);
  });
}
