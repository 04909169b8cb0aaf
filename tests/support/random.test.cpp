// SPDX-License-Identifier: Apache-2.0
// The tests' own random numbers and temporary directories.
#include "tests/support/random.hpp"

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using ulpscope::test::normal_values;
using ulpscope::test::Random;
using ulpscope::test::TempDir;

TEST_CASE("SplitMix64 gives the published sequence of seed 1234567", "[support]") {
  Random random(1234567);
  CHECK(random.bits() == 6457827717110365317u);
  CHECK(random.bits() == 3203168211198807973u);
  CHECK(random.bits() == 9817491932198370423u);
}

TEST_CASE("normal values have mean 0 and the standard deviation asked for", "[support]") {
  const std::size_t count = 100000;
  double sum = 0.0;
  double squares = 0.0;
  for (const double x : normal_values<double>(count, 1, 3.0)) {
    sum += x;
    squares += x * x;
  }
  const double n = static_cast<double>(count);
  CHECK(std::abs(sum / n) < 5.0 * 3.0 / std::sqrt(n));
  CHECK(std::abs(std::sqrt(squares / n) - 3.0) < 5.0 * 3.0 / std::sqrt(2.0 * n));
}

TEST_CASE("uniform values stay inside their half-open interval", "[support]") {
  Random random(7);
  for (int i = 0; i < 1000; ++i) {
    const double x = random.uniform(-2.0, 3.0);
    CHECK((x >= -2.0 && x < 3.0));
  }
}

TEST_CASE("a temporary directory is gone with everything in it when its scope ends", "[support]") {
  std::filesystem::path path;
  {
    const TempDir directory;
    path = directory.path();
    std::ofstream(directory / "file.txt") << "text";
    REQUIRE(std::filesystem::exists(directory / "file.txt"));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}
