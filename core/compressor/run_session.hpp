// SPDX-License-Identifier: Apache-2.0
// Session: a recipe on a problem, resolved; moves tapes in and out of the engine. Internal to core/compressor.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/compressor/evaluate.hpp"
#include "core/compressor/run.hpp"

namespace ulpscope::compressor {

enum class Blocks : std::uint8_t { whole, streamed };

class Session {
 public:
  Session(const Problem& problem, const Recipe& recipe, const RunOptions& options);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() = default;

  const Plan& plan() const { return plan_; }
  const Graph& graph() const { return graph_; }
  /// The wanted slots, computed from `given` (a wanted slot is never read from it) and the problem's inputs.
  Tape evaluate(const Tape& given, const std::vector<Slot>& wanted, Blocks blocks) const;
  /// What `slot` is computed from when `given` holds what it holds.
  std::vector<Slot> leaves(const Tape& given, Slot slot) const;
  std::string absence(Slot slot) const;

 private:
  std::size_t block_windows() const;
  template <class T>
  const kernels::KernelSet<T>& kernel_set() const;
  template <class T>
  Tape evaluate_in(const Tape& given, const std::vector<Slot>& wanted, Blocks blocks) const;

  const Problem& problem_;
  const Recipe& recipe_;
  const RunOptions& options_;
  std::optional<Plan> own_plan_;  ///< where the options have none
  const Plan& plan_;
  Graph graph_;
  std::vector<std::uint8_t> padded_;
};

std::string_view to_string(Kind kind);

}  // namespace ulpscope::compressor
