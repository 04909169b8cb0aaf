// SPDX-License-Identifier: Apache-2.0
// Random numbers for tests: bits and uniforms of a seed are the same on every machine (normals up to libm's log and
// cos). SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

namespace ulpscope::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  /// 64 uniform bits.
  std::uint64_t bits() {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// Uniform in 0 .. n-1 (n > 0; the bias of the remainder is irrelevant for tests).
  std::size_t index(std::size_t n) { return static_cast<std::size_t>(bits() % n); }

  /// Standard normal (Box and Muller).
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

  /// Any finite double: uniform over bit patterns, so that every binade, subnormals included, is met equally often.
  double any_finite() {
    for (;;) {
      const double x = std::bit_cast<double>(bits());
      if (std::isfinite(x)) return x;
    }
  }

 private:
  std::uint64_t state_;
};

/// `count` normal values with standard deviation `sigma`, rounded to T.
template <class T>
std::vector<T> normal_values(std::size_t count, std::uint64_t seed, double sigma = 1.0) {
  Random random(seed);
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(sigma * random.normal());
  return values;
}

}  // namespace ulpscope::test
