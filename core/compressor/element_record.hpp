// SPDX-License-Identifier: Apache-2.0
// One element of a slot computed again with every operation written down: which one made it, and where it stopped being
// finite.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"
#include "precision/format.hpp"

namespace ulpscope::compressor {

/// An operand and the format that it is a value of.
struct OperandRecord {
  double value = 0;
  precision::Format format;
};

struct OperationRecord {
  std::string name;  ///< "add", "mul", "exp", ...; "copy": the element is one of another slot's; "constant": a pad or a
                     ///< masked value
  double result = 0;
  std::vector<OperandRecord> operands;
  std::string birth_class;  ///< see precision::birth_class; empty where the result is finite
};

struct ElementRecord {
  double value = 0;                      ///< of the element, as the replay computes it
  OperationRecord last;                  ///< that made it, below the rounding that stored it
  std::optional<OperationRecord> birth;  ///< the first operation behind it whose result is not finite and whose
                                         ///< operands are, or are `given`'s
};

struct Element {
  Slot slot;
  std::size_t index = 0;  ///< flat
};

/// The element computed from `given` (the slots that its stage reads) and the problem's inputs. Sums are sequential
/// where the recipe's order is a tensor core's or exact; a stochastic rounding draws as it may. InputError: the recipe
/// does not compute the slot, or what it reads is missing.
ElementRecord record_element(const Problem& problem, const Recipe& recipe, const Tape& given, const Element& element);

}  // namespace ulpscope::compressor
