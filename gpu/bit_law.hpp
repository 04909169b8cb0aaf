// SPDX-License-Identifier: Apache-2.0
// The law of backend cuda: every slot has the host's bits.
#pragma once

#include <optional>
#include <string>

#include "core/compressor/tape.hpp"

namespace ulpscope::gpu {

/// The first element of the first slot that differs. NaN equals NaN, whatever its bits (devices have one of their own);
/// zeros of two signs differ.
struct Difference {
  std::string slot;  ///< and why, where it is not an element that differs
  std::size_t index = 0;
  double host = 0;
  double device = 0;
};

struct LawResult {
  std::size_t slots = 0;
  std::size_t elements = 0;
  std::optional<Difference> first;
};

/// Every slot of `host` against the same of `device`, and whether both tapes have the same slots.
LawResult compare_bits(const compressor::Tape& host, const compressor::Tape& device);

}  // namespace ulpscope::gpu
