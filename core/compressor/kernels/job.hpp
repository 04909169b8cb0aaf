// SPDX-License-Identifier: Apache-2.0
// What a kernel is told: views of slots, the slots to compute, and the arithmetic of each. Plain data, no virtual
// calls.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/graph.hpp"

namespace ulpscope::compressor::kernels {

/// Rows [first, ...) of a slot, `width` values each. Null: the slot lives only in a window's frame.
template <class T>
struct View {
  T* data = nullptr;
  std::size_t first = 0;
  std::size_t width = 0;
  T* row(std::size_t index) const { return data + (index - first) * width; }
  explicit operator bool() const { return data != nullptr; }
};
template <class T>
using Views = std::array<View<T>, slot_count>;

/// What a window of a phase may run as, besides its steps one by one; see fusion.hpp.
enum class Fusion : std::uint8_t { none, pool, pool_gradient };

/// A phase of a run over windows or entries: load what is given, compute `steps` in order, store what has a view.
template <class T>
struct PhaseJob {
  const Config* config = nullptr;
  const Graph* graph = nullptr;
  const Plan* plan = nullptr;
  Pipeline pipeline = Pipeline::bias_first;
  Softmax softmax = Softmax::shifted;
  bool skip_pads = false;  ///< the softmax leaves pads out of its maximum and its sum
  bool zero_pads = false;  ///< weights at pads are set to 0 at the end
  double loss_scale = 1;
  std::uint64_t seed = 0;  ///< of stochastic roundings
  const Views<T>* views = nullptr;
  const std::uint8_t* padded = nullptr;            ///< [B*n*L]: 1 where a softmax slot holds no token
  const T* prior_biased = nullptr;                 ///< [B*ratio, features]: the prior window's gate with its bias
  std::array<bool, slot_count> moves_unchanged{};  ///< a gathered or scattered slot keeps its source's format
  std::vector<Slot> steps;
  std::vector<Slot> loads;
  Fusion fusion = Fusion::none;
  int channels = 0;  ///< of one frame; a multiple of the kernel's lanes
  std::array<std::size_t, slot_count>
      places{};           ///< where a slot's rows start in a frame's scratch; places are shared in time
  std::size_t arena = 0;  ///< values of scratch that one caller needs
};

/// out[i, :] = sum_k a[i, k] b[k, :] for a row-major b packed into panels; see pack_panels.
template <class T>
struct MultiplyJob {
  const SlotArithmetic* arithmetic = nullptr;
  std::uint64_t key = 0;        ///< of stochastic roundings
  std::uint64_t first_row = 0;  ///< of `out` in its slot
  const T* a = nullptr;
  std::ptrdiff_t a_row = 0;    ///< stride between rows i
  std::ptrdiff_t a_depth = 0;  ///< stride along k
  const T* panels = nullptr;
  T* out = nullptr;
  std::size_t out_row = 0;
  std::size_t depth = 0;
  std::size_t columns = 0;
  const T* initial = nullptr;  ///< same layout as out: sums continue from here; null: they start with the first term
  bool store = true;           ///< round the finished sum to the storage format
};

enum class Elementwise : std::uint8_t {
  add,    ///< storage(compute(branches(a) + branches(b))): gradients that meet
  bias,   ///< storage(compute(a + b))
  store,  ///< storage(a)
};
/// Rows of values that an elementwise operation takes; b is null where it has one operand.
template <class T>
struct ElementwiseValues {
  const T* a = nullptr;
  const T* b = nullptr;
  T* out = nullptr;
};
template <class T>
struct ElementwiseJob {
  const SlotArithmetic* arithmetic = nullptr;
  Elementwise operation = Elementwise::store;
  std::uint64_t key = 0;    ///< of stochastic roundings
  std::uint64_t first = 0;  ///< element of out[0] in its slot
  const T* a = nullptr;
  const T* b = nullptr;
  T* out = nullptr;
};

/// out[c] = sum over rows of term(row, c), term = a or a * b; `rows` lists row starts in the order of summation.
template <class T>
struct ColumnSumJob {
  const SlotArithmetic* arithmetic = nullptr;
  std::uint64_t key = 0;    ///< of stochastic roundings
  std::uint64_t first = 0;  ///< element of out[0] in its slot
  const std::vector<const T*>* rows = nullptr;
  const std::vector<const T*>* factors = nullptr;  ///< null: no second factor
  T* out = nullptr;
  bool continued = false;  ///< out holds the sum so far (sequential order only)
};

/// The functions of one kind at one SIMD level.
template <class T>
struct KernelSet {
  std::string_view level;
  std::size_t lanes = 1;
  std::size_t panel_columns = 1;
  void (*windows)(const PhaseJob<T>&, std::size_t begin, std::size_t end, T* arena) = nullptr;
  void (*entries)(const PhaseJob<T>&, std::size_t begin, std::size_t end, T* arena) = nullptr;
  void (*multiply)(const MultiplyJob<T>&, std::size_t begin, std::size_t end) = nullptr;
  void (*elementwise)(const ElementwiseJob<T>&, std::size_t begin, std::size_t end) = nullptr;
  void (*column_sum)(const ColumnSumJob<T>&, std::size_t begin, std::size_t end) = nullptr;
};

/// Rows of a slot in a window's frame: L, or 1. Token slots are staged there by gather and scatter.
inline std::size_t frame_rows(Slot slot, const Config& config) {
  const bool rows = has_window_rows(slot.name) || level_of(slot) == Level::token;
  return rows ? config.window_slots() : 1U;
}

constexpr std::size_t index_of(Name name) { return forward(name).index(); }
constexpr std::size_t gradient_index(Name name) { return gradient(name).index(); }

}  // namespace ulpscope::compressor::kernels
