// SPDX-License-Identifier: Apache-2.0
// Finding what is not finite, and putting something finite in its place.
#include "core/judge/strays.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

#include "core/compressor/parallel.hpp"
#include "core/judge/ledger_rows.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Direction;
using compressor::Name;
using compressor::Slot;
using compressor::Tensor;

/// Elements that are looked at together, without branches: most blocks hold nothing to be found, many nothing else.
constexpr std::size_t scan_block = 256;

/// Adds the indices of [first, last) at which `is_found` holds.
template <class F>
void add_found(IndexRanges& found, std::size_t first, std::size_t last, F is_found) {
  const auto one_by_one = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      if (is_found(i)) found.add(i);
    }
  };
  for (; last - first >= scan_block; first += scan_block) {
    unsigned count = 0;
    for (std::size_t i = 0; i < scan_block; ++i) count += is_found(first + i) ? 1U : 0U;
    if (count == scan_block) {
      found.add(first, first + scan_block);
    } else if (count != 0) {
      one_by_one(first, first + scan_block);
    }
  }
  one_by_one(first, last);
}

/// The indices at which `is_found` holds of the value.
template <class T, class F>
IndexRanges scanned(const io::Buffer<T>& values, F is_found) {
  IndexRanges found;
  add_found(found, 0, values.size(), [is_found, all = values.data()](std::size_t i) { return is_found(all[i]); });
  return found;
}

template <class T>
bool is_finite(T x) {
  return std::fabs(x) <= std::numeric_limits<T>::max();
}

/// The indices of a tensor's elements that are not finite.
IndexRanges nonfinite_of(const Tensor& tensor) {
  return std::visit(
      [](const auto& values) {
        using T = std::remove_cvref_t<decltype(values[0])>;
        return scanned(values, [](T x) { return !is_finite(x); });
      },
      tensor.data);
}

bool is_arithmetic_input(Name name) { return name != Name::attention_mask && name != Name::segment_ids; }

/// The largest number of the carrier that is none above the format's.
template <class T>
T largest_in(const precision::Format& format) {
  const auto largest = static_cast<T>(std::min(format.max_finite, static_cast<double>(std::numeric_limits<T>::max())));
  return static_cast<double>(largest) <= format.max_finite ? largest : std::nextafter(largest, T{0});
}

/// The indices of elements that are not finite once they are rounded to the format, where there is one: a magnitude
/// that the format has stays one.
IndexRanges nonfinite_as_read(const Tensor& tensor, const std::optional<precision::Format>& format) {
  if (!format) return nonfinite_of(tensor);
  return std::visit(
      [&](const auto& values) {
        using T = std::remove_cvref_t<decltype(values[0])>;
        const T end = largest_in<T>(*format);
        const IndexRanges beyond = scanned(values, [end](T x) { return !(std::fabs(x) <= end); });
        return beyond.where(
            [&](std::size_t i) { return !std::isfinite(precision::round(static_cast<double>(values[i]), *format)); });
      },
      tensor.data);
}

}  // namespace

bool is_stray(double run, double truth, Direction direction) {
  if (!std::isinf(run)) return std::isnan(run);
  return direction == Direction::backward || (run != truth && !std::isnan(truth));
}

namespace {

/// Among these elements.
bool has_infinity(const Tensor& tensor, const IndexRanges& elements) {
  return std::visit(
      [&](const auto& values) {
        unsigned count = 0;
        for (const IndexRanges::Range& range : elements.ranges()) {
          for (std::size_t i = range.first; i < range.last; ++i) count |= std::isinf(values[i]) ? 1U : 0U;
        }
        return count != 0;
      },
      tensor.data);
}

}  // namespace

IndexRanges strays_in(Slot slot, const Tensor& tensor, const Tensor* truth) {
  IndexRanges found = nonfinite_of(tensor);
  if (slot.direction == Direction::backward || !has_infinity(tensor, found)) return found;
  const bool comparable = truth != nullptr && truth->size() == tensor.size();
  const Values run(tensor);
  const Values exact(comparable ? *truth : tensor);
  return found.where([&](std::size_t i) { return is_stray(run[i], exact[i], slot.direction); });
}

