// SPDX-License-Identifier: Apache-2.0
// The exponentials: correct rounding against MPFR, thresholds of underflow, accuracy of each library's algorithm.
#include "precision/elementary.hpp"

#include <cmath>
#include <utility>

#include "precision/emulated.hpp"
#include "precision/native.hpp"
#include "precision/ulp.hpp"
#include "tests/precision/oracle.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;
using ulpscope::test::Mp;
using ulpscope::test::oracle_round;
using ulpscope::test::same;
using ulpscope::test::stratified_floats;

namespace {

/// exp(x) by MPFR, rounded once to the format by integers.
double true_exp(double x, const Format& format) {
  if (std::isnan(x)) return x;
  if (std::isinf(x)) return oracle_round(x > 0 ? x : 0.0, format);
  if (x == 0) return oracle_round(1.0, format);
  Mp argument, result;
  // Far outside every format, but inside MPFR's default exponent range.
  mpfr_set_d(argument.get(), std::fmax(-1e6, std::fmin(x, 1e6)), MPFR_RNDN);
  const int ternary = mpfr_exp(result.get(), argument.get(), MPFR_RNDZ);
  return oracle_round(result.exact(ternary), format);
}

template <class T>
int wrong_exponentials(const std::vector<double>& arguments, const Format& format) {
  const Emulated<T> arithmetic(format);
  int wrong = 0;
  for (const double x : arguments) {
    const double got = static_cast<double>(arithmetic.exp(static_cast<T>(x)));
    if (same(got, true_exp(x, format))) continue;
    if (wrong++ == 0) UNSCOPED_INFO(std::hexfloat << "exp(" << x << ") = " << got << ", not " << true_exp(x, format));
  }
  return wrong;
}

/// A lane of the quick exponential, and whether it noted a doubt. A call: g++ 12 crashes on the pack in the caller's
/// loop.
[[gnu::noinline]] std::pair<float, bool> quick_exp(float x) {
  using V = NativePack<float>;
  Doubt<V> doubt;
  const V y = Native<V>().exp_quick(splat<V>(x), doubt);
  return {lane(y, native_lanes<float> - 1), doubt.any()};
}

std::vector<double> every_value(const Format& format) {
  std::vector<double> values;
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << total_bits(format)); ++bits) {
    values.push_back(decode(bits, format));
  }
  return values;
}

std::vector<double> arguments_of_exp(std::size_t count, std::uint64_t seed) {
  std::vector<double> values;
  for (const float x : stratified_floats(count, seed)) {
    values.push_back(x);
    values.push_back(static_cast<double>(static_cast<float>(std::fmod(x, 110.0f))));
  }
  return values;
}

/// The largest float whose result is 0, by bisection of a monotone function on [-120, 0].
template <class F>
float largest_zero(F zero_at) {
  std::uint32_t low = as_bits(-120.0f), high = as_bits(-0.0f);  // magnitudes: low gives 0, high does not
  while (low - high > 1) {
    const std::uint32_t middle = high + (low - high) / 2;
    (zero_at(from_bits<float>(middle)) ? low : high) = middle;
  }
  return from_bits<float>(low);
}

float threshold(Exp variant) {
  return largest_zero([&](float x) { return exp_fp32(x, variant) == 0; });
}
float threshold_after_cast(const char* name) {
  const Format format = parse_format(name);
  return largest_zero([&](float x) { return round(static_cast<double>(exp_binary32(x)), format) == 0; });
}
/// On the format's own grid.
double native_threshold(const char* name) {
  const Format format = parse_format(name);
  double best = -1000;
  for (const double x : every_value(format)) {
    if (x < 0 && x > best && Emulated<float>(format).exp(static_cast<float>(x)) == 0) best = x;
  }
  return best;
}

/// Largest error in ulps over a sample of [low, high].
double worst_ulp(Exp variant, float low, float high) {
  const Format fp32 = parse_format("fp32");
  double worst = 0;
  for (int i = 0; i < 40000; ++i) {
    const float x = low + (high - low) * (static_cast<float>(i) / 40000.0f);
    Mp argument, result;
    mpfr_set_flt(argument.get(), x, MPFR_RNDN);
    mpfr_exp(result.get(), argument.get(), MPFR_RNDN);
    const double truth = mpfr_get_d(result.get(), MPFR_RNDN);
    worst = std::max(worst, std::fabs(static_cast<double>(exp_fp32(x, variant)) - truth) / ulp(truth, fp32));
  }
  return worst;
}

}  // namespace

