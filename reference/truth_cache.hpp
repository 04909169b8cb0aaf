// SPDX-License-Identifier: Apache-2.0
// A folder of truths that were computed before: enclosures by the hash of everything that enters them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/judge/exact.hpp"

namespace ulpscope::reference {

/// Files `truth-KEY.safetensors`; any number of processes may share the folder.
struct TruthCache {
  std::filesystem::path folder;                  ///< made where it is missing
  std::uint64_t limit = std::uint64_t{4} << 30;  ///< bytes of all files; the longest unused go first
};

/// 64 hexadecimal digits over what the enclosures of a request depend on: the inputs as the recipe rounds them, masks
/// and segments among them; the effective config; the recipe's pipeline, pads, policies, rules; the wanted slots; tier,
/// bits; the program's sources. Not: names, threads. Precondition: nothing is given.
std::string truth_key(const judge::TruthInfo& tier, const judge::ExactRequest& request);

/// `exact`, which looks into the folder first and writes what it computed there. Only requests without given slots, and
/// only tiers with radii: others cost less to compute than to read. A file that cannot be read, was cut, altered or
/// renamed is computed again and replaced; a folder that cannot be written to is as none.
judge::Exact cached(judge::Exact exact, const TruthCache& cache);

}  // namespace ulpscope::reference
