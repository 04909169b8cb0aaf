// SPDX-License-Identifier: Apache-2.0
// Matrix products whose every multiplication and addition is rounded, against the unrounded float product of the same
// loop.
#include "core/compressor/kernels/kernel_sets.hpp"
#include "core/compressor/matrix_product.hpp"
#include "precision/round_array.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/random.hpp"
#include "tests/support/rounded_dot.hpp"

namespace {

using namespace ulpscope;
using namespace ulpscope::compressor;

constexpr std::size_t depth = 512;
constexpr std::size_t columns = 512;

SlotArithmetic arithmetic_in(const std::string& name) {
  SlotArithmetic arithmetic;
  arithmetic.compute = arithmetic.accumulate = arithmetic.storage = arithmetic.branches = precision::parse_format(name);
  return arithmetic;
}

std::vector<float> values_in(const precision::Format& format, std::size_t count, std::uint64_t seed) {
  std::vector<float> values = test::normal_values<float>(count, seed);
  precision::round_array(values, values, format);
  return values;
}

/// One product with panels packed beforehand.
struct Gemm {
  SlotArithmetic arithmetic;
  std::vector<float> a;
  std::vector<float> b;
  std::vector<float> out;
  Workspace<float> panels;
  Multiplier<float> multiply;
  MatrixProduct<float> product;

  Gemm(Kind kind, const std::string& format, std::size_t rows, unsigned threads)
      : arithmetic(arithmetic_in(format)),
        a(values_in(arithmetic.compute, rows * depth, 1)),
        b(values_in(arithmetic.compute, depth * columns, 2)),
        out(rows * columns),
        multiply(kernels::kernel_set<float>(kind, ""), threads) {
    product.arithmetic = &arithmetic;
    product.a = a.data();
    product.a_row = depth;
    product.b = {b.data(), columns, Transpose::no};
    product.rows = rows;
    product.depth = depth;
    product.columns = columns;
    product.out = out.data();
  }
  void operator()() { multiply({{product, &panels}}); }
};

void check(const Gemm& gemm) {
  const precision::Format& format = gemm.arithmetic.compute;
  for (std::size_t i = 0; i < gemm.out.size(); i += 997) {
    const double sum = test::rounded_dot(
        format, depth, [&](std::size_t k) { return gemm.a[i / columns * depth + k]; },
        [&](std::size_t k) { return gemm.b[k * columns + i % columns]; });
    bench::require_equal(double{gemm.out[i]}, sum, "product in " + format.name);
  }
}

void time_format(bench::Report& report, const std::string& name, double goal) {
  for (const std::size_t rows : {std::size_t{256}, std::size_t{512}}) {
    Gemm rounded(Kind::emulated_float, name, rows, report.threads());
    Gemm plain(Kind::native_float, "fp32", rows, report.threads());
    rounded();
    check(rounded);
    plain();
    check(plain);
    report.add({name, "unrounded", bench::Goal::at_least, goal}, static_cast<double>(rows * depth * columns),
               bench::in_turns(
                   3 * report.rounds(), [&] { rounded(); }, bench::repeated(4, [&] { plain(); }))
                   .per(1, 4));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run("every operation rounded: x 512 x 512", argc, argv, [](bench::Report& report) {
    time_format(report, "bf16", 0.20);
    time_format(report, "fp16", 0.15);
    time_format(report, "e4m3fn", 0.08);
  });
}
