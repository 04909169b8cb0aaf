// SPDX-License-Identifier: Apache-2.0
// The engine: computes wanted slots from given ones, in one kind of numbers. Traced, fused, replay, pinned are calls of
// it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "core/compressor/graph.hpp"
#include "core/compressor/kernels/job.hpp"
#include "core/compressor/problem.hpp"

namespace ulpscope::compressor {

/// Which slots hold no token: [B*n*L], 1 = pad. Prior rows count as tokens.
std::vector<std::uint8_t> padded_slots(const Problem& problem, const Config& config, const Recipe& recipe);

/// The softmax leaves pads out of its maximum and its sum.
inline bool skips_pads(Softmax algorithm, const PadValues& pad) {
  return pad.excluded || algorithm == Softmax::where_arg || algorithm == Softmax::double_where;
}

template <class T>
struct Evaluation {
  const Recipe* recipe = nullptr;
  const Plan* plan = nullptr;
  const Graph* graph = nullptr;
  const kernels::KernelSet<T>* kernels = nullptr;
  const std::vector<std::uint8_t>* padded = nullptr;
  std::array<const T*, slot_count> given{};  ///< whole tensors, inputs included; null: not given
  std::vector<Slot> wanted;
  std::array<T*, slot_count> into{};  ///< where a wanted slot goes, zeros before; null: into the result. No RoPE tables
  unsigned threads = 1;
  std::size_t block_windows = 0;  ///< windows per block; 0: a whole batch row at once
};

/// Whole tensors of the wanted slots, but those that went elsewhere.
template <class T>
using Values = std::map<Slot, std::vector<T>>;

template <class T>
Values<T> evaluate(const Evaluation<T>& evaluation);

/// Windows of a block whose tokens are a multiple of the rows that BLAS calls are cut into.
std::size_t default_block_windows(const Config& config);

}  // namespace ulpscope::compressor