TEST_CASE("exp is correctly rounded on every value of every 8-bit and smaller format") {
  for (const char* name :
       {"e4m3fn", "e5m2", "e3m2", "e2m3", "e2m1", "e4m3fn:sat", "e5m2:rz", "e4m3fn:ru", "e5m2:odd"}) {
    const Format format = parse_format(name);
    INFO(name);
    CHECK(wrong_exponentials<float>(every_value(format), format) == 0);
    CHECK(wrong_exponentials<double>(every_value(format), format) == 0);
  }
}

TEST_CASE("exp is correctly rounded on every value of bf16 and fp16") {
  for (const char* name : {"bf16", "fp16"}) {
    const Format format = parse_format(name);
    INFO(name);
    CHECK(wrong_exponentials<float>(every_value(format), format) == 0);
  }
}

TEST_CASE("exp is correctly rounded on every value of the 16-bit formats in other modes", "[.full]") {
  for (const char* name : {"bf16:rz", "bf16:ru", "bf16:rd", "bf16:odd", "fp16:rz", "fp16:ru", "fp16:rd", "fp16:ftz"}) {
    const Format format = parse_format(name);
    INFO(name);
    CHECK(wrong_exponentials<float>(every_value(format), format) == 0);
    CHECK(wrong_exponentials<double>(every_value(format), format) == 0);
  }
}

