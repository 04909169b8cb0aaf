// SPDX-License-Identifier: Apache-2.0
// Two dumps against each other, tensor by tensor: slots first, then what is no slot.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/io/error.hpp"
#include "core/judge/compare.hpp"
#include "core/judge/slot_filter.hpp"
#include "core/judge/slot_judge.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Record;
using compressor::Slot;
using compressor::Tensor;

/// The rows of a slot that both dumps hold: one that holds whole windows only is zeros behind them.
Record common_rows(Slot slot, const Record& record, const Dump& a, const Dump& b) {
  for (const Dump* dump : {&a, &b}) {
    const auto partial = dump->partial.find(slot);
    if (partial != dump->partial.end()) return {cropped(record.tensor, partial->second), record.format};
  }
  return record;
}

/// What metrics call the truth is here the other dump.
std::string of_reference(std::string reason) {
  const std::string_view truth = "the truth";
  for (std::size_t at = 0; (at = reason.find(truth, at)) != std::string::npos;)
    reason.replace(at, truth.size(), "the reference");
  return reason;
}

class Difference {
 public:
  Difference(const Dump& a, const Dump& b, const CompareOptions& options, const compressor::Config& config)
      : a_(a), b_(b), options_(options), filter_(options.slots), bench_{config, nullptr, options.threads} {}

  RunReport run() {
    report_.backend = "file";
    report_.truth = {"dump", 0, Basis::given};
    report_.notes = {"the reference is " + b_.source};
    for (const Dump* dump : {&a_, &b_}) {
      report_.unmapped.insert(report_.unmapped.end(), dump->unmapped.begin(), dump->unmapped.end());
      report_.notes.insert(report_.notes.end(), dump->notes.begin(), dump->notes.end());
    }
    add_slots();
    add_others();
    if (report_.rows.empty()) throw InputError(fmt::format("{}, {}: no slot is left to compare", a_.source, b_.source));
    return std::move(report_);
  }

 private:
  void add_slots() {
    std::set<Slot> slots;
    for (const Dump* dump : {&a_, &b_}) {
      for (const auto& [slot, record] : dump->tape.records()) {
        if (filter_.keeps(slot)) slots.insert(slot);
      }
    }
    for (const Slot slot : slots) {
      const Record* found = a_.tape.find(slot);
      const Record* reference = b_.tape.find(slot);
      if (found == nullptr || reference == nullptr) {
        add_one_sided(absent_row(slot, "", bench_), found != nullptr ? a_ : b_);
      } else {
        add_slot(slot, common_rows(slot, *found, a_, b_), common_rows(slot, *reference, a_, b_));
      }
    }
  }

  void add_slot(Slot slot, const Record& found, const Record& reference) {
    Row row = measured_row(slot, found, &reference, bench_);
    row.reason = of_reference(row.reason);
    if (row.status != Status::absent) judge(row, found.tensor, reference.tensor);
    report_.rows.push_back(std::move(row));
  }

  void add_others() {
    std::set<std::string> names;
    for (const Dump* dump : {&a_, &b_}) {
      for (const auto& [name, tensor] : dump->others) {
        if (filter_.keeps(name)) names.insert(name);
      }
    }
    for (const std::string& name : names) {
      const auto found = a_.others.find(name);
      const auto reference = b_.others.find(name);
      Row row;
      row.tensor = name;
      if (found == a_.others.end() || reference == b_.others.end()) {
        add_one_sided(std::move(row), found != a_.others.end() ? a_ : b_);
      } else {
        add_other(std::move(row), found->second, reference->second);
      }
    }
  }

  void add_other(Row row, const io::Tensor& found, const io::Tensor& reference) {
    row.shape = found.shape;
    row.format = io::info_of(io::is_float(found.dtype) ? found.dtype : io::DType::f64).format;
    if (found.shape != reference.shape) {
      row.status = Status::fail;
      row.reason = fmt::format("its shape is {}, in the reference {}", io::to_string(found.shape),
                               io::to_string(reference.shape));
    } else if (io::count(found.shape) == 0) {
      row.status = Status::absent;
      row.reason = "nothing to compare: the tensor is empty";
    } else if (found.dtype != reference.dtype || found.bytes != reference.bytes) {
      const Tensor a = compressor::tensor_from_file(found);
      const Tensor b = compressor::tensor_from_file(reference);
      measure_row(row, {a, b}, {precision::parse_format(row.format), plain_layout(row.shape)}, options_.threads);
      row.reason = of_reference(row.reason);
      judge(row, a, b);
    }
    report_.rows.push_back(std::move(row));
  }

  /// A tensor that only one of the dumps holds is a difference.
  void add_one_sided(Row row, const Dump& holder) {
    row.status = Status::fail;
    row.reason = "only " + holder.source + " holds it";
    report_.rows.push_back(std::move(row));
  }

  void judge(Row& row, const Tensor& found, const Tensor& reference) {
    const Ruler ruler(precision::parse_format(row.format));
    std::vector<std::size_t> failing;
    if (options_.tolerance.given()) {
      row.tolerance = options_.tolerance;
      row.tolerance_reason = "given on the command line";
      failing = judge_tolerance(found, reference, options_.tolerance, ruler);
    } else {
      for (std::size_t i = 0; i < found.size(); ++i) {
        if (!same_value(found.at(i), reference.at(i))) failing.push_back(i);
      }
    }
    row.status = failing.empty() ? Status::ok : Status::fail;
    if (failing.empty()) return;
    row.reason = fmt::format("{} of {} elements {}", failing.size(), found.size(),
                             options_.tolerance.given() ? "are not within the tolerance" : "differ");
    if (report_.verdict) return;
    const std::size_t first = failing.front();
    report_.verdict = verdict_at(row, {first, found.at(first), reference.at(first)}, bench_.config);
    report_.verdict->diagnosis = "difference";
    report_.verdict->sentence = fmt::format("In {}, {}", name_of(row), row.reason);
  }

  const Dump& a_;
  const Dump& b_;
  const CompareOptions& options_;
  SlotFilter filter_;
  Bench bench_;
  RunReport report_;
};

}  // namespace

RunReport diff(const compressor::Problem& problem, const Dump& a, const Dump& b, const CompareOptions& options) {
  return Difference(a, b, options, problem.config).run();
}

}  // namespace ulpscope::judge
