// SPDX-License-Identifier: Apache-2.0
// Birth certificate: where a value that is not finite was born, of what, where it went, and what cures it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/compressor/slot.hpp"

namespace ulpscope::judge {

struct BirthOperand {
  double value = 0;
  std::string hex;  ///< in the format that the operand is a value of
};

/// A later slot that the value reached, and how many of its elements are strays (nonfinite.md).
struct PathStep {
  compressor::Slot slot;
  std::uint64_t count = 0;
};

/// One birth, and how many others of its slot, row or group it stands for.
struct BirthCertificate {
  compressor::Slot slot;
  std::string stage;
  std::size_t index = 0;                    ///< flat
  std::optional<std::size_t> window;        ///< of its batch row
  std::optional<std::size_t> softmax_slot;  ///< where the slot has L rows a window
  std::optional<std::size_t> channel;       ///< the last index
  std::string operation;                    ///< "sub", "exp", ...; see compressor::OperationRecord
  std::vector<BirthOperand> operands;
  std::string birth_class;  ///< precision::birth_class, or "from input", "from pad", "not from the recipe"
  std::vector<PathStep> path;
  std::string masked_by;  ///< the slot of the birth's direction that does not pass it on; empty: none
  std::string cure;       ///< the smallest change that was run and cured it; "none needed: " and why where it does no
                          ///< harm; empty: none of those tried
  std::uint64_t count = 0;
};

}  // namespace ulpscope::judge
