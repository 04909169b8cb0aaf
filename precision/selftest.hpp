// SPDX-License-Identifier: Apache-2.0
// Re-proves on this machine what everything rests on: rounding to every format, and the correctly rounded fp32 exp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ulpscope::precision {

/// quick: 2^22 floats, every 16-bit upper half over 64 lower ones, seconds. exhaustive: every float, minutes on two
/// threads.
enum class Depth : std::uint8_t { quick, exhaustive };

/// One claim, on how many cases it was tried and on how many it failed.
struct SelftestCheck {
  std::string name;  ///< "round fp16 v4", "exp v3"...
  std::uint64_t cases = 0;
  std::uint64_t failures = 0;
  std::string first_failure;  ///< argument, result and expectation in hexadecimal; empty if none
};

struct SelftestResult {
  std::vector<SelftestCheck> checks;
  bool passed() const;
};

/// How far a run is: finished parts of all parts, and the name of the current check. Called from the calling thread.
struct SelftestProgress {
  int done, total;
  const std::string& check;
};

/// Runs every check at every SIMD level of this machine, on `threads` threads (at least 1). The reference is integer
/// arithmetic for rounding; for exp the C library's double exp where its error cannot matter, MPFR where it can.
SelftestResult selftest(Depth depth, int threads, const std::function<void(const SelftestProgress&)>& progress);

}  // namespace ulpscope::precision
