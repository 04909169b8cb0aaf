// SPDX-License-Identifier: Apache-2.0
// Tapes in, tapes out: carriers, rounding of inputs, formats of results.
#include "core/compressor/run_session.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <span>
#include <type_traits>

#include "core/compressor/blas.hpp"
#include "core/compressor/draws.hpp"
#include "core/compressor/kernels/kernel_sets.hpp"
#include "core/compressor/parallel.hpp"
#include "core/compressor/workspace.hpp"
#include "core/io/error.hpp"
#include "core/io/format_dtype.hpp"
#include "precision/round_array.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::compressor {
namespace {

Extras extras_of(const Problem& problem) { return {problem.has(Name::prior_kv) && problem.has(Name::prior_gate)}; }

/// What an input is rounded to, and its draws where that is stochastic.
struct InputRounding {
  std::optional<precision::Format> format;
  std::uint64_t key = 0;
};

/// Elements that are rounded together.
constexpr std::size_t rounding_block = 1024;

/// to[i] = source[i], elements [first, ...) of an input, rounded once. In the carrier's own arrays where it holds the
/// format and the values, else in double.
template <class T, class S>
void round_elements(std::span<const S> source, std::size_t first, T* to, const InputRounding& rounding) {
  const precision::Format& format = *rounding.format;
  if (format.mode == precision::RoundingMode::stochastic) {
    const precision::Rounder<double> rounder(format);
    for (std::size_t i = 0; i < source.size(); ++i) {
      const auto bits = precision::random_bits({rounding.key, first + i, 0});
      to[i] = static_cast<T>(rounder(static_cast<double>(source[i]), bits));
    }
    return;
  }
  if constexpr (std::is_same_v<T, S>) {
    if (precision::Rounder<T>::supports(format)) return precision::round_array(source, {to, source.size()}, format);
  }
  std::array<double, rounding_block> wide;
  for (std::size_t begin = 0; begin < source.size(); begin += wide.size()) {
    const std::size_t count = std::min(wide.size(), source.size() - begin);
    std::copy_n(source.data() + begin, count, wide.data());
    precision::round_array({wide.data(), count}, {wide.data(), count}, format);
    for (std::size_t i = 0; i < count; ++i) to[begin + i] = static_cast<T>(wide[i]);
  }
}

/// Whether every value is one of the format already: bf16 values in a file of floats, most often.
template <class T>
bool rounds_nothing(const io::Buffer<T>& values, const InputRounding& rounding, unsigned threads) {
  std::atomic<bool> same = true;
  parallel_for({0, values.size(), 1 << 16}, threads, [&](std::size_t begin, std::size_t end) {
    std::array<T, rounding_block> rounded;
    for (std::size_t i = begin; i < end && same.load(std::memory_order_relaxed); i += rounded.size()) {
      const std::size_t count = std::min(rounded.size(), end - i);
      round_elements(std::span<const T>(values.data() + i, count), i, rounded.data(), rounding);
      unsigned others = 0;
      for (std::size_t k = 0; k < count; ++k)
        others += rounded[k] != values[i + k] && values[i + k] == values[i + k] ? 1U : 0U;
      if (others != 0) same = false;
    }
  });
  return same;
}

/// Values of a tensor in carrier T and in `memory`: borrowed where they are that already, else converted (and rounded).
template <class T>
class Carried {
 public:
  explicit Carried(const Memory* memory) : memory_(memory) {}
  /// Never null: a tensor without elements is given too.
  const T* hold(const Tensor& tensor, const InputRounding& rounding, unsigned threads) {
    static const T nothing{};
    if (tensor.size() == 0) return &nothing;
    const auto* same = std::get_if<io::Buffer<T>>(&tensor.data);
    const bool anywhere = memory_ == nullptr && same != nullptr;
    if (anywhere && (!rounding.format || rounds_nothing(*same, rounding, threads))) return same->data();
    Workspace<T>& copy = copies_.emplace_back(memory_);
    copy.resize(tensor.size());
    T* const values = copy.data();
    std::visit(
        [&](const auto& source) {
          using S = std::remove_cvref_t<decltype(source[0])>;
          parallel_for({0, source.size(), 1 << 16}, threads, [&](std::size_t begin, std::size_t end) {
            const std::span<const S> part(source.data() + begin, end - begin);
            if (rounding.format) return round_elements(part, begin, values + begin, rounding);
            for (std::size_t i = 0; i < part.size(); ++i) values[begin + i] = static_cast<T>(part[i]);
          });
        },
        tensor.data);
    return values;
  }

