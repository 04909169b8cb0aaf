// SPDX-License-Identifier: Apache-2.0
// The self-test: blocks of floats through every level, compared with the reference.
#include "precision/selftest.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include "precision/array_operations.hpp"
#include "precision/poll.hpp"
#include "precision/round_array.hpp"
#include "precision/selftest_reference.hpp"

namespace ulpscope::precision {
namespace {

constexpr std::uint64_t block_size = std::uint64_t{1} << 16;

/// Bits without a pattern, from a counter: Stafford's mix 13.
std::uint64_t scrambled(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// A block of 2^16 floats. quick: every block holds every 16-bit pattern as the upper half of a float; blocks b < 32
/// over a lower half at or near one of the places where ties lie, the others over lower halves without a pattern.
/// exhaustive: block b holds the floats whose upper half is b.
std::vector<std::uint32_t> block_of_bits(Depth depth, std::uint64_t block) {
  std::vector<std::uint32_t> bits(block_size);
  for (std::uint64_t i = 0; i < block_size; ++i) {
    if (depth == Depth::exhaustive) {
      bits[i] = static_cast<std::uint32_t>(block * block_size + i);
      continue;
    }
    if (block >= 32) {
      const auto any = static_cast<std::uint32_t>(scrambled(block << 16 | i) & 0xffffu);
      bits[i] = static_cast<std::uint32_t>(i << 16) | any;
      continue;
    }
    const std::uint32_t tie = 0x8000u >> (block % 8);
    const std::uint32_t low[] = {0, tie, tie - 1, (tie + 1) & 0xffffu};
    bits[i] = static_cast<std::uint32_t>(i << 16) | low[block / 8];
  }
  return bits;
}
std::uint64_t blocks_of(Depth depth) { return depth == Depth::exhaustive ? block_size : 64; }

std::string hex_of(std::uint32_t bits) {
  std::string text = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789ABCDEF"[(bits >> shift) & 15];
  return text;
}

bool is_nan_bits(std::uint32_t bits) { return (bits & 0x7fffffffu) > 0x7f800000u; }

/// What one check computes for a block, and what it should be.
struct Claim {
  std::string name;
  std::function<void(std::span<const float>, std::span<float>)> compute;
  std::function<void(const std::vector<std::uint32_t>&, std::vector<std::uint32_t>&)> expect;
};

/// expect for a whole block from a function of one encoding: one indirect call per block.
template <class F>
auto for_block(F expect_one) {
  return [expect_one](const std::vector<std::uint32_t>& bits, std::vector<std::uint32_t>& wanted) {
    for (std::size_t i = 0; i < bits.size(); ++i) wanted[i] = expect_one(bits[i]);
  };
}

/// Compares one block; failures are added to `check` under the mutex.
void compare_block(const Claim& claim, const std::vector<std::uint32_t>& bits, SelftestCheck& check,
                   std::mutex& mutex) {
  std::vector<float> from(bits.size()), to(bits.size());
  std::transform(bits.begin(), bits.end(), from.begin(), [](std::uint32_t b) { return std::bit_cast<float>(b); });
  claim.compute(from, to);
  std::vector<std::uint32_t> wanted(bits.size());
  claim.expect(bits, wanted);
  std::uint64_t failures = 0;
  std::string first;
  if (std::memcmp(to.data(), wanted.data(), to.size() * sizeof(float)) != 0) {
    for (std::size_t i = 0; i < bits.size(); ++i) {
      const std::uint32_t got = std::bit_cast<std::uint32_t>(to[i]), want = wanted[i];
      if (got == want || (is_nan_bits(got) && is_nan_bits(want))) continue;
      if (failures++ == 0) first = hex_of(bits[i]) + " gives " + hex_of(got) + ", not " + hex_of(want);
    }
  }
  const std::lock_guard lock(mutex);
  check.cases += bits.size();
  check.failures += failures;
  if (check.first_failure.empty()) check.first_failure = first;
}

/// Where the calling thread's poll throws, no thread finds another block.
void ask_poll_or_end(std::atomic<std::uint64_t>& next, std::uint64_t end) {
  try {
    ask_poll();
  } catch (...) {
    next = end;
    throw;
  }
}

/// Blocks are handed out one by one; which thread takes which does not change the counts.
SelftestCheck run_claim(const Claim& claim, Depth depth, int threads) {
  SelftestCheck check;
  check.name = claim.name;
  std::atomic<std::uint64_t> next{0};
  std::mutex mutex;
  const auto work = [&] {
    for (std::uint64_t block = next++; block < blocks_of(depth); block = next++) {
      compare_block(claim, block_of_bits(depth, block), check, mutex);
      ask_poll_or_end(next, blocks_of(depth));
    }
  };
  std::vector<std::jthread> others;
  try {
    for (int i = 1; i < threads; ++i) others.emplace_back(work);
  } catch (const std::system_error&) {  // no more threads: those that run take all blocks
  }
  work();
  others.clear();
  return check;
}

std::vector<SimdLevel> levels_here() {
  std::vector<SimdLevel> levels;
  for (const SimdLevel level : {SimdLevel::v2, SimdLevel::v3, SimdLevel::v4}) {
    if (level <= best_simd_level()) levels.push_back(level);
  }
  return levels;
}

std::string level_name(SimdLevel level) { return " v" + std::to_string(static_cast<int>(level) + 2); }

Claim rounding_claim(const Format& format, SimdLevel level) {
  return {
      "round " + format.name + level_name(level),
      [&format, level](std::span<const float> from, std::span<float> to) { round_array_at(level, from, to, format); },
      for_block(IntegerRounder(format))};
}

Claim exp_claim(SimdLevel level) {
  return {"exp" + level_name(level),
          [level](std::span<const float> from, std::span<float> to) { exp_array(level, from, to, Exp::correct); },
          for_block([](std::uint32_t bits) {
            return std::bit_cast<std::uint32_t>(reference_exp(std::bit_cast<float>(bits)));
          })};
}

std::vector<Claim> claims(Depth depth) {
  std::vector<Claim> all;
  // Every level quickly; every float at the level that this machine will use.
  const std::vector<SimdLevel> levels =
      depth == Depth::exhaustive ? std::vector<SimdLevel>{best_simd_level()} : levels_here();
  for (const SimdLevel level : levels) {
    for (const Format& format : formats()) {
      if (format.precision <= 24) all.push_back(rounding_claim(format, level));
    }
    all.push_back(exp_claim(level));
  }
  return all;
}

}  // namespace

bool SelftestResult::passed() const {
  return !checks.empty() && std::all_of(checks.begin(), checks.end(), [](const SelftestCheck& check) {
    return check.cases > 0 && check.failures == 0;
  });
}

SelftestResult selftest(Depth depth, int threads, const std::function<void(const SelftestProgress&)>& progress) {
  const std::vector<Claim> all = claims(depth);
  SelftestResult result;
  for (const Claim& claim : all) {
    if (progress) progress({static_cast<int>(result.checks.size()), static_cast<int>(all.size()), claim.name});
    result.checks.push_back(run_claim(claim, depth, threads));
  }
  return result;
}

}  // namespace ulpscope::precision