namespace {

/// Each slot is looked at by the next thread that is free; those without a stray are left out.
Strays found_in(std::vector<Slot> slots, unsigned threads, const std::function<IndexRanges(Slot)>& find) {
  std::vector<IndexRanges> found(slots.size());
  compressor::parallel_tasks(slots.size(), threads, [&](std::size_t i) { found[i] = find(slots[i]); });
  Strays strays;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (!found[i].empty()) strays.emplace(slots[i], std::move(found[i]));
  }
  return strays;
}

}  // namespace

Strays strays_of(const compressor::Tape& tape, const compressor::Tape& truth, unsigned threads) {
  std::vector<Slot> slots;
  for (const auto& [slot, record] : tape.records()) slots.push_back(slot);
  return found_in(std::move(slots), threads, [&](Slot slot) {
    const compressor::Record* const exact = truth.find(slot);
    return strays_in(slot, tape.find(slot)->tensor, exact != nullptr ? &exact->tensor : nullptr);
  });
}

Strays stray_inputs(const compressor::Problem& problem, const compressor::Plan& plan, unsigned threads) {
  std::vector<Slot> slots;
  for (const auto& [name, tensor] : problem.inputs) {
    if (is_arithmetic_input(name)) slots.push_back(compressor::forward(name));
  }
  return found_in(std::move(slots), threads,
                  [&](Slot slot) { return nonfinite_as_read(problem.input(slot.name), plan.input_format(slot.name)); });
}

IndexRanges unlike(const IndexRanges& places, const Tensor& made, const Tensor& others) {
  IndexRanges found;
  std::visit(
      [&](const auto& a, const auto& b) {
        const auto differs = [x = a.data(), y = b.data()](std::size_t i) { return !is_finite(x[i]) | is_finite(y[i]); };
        for (const IndexRanges::Range& range : places.ranges()) add_found(found, range.first, range.last, differs);
      },
      made.data, others.data);
  return found;
}

namespace {

double healed(double truth, double largest) { return std::fabs(truth) <= largest ? truth : 1; }

/// Whether a float holds the value.
bool fits_float(double value) { return static_cast<double>(static_cast<float>(value)) == value || std::isnan(value); }

}  // namespace

double healed(double truth, const precision::Format& format) { return healed(truth, format.max_finite); }

Tensor replaced(const Tensor& tensor, const IndexRanges& places, const std::function<double(std::size_t)>& value_at) {
  if (places.empty()) return tensor;
  std::vector<double> values;
  values.reserve(places.size());
  places.for_each([&](std::size_t i) { values.push_back(value_at(i)); });
  const bool floats =
      std::holds_alternative<io::Buffer<float>>(tensor.data) && std::all_of(values.begin(), values.end(), fits_float);
  Tensor out = tensor;
  if (!floats) out = {tensor.shape, compressor::to_doubles(tensor), io::DType::f64};
  std::visit(
      [&](auto& buffer) {
        using T = std::remove_cvref_t<decltype(buffer[0])>;
        const auto all = buffer.writable();
        auto next = values.begin();
        places.for_each([&](std::size_t i) { all[i] = static_cast<T>(*next++); });
      },
      out.data);
  return out;
}

Tensor healed(const Tensor& tensor, const IndexRanges& strays, const Tensor* truth, const precision::Format& format) {
  Tensor out = tensor;
  const auto heal = [&](auto& own, const auto& exact) {
    using T = std::remove_cvref_t<decltype(own[0])>;
    const auto all = own.writable();
    for (const IndexRanges::Range& range : strays.ranges()) {
      T* const to = all.data() + range.first;
      const std::size_t count = range.last - range.first;
      if (truth == nullptr) {
        std::fill_n(to, count, T{1});
      } else {
        std::transform(exact.data() + range.first, exact.data() + range.last, to,
                       [end = format.max_finite](double value) { return static_cast<T>(healed(value, end)); });
      }
    }
  };
  if (!strays.empty()) std::visit(heal, out.data, (truth != nullptr ? *truth : tensor).data);
  return out;
}

compressor::Problem healed(const compressor::Problem& problem, const Strays& strays, const compressor::Plan& plan) {
  compressor::Problem out = problem;
  for (const auto& [slot, indices] : strays) {
    const Tensor& tensor = problem.input(slot.name);
    const auto format = plan.input_format(slot.name);
    out.inputs[slot.name] = replaced(tensor, indices, [&](std::size_t i) {
      return std::isfinite(tensor.at(i)) ? healed(tensor.at(i), *format) : 1;
    });
  }
  return out;
}

}  // namespace ulpscope::judge
