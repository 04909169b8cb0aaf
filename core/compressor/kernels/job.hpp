// SPDX-License-Identifier: Apache-2.0
// What a kernel is told: views of slots, the slots to compute, and the arithmetic of each. Plain data, no virtual
// calls; of configs and plans only what kernels read, so that nvcc compiles it without them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/compressor/slot_arithmetic.hpp"
#include "core/compressor/slot_name.hpp"
#include "precision/lanes_core.hpp"

namespace ulpscope::compressor {

struct Memory;

namespace kernels {

/// Rows [first, ...) of a slot, `width` values each. Null: the slot lives only in a window's frame.
template <class T>
struct View {
  T* data = nullptr;
  std::size_t first = 0;
  std::size_t width = 0;
  ULPSCOPE_HD T* row(std::size_t index) const { return data + (index - first) * width; }
  ULPSCOPE_HD explicit operator bool() const { return data != nullptr; }
};
template <class T>
using Views = std::array<View<T>, slot_count>;

/// What a window of a phase may run as, besides its steps one by one; see fusion.hpp.
enum class Fusion : std::uint8_t { none, pool, pool_gradient };

/// The sizes of a config that kernels read.
struct Geometry {
  std::size_t ratio = 1;
  std::size_t windows = 0;  ///< n, per batch row
  std::size_t seq = 0;
  std::size_t head_dim = 0;
  std::size_t features = 0;  ///< c*d
  std::size_t window_slots = 0;
  bool overlap = false;
  double eps = 0;
  int rotated = 0;             ///< channels that turn, the last ones
  int quantize_block = 0;      ///< 0: no quantiser
  int quantize_skip_last = 0;  ///< channels that the quantiser leaves alone
};

/// A phase of a run over windows or entries: load what is given, compute `steps` in order, store what is kept.
template <class T>
struct PhaseJob {
  Geometry geometry;
  const SlotArithmetics* arithmetic = nullptr;
  const Online* online = nullptr;
  const QuantizeRule* quantize = nullptr;
  PadValues pad;
  Butterfly butterfly = Butterfly::ascending;
  Pipeline pipeline = Pipeline::bias_first;
  Softmax softmax = Softmax::shifted;
  bool random = false;     ///< some operation of the plan draws
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
  std::array<bool, slot_count> kept{};           ///< the frame's rows are stored outside it
  std::array<Slot, slot_count> from{};           ///< the slot that an entry's step starts from
  std::array<std::uint32_t, slot_count> rows{};  ///< of a slot in a window's frame: L, or 1
  Fusion fusion = Fusion::none;
  std::size_t first_channel = 0;  ///< of windows: the phase is over channels [first_channel, last_channel)
  std::size_t last_channel = 0;
  int channels = 0;  ///< of one frame; a multiple of the kernel's lanes
  std::array<std::uint32_t, slot_count>
      places{};               ///< the row at which a slot's rows start in a frame's scratch; places are shared in time
  std::uint32_t scratch = 0;  ///< rows of scratch that a frame needs

  const SlotArithmetic& at(Slot slot) const { return (*arithmetic)[slot.index()]; }
  std::size_t arena() const { return std::size_t{scratch} * static_cast<std::size_t>(channels); }
};

/// out[i, :] = sum_k a[i, k] b[k, :] for a row-major b packed into panels; see PanelPacker.
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
  std::size_t period = 0;  ///< b has this many values, again and again; 0: as many as a
};

/// out[c] = sum over rows of term(row, c), term = a or a * b; `rows` lists row starts in the order of summation.
template <class T>
struct ColumnSumJob {
  const SlotArithmetic* arithmetic = nullptr;
  std::uint64_t key = 0;    ///< of stochastic roundings
  std::uint64_t first = 0;  ///< element of out[0] in its slot
  const T* const* rows = nullptr;
  const T* const* factors = nullptr;  ///< null: no second factor
  std::size_t count = 0;              ///< of rows
  T* out = nullptr;
  bool continued = false;  ///< out holds the sum so far (sequential order only)
};

/// The functions of one kind at one SIMD level, or on a device.
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
  const Memory* memory = nullptr;  ///< where all that the functions read and write must live; null: anywhere
  bool spreads = false;            ///< a call uses threads of its own: one caller at a time, and no arena
};

/// Who computes the kinds: kernel sets that are not this processor's own. `name`: of the backend.
struct Provider {
  std::string_view name;
  const KernelSet<float>& (*in_float)(Kind kind) = nullptr;
  const KernelSet<double>& (*in_double)(Kind kind) = nullptr;
};

constexpr std::size_t index_of(Name name) { return forward(name).index(); }
constexpr std::size_t gradient_index(Name name) { return gradient(name).index(); }

}  // namespace kernels
}  // namespace ulpscope::compressor
