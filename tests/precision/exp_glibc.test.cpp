// SPDX-License-Identifier: Apache-2.0
// Our text of the GNU C library's expf against the library where it is there, and by bits that it gave.
#include "precision/exp_glibc.hpp"

#include <cmath>
#include <cstdlib>
#include <string>

#include "precision/elementary.hpp"
#include "tests/precision/oracle.hpp"
#include "tests/support/catch.hpp"

#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif

using namespace ulpscope;
using namespace ulpscope::precision;

namespace {

/// Whether this process calls the expf that is described: 2.28 brought it, 2.41 has another; without FMA it is another
/// build.
bool is_described() {
#if defined(__GLIBC__) && defined(__x86_64__)
  const std::string version = gnu_get_libc_version();
  const int minor = std::atoi(version.substr(version.find('.') + 1).c_str());
  return version.starts_with("2.") && minor >= 28 && minor <= 40 && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

bool agrees(float x) { return test::same(static_cast<double>(exp_glibc(x)), static_cast<double>(exp_libm(x))); }

}  // namespace

TEST_CASE("glibc's exponential, by bits that it gave where it is not correctly rounded") {
  CHECK(as_bits(exp_glibc(-0x1.00033cp+0F)) == 0x3ebc5851U);
  CHECK(as_bits(exp_binary32(-0x1.00033cp+0F)) == 0x3ebc5850U);
  CHECK(as_bits(exp_glibc(-0x1.0033b2p+0F)) == 0x3ebc34adU);
  CHECK(as_bits(exp_glibc(-0x1.9fe368p+6F)) == 1U);  // the smallest result that is not 0
  CHECK(as_bits(exp_glibc(-0x1.9fe36ap+6F)) == 0U);
  CHECK(as_bits(exp_glibc(0x1.62e42ep+6F)) == 0x7f7fff84U);
  CHECK(std::isinf(exp_glibc(0x1.62e430p+6F)));
}

TEST_CASE("glibc's exponential is the C library's, on floats of every binade") {
  if (!is_described()) return;
  int wrong = 0;
  for (const float x : test::stratified_floats(200000, 4)) {
    wrong += agrees(x) && agrees(std::fmod(x, 110.0F)) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("glibc's exponential is the C library's, on all 2^32 floats", "[.full]") {
  if (!is_described()) return;
  std::uint64_t wrong = 0;
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; ++bits) {
    wrong += agrees(from_bits<float>(static_cast<std::uint32_t>(bits))) ? 0 : 1;
  }
  CHECK(wrong == 0);
}
