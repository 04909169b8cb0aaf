// SPDX-License-Identifier: Apache-2.0
// The self-test passes, its references are right, and it reports what it saw.
#include "precision/selftest.hpp"

#include <bit>
#include <cmath>

#include "precision/elementary.hpp"
#include "precision/selftest_reference.hpp"
#include "tests/precision/oracle.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;

TEST_CASE("The quick self-test passes and tells its progress") {
  int calls = 0;
  const SelftestResult result = selftest(Depth::quick, 2, [&](const SelftestProgress& progress) {
    CHECK(progress.done == calls++);
    CHECK(progress.total > progress.done);
    CHECK(!progress.check.empty());
  });

  CHECK(result.passed());
  CHECK(static_cast<std::size_t>(calls) == result.checks.size());
  for (const SelftestCheck& check : result.checks) {
    INFO(check.name << ": " << check.first_failure);
    CHECK(check.cases == 64 * 65536);
    CHECK(check.failures == 0);
  }
}

TEST_CASE("The counts do not depend on the number of threads") {
  const auto one = selftest(Depth::quick, 1, nullptr), three = selftest(Depth::quick, 3, nullptr);
  CHECK(one.checks.size() == three.checks.size());
  for (std::size_t i = 0; i < one.checks.size(); ++i) CHECK(one.checks[i].cases == three.checks[i].cases);
}

TEST_CASE("A result without checks, or with a failure, has not passed") {
  SelftestResult result;
  CHECK(!result.passed());
  result.checks.push_back({"round bf16 v2", 10, 0, ""});
  CHECK(result.passed());
  result.checks.push_back({"exp v2", 10, 1, "0x0 gives 0x1, not 0x0"});
  CHECK(!result.passed());
}

TEST_CASE("The self-test's integer rounding agrees with the tests' own") {
  for (const char* name : {"tf32", "bf16", "fp16", "e4m3fn", "e5m2", "e3m2", "e2m3", "e2m1", "fp32", "e4m3fn:sat"}) {
    const Format format = parse_format(name);
    const IntegerRounder reference(format);
    int wrong = 0;
    for (const float x : test::stratified_floats(30000, 91)) {
      const float rounded = std::bit_cast<float>(reference(std::bit_cast<std::uint32_t>(x)));
      wrong += test::same(static_cast<double>(rounded), test::oracle_round(static_cast<double>(x), format)) ? 0 : 1;
    }
    INFO(name);
    CHECK(wrong == 0);
  }
}

TEST_CASE("The self-test's exp is right where the C library cannot decide, and in the subnormal range") {
  CHECK(reference_exp(0.0f) == 1.0f);
  CHECK(reference_exp(-0x1.9fe36ap+6f) == 0.0f);
  CHECK(reference_exp(-0x1.9fe368p+6f) == 0x1p-149f);
  CHECK(std::isinf(reference_exp(89.0f)));
  for (float x = -104; x < -87; x += 0.37f) CHECK(reference_exp(x) == exp_binary32(x));
}

TEST_CASE("The exhaustive self-test passes", "[.full]") {
  const SelftestResult result = selftest(Depth::exhaustive, 2, nullptr);
  for (const SelftestCheck& check : result.checks) {
    INFO(check.name << ": " << check.first_failure);
    CHECK(check.cases == std::uint64_t{1} << 32);
    CHECK(check.failures == 0);
  }
}