TEST_CASE("exp is correctly rounded in fp32, on floats of every binade") {
  const Format fp32 = parse_format("fp32");
  int wrong = 0;
  for (const double x : arguments_of_exp(40000, 3)) {
    wrong += same(static_cast<double>(Native<float>().exp(static_cast<float>(x))), true_exp(x, fp32)) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("The quick exponential in fp32 is correctly rounded or says that it may not be") {
  int vouched = 0;
  int wrong = 0;
  int silent = 0;
  std::vector<float> arguments = stratified_floats(40000, 9);
  for (const double x : arguments_of_exp(20000, 9)) arguments.push_back(static_cast<float>(x));
  // Results next to the middle of two floats, where only a noted doubt saves the caller.
  for (const float hard : {-0x1.39c6b4p-2f, 0x1.8p-24f, 0x1p-24f, -0x1p-25f}) arguments.push_back(hard);
  for (const float x : arguments) {
    const auto [got, doubted] = quick_exp(x);
    const bool right = same(static_cast<double>(got), static_cast<double>(Native<float>().exp(x)));
    vouched += doubted ? 0 : 1;
    wrong += right ? 0 : 1;
    silent += right || doubted ? 0 : 1;
  }
  CHECK(silent == 0);
  CHECK(wrong > 1000);     // beyond the normal results: the doubts are needed
  CHECK(vouched > 20000);  // and rare inside
}

TEST_CASE("exp is correctly rounded in wider and directed formats") {
  const auto arguments = arguments_of_exp(2000, 5);
  for (const char* name :
       {"fp32:rz", "fp32:ru", "fp32:rd", "fp32:odd", "fp32:ftz", "tf32", "e8m22", "e8m22:ru", "bf16:rd"}) {
    const Format format = parse_format(name);
    INFO(name);
    CHECK(wrong_exponentials<float>(arguments, format) == 0);
    CHECK(wrong_exponentials<double>(arguments, format) == 0);
  }
}

TEST_CASE("The double-double exponential is good to 2^-95") {
  for (const double x : {1e-300, -1e-9, 0.3, -0.3465, 0.3467, 1.0, -17.328, 88.72, -103.97, 199.9, -199.9}) {
    const TwoTerm<double> y = exp_double_double(x);
    mpfr_t argument, truth, error;
    mpfr_inits2(300, argument, truth, error, static_cast<mpfr_ptr>(nullptr));
    mpfr_set_d(argument, x, MPFR_RNDN);
    mpfr_exp(truth, argument, MPFR_RNDN);
    mpfr_set_d(error, y.high, MPFR_RNDN);
    mpfr_add_d(error, error, y.low, MPFR_RNDN);
    mpfr_sub(error, error, truth, MPFR_RNDN);
    mpfr_div(error, error, truth, MPFR_RNDN);
    INFO(x);
    CHECK(std::fabs(mpfr_get_d(error, MPFR_RNDN)) < 0x1p-95);
    mpfr_clears(argument, truth, error, static_cast<mpfr_ptr>(nullptr));
  }
}

TEST_CASE("The fast double evaluation keeps the bound that its enclosure assumes") {
  double worst = 0;
  for (const double x : arguments_of_exp(30000, 7)) {
    if (!(std::fabs(x) <= 200)) continue;
    const TwoTerm<double> truth = exp_double_double(x);
    const double error = (detail::exp_fast_double(x) - truth.high) - truth.low;
    worst = std::max(worst, std::fabs(error) / truth.high);
  }
  CHECK(worst < 0x1p-50);
  CHECK(worst > 0x1p-54);  // the measurement itself is alive
}

TEST_CASE("The binary64 exponential is below 0.53 ulp where results are normal, below 0.8 where they are subnormal") {
  const Format fp64 = parse_format("fp64");
  double normal = 0, subnormal = 0;
  for (int i = 0; i < 200000; ++i) {
    const double unit = static_cast<double>(random_bits({11, static_cast<std::uint64_t>(i), 0}) >> 11) * 0x1p-52 - 1;
    const double ranges[] = {708 * unit, unit, std::ldexp(unit, -(i % 60)), -708.4 - 37 * std::fabs(unit)};
    const double x = ranges[i % 4];
    Mp argument, truth;
    mpfr_set_d(argument.get(), x, MPFR_RNDN);
    mpfr_exp(truth.get(), argument.get(), MPFR_RNDN);
    const double unit_in_last_place = ulp(mpfr_get_d(truth.get(), MPFR_RNDN), fp64);
    mpfr_sub_d(truth.get(), truth.get(), exp_binary64(x), MPFR_RNDN);
    mpfr_div_d(truth.get(), truth.get(), unit_in_last_place, MPFR_RNDN);  // before a double rounds it
    const double error = std::fabs(mpfr_get_d(truth.get(), MPFR_RNDN));
    (x < -708.39 ? subnormal : normal) = std::max(x < -708.39 ? subnormal : normal, error);
  }
  CHECK(normal < 0.53);
  CHECK(normal > 0.5);  // the measurement itself is alive
  CHECK(subnormal < 0.8);
}

TEST_CASE("The binary64 exponential is exact at its ends") {
  const double endless = infinity();
  CHECK(exp_binary64(endless) == endless);
  CHECK(same(exp_binary64(-endless), 0.0));
  CHECK(std::isnan(exp_binary64(std::nan(""))));
  CHECK(exp_binary64(0.0) == 1);
  CHECK(exp_binary64(-0.0) == 1);
  CHECK(exp_binary64(0x1p-1074) == 1);
  CHECK(exp_binary64(0x1.62e42fefa39efp+9) == 0x1.fffffffffff2ap+1023);  // the last finite result
  CHECK(exp_binary64(0x1.62e42fefa39f0p+9) == endless);
  CHECK(exp_binary64(-0x1.74910d52d3051p+9) == 0x1p-1074);  // the last result that is not zero
  CHECK(same(exp_binary64(-0x1.74910d52d3052p+9), 0.0));
}

TEST_CASE("The binary64 exponential has the same bits in packs as in scalars") {
  using Eight = Pack<double, 8>;
  int wrong = 0;
  for (int i = 0; i < 5000; ++i) {
    Eight x{};
    for (int lane = 0; lane < 8; ++lane) {
      const std::uint64_t bits = random_bits({12, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(lane)});
      x[lane] = i % 2 == 0 ? from_bits<double>(bits) : std::fmod(from_bits<double>(bits), 800.0);
    }
    const Eight y = exp_binary64(x);
    for (int lane = 0; lane < 8; ++lane) wrong += same(y[lane], exp_binary64(double{x[lane]})) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("The largest argument that gives zero, per implementation") {
  CHECK(threshold(Exp::correct) == -0x1.9fe36ap+6f);
  CHECK(threshold(Exp::fast) == -0x1.9fe36ap+6f);
  CHECK(threshold(Exp::cuda) == -0x1.9fe36ap+6f);
  CHECK(threshold(Exp::glibc) == -0x1.9fe36ap+6f);
  CHECK(threshold(Exp::cuda_fast) == -0x1.9fe368p+6f);
  CHECK(threshold(Exp::xla_cpu) == -0x1.5ebb86p+6f);
  const Emulated<float> flushing(parse_format("fp32:ftz"));
  CHECK(largest_zero([&](float x) { return exp_as(flushing, x, Exp::cuda_fast) == 0; }) == -0x1.5d58a2p+6f);
}

TEST_CASE("The largest argument that gives zero after a cast, and in the format itself") {
  CHECK(threshold_after_cast("bf16") == -0x1.7386ep+6f);
  CHECK(threshold_after_cast("fp16") == -17.32868003845215f);
  CHECK(threshold_after_cast("e5m2") == -11.783502578735352f);
  CHECK(threshold_after_cast("e4m3fn") == -6.931471824645996f);
  CHECK(threshold_after_cast("e2m1") == -1.3862943649291992f);
  CHECK(native_threshold("bf16") == -93.0);
  CHECK(native_threshold("fp16") == -17.34375);
  CHECK(native_threshold("e5m2") == -12);
  CHECK(native_threshold("e4m3fn") == -7);
  CHECK(Emulated<float>(parse_format("bf16")).exp(-92.5f) == 0x1p-133f);
}

TEST_CASE("The first subnormal result is where theory says") {
  CHECK(exp_binary32(-87.33654022216796875f) >= 0x1p-126f);
  CHECK(exp_binary32(-87.3365478515625f) < 0x1p-126f);
}

TEST_CASE("Each algorithm is as accurate as it claims") {
  CHECK(worst_ulp(Exp::correct, -87, 88) <= 0.5 + 1e-6);
  CHECK(worst_ulp(Exp::libm, -87, 88) <= 0.51);
  CHECK(worst_ulp(Exp::glibc, -87, 88) <= 0.51);
  CHECK(worst_ulp(Exp::sleef_u10, -87, 88) <= 1.0);
  CHECK(worst_ulp(Exp::fast, -87, 88) <= 1.2);
  CHECK(worst_ulp(Exp::xla_cpu, -87, 88) <= 2.0);
  CHECK(worst_ulp(Exp::xla_ynn, -87, 88) <= 2.0);
  CHECK(worst_ulp(Exp::cuda, -87, 88) <= 2.0);
  CHECK(worst_ulp(Exp::cuda_fast, -87, -86) > 15);
}

TEST_CASE("Libraries are told apart by the bits that they gave") {
  CHECK(as_bits(exp_fp32(-3.0625f, Exp::correct)) == 0x3d3f928du);
  CHECK(as_bits(exp_fp32(-3.0625f, Exp::sleef_u10)) == 0x3d3f928eu);
  CHECK(as_bits(exp_fp32(-1.7f, Exp::xla_cpu)) == 0x3e3b1163u);
  CHECK(as_bits(exp_fp32(-1.7f, Exp::xla_ynn)) == 0x3e3b1164u);
  CHECK(as_bits(exp_fp32(-60.5f, Exp::xla_cpu)) == 0x13d264e0u);
  CHECK(as_bits(exp_fp32(12.375f, Exp::xla_ynn)) == 0x486741b5u);
}

TEST_CASE("Every variant knows infinities, NaN and zero") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const std::string_view name : exp_names()) {
    const Exp variant = parse_exp(name);
    INFO(name);
    CHECK(exp_fp32(0.0f, variant) == 1.0f);
    CHECK(exp_fp32(-infinity, variant) == 0.0f);
    CHECK(std::isnan(exp_fp32(std::numeric_limits<float>::quiet_NaN(), variant)));
    CHECK(exp_fp32(-1e30f, variant) == 0.0f);
    if (variant == Exp::xla_cpu) continue;  // clamps its argument at 88.8, which already overflows
    CHECK(exp_fp32(infinity, variant) == infinity);
    CHECK(exp_fp32(1e30f, variant) == infinity);
  }
  CHECK(exp_fp32(infinity, Exp::xla_cpu) > 3e38f);
}

TEST_CASE("exp_as rounds the fp32 algorithm's result to the compute format") {
  const Emulated<float> bf16(parse_format("bf16"));
  const Emulated<double> wide(parse_format("bf16"));
  const float x = -92.8817138671875f;  // fp32 rounds exp(x) to a tie of bf16: twice rounded it is 0

  CHECK(exp_as(bf16, x, Exp::libm) == 0.0f);
  CHECK(exp_as(bf16, x, Exp::correct) == 0x1p-133f);
  CHECK(exp_as(wide, static_cast<double>(x), Exp::correct) == 0x1p-133);
  CHECK(exp_as(wide, static_cast<double>(x), Exp::sleef_u10) == 0.0);
  CHECK(exp_as(Native<double>(), -700.0, Exp::sleef_u10) == exp_binary64(-700.0));
}
