// SPDX-License-Identifier: Apache-2.0
// The driver behind evaluate(): walks blocks of windows through the phases of a run. Internal to core/compressor.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>

#include "core/compressor/channel_parts.hpp"
#include "core/compressor/evaluate.hpp"
#include "core/compressor/evaluator_arenas.hpp"
#include "core/compressor/matrix_product.hpp"
#include "core/compressor/rope_table.hpp"

namespace ulpscope::compressor {

/// Windows [first, last) of batch row `batch` are this block's; its neighbours' are computed where the overlap needs
/// them.
struct Block {
  std::size_t batch = 0;
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t reach = 0;        ///< windows computed: [first, reach); last or, for gradients under overlap, one more
  std::size_t token_first = 0;  ///< tokens needed, within the batch row
  std::size_t token_reach = 0;
  std::size_t token_own = 0;  ///< tokens whose gradients this block finishes: [first * ratio, token_own)
};

/// Sums over tokens and windows run along with the blocks where their order is sequential, else once all rows are
/// there.
enum class When : std::uint8_t { in_blocks, at_the_end };

/// Values of one slot in a window's frame, about: a few frames' slots stay in the first-level cache.
inline constexpr std::size_t frame_values = 2048;
/// Channels of a frame whose window is fused, at least: rows that are read ahead in one go.
inline constexpr std::size_t fused_channels = 256;
/// The same where its passes follow memory.
inline constexpr std::size_t ordered_channels = 512;
template <class T>
class Evaluator {
 public:
  explicit Evaluator(const Evaluation<T>& evaluation);
  Values<T> run();

 private:
  using Phase = kernels::PhaseJob<T>;
  using Rows = Workspace<const T*>;
  struct Operands {
    const T* a = nullptr;
    const T* b = nullptr;
    T* out = nullptr;
    std::size_t first = 0;   ///< element of out[0] in its slot
    std::size_t period = 0;  ///< see ElementwiseJob
  };

  bool computed(Slot slot) const { return compute_[slot.index()]; }
  bool whole() const { return job_.block_windows == 0; }
  const SlotArithmetic& arithmetic(Slot slot) const { return job_.plan->at(slot); }
  bool is_wanted(Slot slot) const {
    return std::find(job_.wanted.begin(), job_.wanted.end(), slot) != job_.wanted.end();
  }
  const T* input(Name name) const { return views_[forward(name).index()].data; }
  T* data(Slot slot) { return views_[slot.index()].data; }

  void plan_storage();
  bool needs_view(Slot slot) const;
  bool keeps_whole(Slot slot) const;
  bool is_summed(Slot slot, std::optional<When> when) const;
  std::size_t block_rows(Slot slot, const Block& block) const;
  std::size_t block_first(Slot slot, const Block& block) const;
  void place_scratch(const Block& block);
  bool shares_gate_gradient() const;
  bool begins_as_branch() const;
  bool needs_blocks() const;

  void run_tables();
  void run_block(const Block& block);
  void project(const Block& block);
  MatrixProduct<T> projection(Slot slot, std::size_t batch, std::size_t reach);
  void add_bias(const Block& block);
  void add_prior_bias();
  void run_windows(const Block& block, Direction direction);
  Phase any_phase() const;
  Phase window_phase(Direction direction) const;
  void add_window_step(Phase& phase, Slot slot, Direction direction, std::array<bool, slot_count>& seen) const;
  std::size_t frame_channels(const Phase& phase) const;
  void lay_out_frame(Phase& phase) const;
  std::optional<Slot> replaceable(const Phase& phase, std::size_t step) const;
  void run_entries(const Block& block);
  void gate_gradient(const Block& block);
  void token_gradients(const Block& block);
  void sum_rows(std::size_t first_window, std::size_t last_window, When when);
  void sum_ape(std::size_t first_window, std::size_t last_window);
  Rows ape_rows(std::size_t j, std::size_t half, std::size_t first, std::size_t last) const;
  Rows listed(const std::vector<const T*>& rows) const;
  void sum_gamma(std::size_t first_entry, std::size_t last_entry);
  void weight_gradients(std::size_t first_token, std::size_t count, When when);
  void finish_sums();
  When summed(Slot slot) const;
  void elementwise(Slot slot, kernels::Elementwise operation, const Operands& operands, std::size_t count) const;
  void column_sum(Slot slot, const Rows& rows, const Rows* factors, T* out);

  const Evaluation<T>& job_;
  const Config& config_;
  Multiplier<T> multiply_;
  std::array<bool, slot_count> compute_{};
  kernels::Views<T> views_{};
  std::array<Workspace<T>, slot_count> storage_;
  std::array<bool, slot_count> scratch_{};  ///< storage holds one block, not the whole tensor
  std::array<std::size_t, slot_count> width_{};
  Workspace<T> prior_biased_;
  Arenas<T> arenas_;
  Workspace<std::uint8_t> padded_;          ///< the job's, where the kernels see it
  std::array<Workspace<T>, 4> panels_;      ///< w_kv, w_gate transposed; w_kv, w_gate as stored
  std::array<bool, slot_count> started_{};  ///< a sum over rows that has had its first block
  std::size_t projected_ = 0;               ///< tokens of the current batch row whose kv and gate are known
};

}  // namespace ulpscope::compressor
