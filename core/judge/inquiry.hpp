// SPDX-License-Identifier: Apache-2.0
// What is asked of an exact stage: some elements of its slot, a few neighbours at a time. Internal to core/judge.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ulpscope::judge {

/// Neighbours in a slot that are looked at together.
inline constexpr std::size_t inquiry_block = 64;
/// Some of these neighbours: the first one is the lowest bit.
using Neighbours = std::uint64_t;

/// Calls of(place), ascending.
template <class F>
void for_each_place(Neighbours some, F&& of) {
  for (; some != 0; some &= some - 1) of(static_cast<std::size_t>(std::countr_zero(some)));
}

/// Exact values of some elements, or estimates.
struct Answers {
  std::size_t first;  ///< flat element of the slot, from which places count
  Neighbours asked;
  const double* values;  ///< [inquiry_block]: anything where nothing is asked
  const double* errors;  ///< how far each may be from its exact value at most; 0: it is exact
};

/// Lists of a slot's elements are longer than what the slot holds: whoever asks finds them again block by block.
class Inquiry {
 public:
  virtual ~Inquiry() = default;
  /// Of the whole slot.
  virtual std::size_t size() const = 0;
  /// How many elements are asked for.
  virtual std::size_t count() const = 0;
  /// Which of [first, first + size), up to a block, are.
  virtual Neighbours find(std::size_t first, std::size_t size) const = 0;
  /// Whether it matters that an exact value is 0: else elements may stay without an answer that are.
  virtual bool asks_zeros() const { return true; }
  /// Takes what is exact, and estimates that mean the same wherever within their errors the exact value is; gives the
  /// others, which are open.
  virtual Neighbours take(const Answers& answers) = 0;

 protected:
  Inquiry() = default;
  Inquiry(const Inquiry&) = default;
  Inquiry& operator=(const Inquiry&) = default;
};

}  // namespace ulpscope::judge
