// SPDX-License-Identifier: Apache-2.0
// exp of enclosures (106 bits with a proven radius) against mpfr_exp at 113 bits. One thread.
#include <cmath>

#include "precision/exp_enclosed_array.hpp"
#include "precision/real.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/random.hpp"

namespace {

using namespace ulpscope;
using precision::Enclosed;
using precision::Real;

constexpr int batch = 64;

std::vector<Enclosed> arguments(std::size_t count) {
  std::vector<Enclosed> values;
  for (const double x : test::normal_values<double>(count, 1, 8.0)) {
    const double high = -std::fabs(x);
    values.emplace_back(high, high * 0x1p-55, -high * 0x1p-104);
  }
  return values;
}

void check(const std::vector<Enclosed>& x, const std::vector<Enclosed>& y) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Real exact = exp(Real(x[i].high) + Real(x[i].low));
    const bool held = abs(exact - Real(y[i].high) - Real(y[i].low)) <= Real(y[i].radius);
    bench::require_equal(held ? 1.0 : 0.0, 1.0, "exp");
  }
}

void time_exp(bench::Report& report) {
  mpfr_t argument, result;
  mpfr_init2(argument, 113);
  mpfr_init2(result, 113);
  for (const std::size_t count : {std::size_t{512}, std::size_t{1024}}) {
    const std::vector<Enclosed> x = arguments(count);
    std::vector<Enclosed> y(count);
    const auto work = [&] { precision::exp_array(x, y); };
    const auto by_mpfr = [&] {
      for (const Enclosed& value : x) {
        mpfr_set_d(argument, value.high, MPFR_RNDN);
        mpfr_add_d(argument, argument, value.low, MPFR_RNDN);
        mpfr_exp(result, argument, MPFR_RNDN);
      }
    };
    work();
    check(x, y);
    report.add({"exp", "mpfr_exp", bench::Goal::at_least, 50}, static_cast<double>(count),
               bench::in_turns(report.rounds(), bench::repeated(batch, work), by_mpfr).per(batch, 1));
  }
  mpfr_clears(argument, result, nullptr);
}

}  // namespace

int main(int argc, char** argv) { return bench::run("exp of enclosures", argc, argv, time_exp); }