 private:
  const Memory* memory_;
  std::deque<Workspace<T>> copies_;
};

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::native_float:
      return "float";
    case Kind::native_double:
      return "double";
    case Kind::emulated_float:
      return "emulated over float";
    case Kind::emulated_double:
      return "emulated over double";
  }
  return "";
}

Session::Session(const Problem& problem, const Recipe& recipe, const RunOptions& options)
    : problem_(problem),
      recipe_(recipe),
      options_(options),
      own_plan_(options.plan == nullptr ? std::optional(Plan(recipe, problem.config)) : std::nullopt),
      plan_(own_plan_ ? *own_plan_ : *options.plan),
      graph_(recipe, plan_, extras_of(problem)),
      padded_(padded_slots(problem, plan_.config(), recipe)) {
  use_one_blas_thread();
}

std::string Session::absence(Slot slot) const {
  const auto found = graph_.absent().find(slot);
  return found == graph_.absent().end() ? "recipe '" + recipe_.name + "' does not compute it" : found->second;
}

std::vector<Slot> Session::leaves(const Tape& given, Slot slot) const {
  std::array<bool, slot_count> known{};
  for (const auto& [name, record] : given.records()) known[name.index()] = true;
  known[slot.index()] = false;
  return graph_.need({slot}, known).leaves;
}

/// BLAS calls are cut at fixed rows, so under `summation: blas` blocks end there too.
std::size_t Session::block_windows() const {
  const std::size_t standard = default_block_windows(plan_.config());
  if (options_.block_windows == 0) return standard;
  const auto& order = graph_.order();
  const bool blas = std::any_of(order.begin(), order.end(), [&](Slot slot) {
    return plan_.at(slot).summation.kind == precision::Summation::Kind::blas;
  });
  return blas ? standard : options_.block_windows;
}

Tape Session::evaluate(const Tape& given, const std::vector<Slot>& wanted, Blocks blocks) const {
  const bool in_float = plan_.kind() == Kind::native_float || plan_.kind() == Kind::emulated_float;
  return in_float ? evaluate_in<float>(given, wanted, blocks) : evaluate_in<double>(given, wanted, blocks);
}

template <class T>
const kernels::KernelSet<T>& Session::kernel_set() const {
  if (options_.provider != nullptr) {
    if constexpr (std::is_same_v<T, float>) return options_.provider->in_float(plan_.kind());
    if constexpr (std::is_same_v<T, double>) return options_.provider->in_double(plan_.kind());
  }
  // Draws are counted channel by channel: packs would count in another order.
  return kernels::kernel_set<T>(plan_.kind(), plan_.is_random() ? "scalar" : options_.simd);
}

template <class T>
Tape Session::evaluate_in(const Tape& given, const std::vector<Slot>& wanted, Blocks blocks) const {
  const kernels::KernelSet<T>& kernels = kernel_set<T>();
  Carried<T> carried(kernels.memory);
  Evaluation<T> evaluation;
  evaluation.recipe = &recipe_;
  evaluation.plan = &plan_;
  evaluation.graph = &graph_;
  evaluation.kernels = &kernels;
  evaluation.padded = &padded_;
  evaluation.wanted = wanted;
  evaluation.threads = kernels.spreads ? 1 : options_.threads;
  evaluation.block_windows = blocks == Blocks::whole ? 0 : block_windows();
  std::array<bool, slot_count> known{};
  for (const auto& [slot, record] : given.records()) known[slot.index()] = true;
  for (const Slot slot : wanted) known[slot.index()] = false;
  for (const Slot slot : graph_.need(wanted, known).leaves) {
    const T*& values = evaluation.given[slot.index()];
    if (const Record* record = known[slot.index()] ? given.find(slot) : nullptr) {
      values = carried.hold(record->tensor, {std::nullopt, 0}, options_.threads);
    } else if (slot.direction == Direction::forward && problem_.has(slot.name)) {
      values = carried.hold(problem_.input(slot.name), {plan_.input_format(slot.name), draw_key(recipe_.seed, slot)},
                            options_.threads);
    } else {
      throw InputError("slot '" + to_string(slot) + "' is needed, but neither the problem nor the given slots hold it");
    }
  }
  Tape tape;
  for (auto& [slot, values] : compressor::evaluate(evaluation)) {
    const precision::Format& format = plan_.at(slot).storage;
    tape.set(slot, Tensor{shape_of(slot, plan_.config()), std::move(values), io::dtype_for(format)}, format);
  }
  return tape;
}

}  // namespace ulpscope::compressor
