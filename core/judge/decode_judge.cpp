// SPDX-License-Identifier: Apache-2.0
// One tensor after the other, each as rows of the slot that it is cut from.
#include "core/judge/decode_judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "core/compressor/decode.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/diagnosis.hpp"
#include "core/judge/slot_filter.hpp"
#include "core/judge/undecided.hpp"

namespace ulpscope::judge {
namespace {

using compressor::forward;
using compressor::Name;
using compressor::Shape;
using compressor::Slot;
using compressor::Tensor;

std::optional<std::vector<std::size_t>> chunks_of(const Dump& dump) {
  const auto found = dump.metadata.find("chunks");
  if (found == dump.metadata.end()) return std::nullopt;
  const std::string where = dump.source + ": chunks";
  const io::Json json = io::parse_json(found->second, where);
  const auto is_count = [](const io::Json& count) { return count.is_number_unsigned() && count != 0; };
  if (!json.is_array() || !std::all_of(json.begin(), json.end(), is_count))
    throw InputError(where + ": expected a list of token counts above 0, found " + io::in_quotes(found->second));
  return json.get<std::vector<std::size_t>>();
}

/// Rows [first, first + shape[1]) of every batch row.
Tensor rows_of(const Tensor& tensor, std::size_t first, const Shape& shape) {
  const Shape through{tensor.shape[0], first + shape[1], tensor.shape[2]};
  const Tensor head = cropped(tensor, through);
  std::vector<double> values;
  values.reserve(compressor::element_count(shape));
  for (std::size_t b = 0; b < shape[0]; ++b) {
    for (std::size_t i = first * shape[2]; i < through[1] * shape[2]; ++i)
      values.push_back(head.at(b * through[1] * shape[2] + i));
  }
  return {shape, std::move(values), io::DType::f64};
}

/// A tensor's place in the run: rows from `first` on of a slot.
struct Cut {
  Slot slot;
  std::size_t first = 0;
  const Tensor* value = nullptr;  ///< of the recipe's chunked run
};

class DecodeJudge {
 public:
  DecodeJudge(const Decoding& decoding, const CompareOptions& options, const Bench& bench)
      : decoding_(decoding), options_(options), bench_(bench), filter_(options.slots) {}

  DecodedRows run() {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : decoding_.dump.others) {
      if (is_decode_name(name) && filter_.keeps(name)) names.push_back(name);
    }
    if (names.empty()) return {};
    const auto chunks = chunks_of(decoding_.dump);
    if (decoding_.recipe == nullptr) return not_judged(names, "no recipe says what they should hold");
    if (!chunks) return not_judged(names, "the dump does not say its `chunks`");
    try {
      decoded_ = compressor::run_chunks(decoding_.problem, *decoding_.recipe, *chunks, run_options());
    } catch (const InputError& error) {
      return not_judged(names, error.what());
    }
    for (const std::string& name : names) out_.rows.push_back(judged(name));
    add_missing();
    return std::move(out_);
  }

 private:
  compressor::RunOptions run_options() const {
    compressor::RunOptions options;
    options.threads = options_.threads;
    return options;
  }

  DecodedRows not_judged(const std::vector<std::string>& names, const std::string& why) const {
    DecodedRows out;
    out.notes.push_back(
        fmt::format("not judged: {} ({} tensors of decoding in chunks): {}", io::listed(names), names.size(), why));
    if (auto note = first_nonfinite(names)) out.notes.push_back(std::move(*note));
    return out;
  }

  /// What is not judged gets no birth certificate either: its first element that would need one.
  std::optional<std::string> first_nonfinite(const std::vector<std::string>& names) const {
    for (const std::string& name : names) {
      const io::Tensor& given = decoding_.dump.others.at(name);
      if (!io::is_float(given.dtype)) continue;
      const Tensor tensor = compressor::tensor_from_file(given);
      for (std::size_t i = 0; i < tensor.size(); ++i) {
        if (std::isfinite(tensor.at(i))) continue;
        return fmt::format("no birth certificate for what is not finite there: the first is element {} of {}, {}", i,
                           name, value_text(tensor.at(i)));
      }
    }
    return std::nullopt;
  }

  std::optional<Cut> cut_of(const std::string& name) const {
    const std::size_t taken = decoding_.problem.config.windows() * decoding_.problem.config.ratio;
    if (name == "state.kv") return Cut{forward(Name::kv), taken, &decoded_.state_kv};
    if (name == "state.gate") return Cut{forward(Name::gate), taken, &decoded_.state_gate};
    const std::string_view digits = std::string_view(name).substr(name.find('.') + 1);
    std::size_t k = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), k);
    const bool entry = name.starts_with("entries.") && error == std::errc() && end == digits.data() + digits.size();
    if (!entry || k >= decoded_.entries.size()) return std::nullopt;
    return Cut{forward(Name::output), 0, &decoded_.entries[k]};
  }

  Row judged(const std::string& name) {
    ++out_.judged;
    const io::Tensor& given = decoding_.dump.others.at(name);
    const auto cut = cut_of(name);
    Row row = absent_row(cut ? cut->slot : forward(Name::output), "", bench_);
    row.tensor = name;
    row.shape = given.shape;
    row.format = bench_.plan->at(row.slot).storage.name;
    row.status = Status::fail;
    if (!cut) {
      row.reason = fmt::format("{} chunks do not give it", decoded_.entries.size());
    } else if (given.shape != cut->value->shape) {
      row.reason = fmt::format("its shape is {}, these chunks give {}", io::to_string(given.shape),
                               compressor::to_string(cut->value->shape));
    } else if (!io::is_float(given.dtype)) {
      row.reason = fmt::format("its dtype {} is not judged", io::name_of(given.dtype));
    } else {
      judge_values(row, compressor::tensor_from_file(given), *cut);
    }
    return row;
  }

  void judge_values(Row& row, const Tensor& found, const Cut& cut) {
    const auto enclosure = decoding_.truth.enclosures.find(cut.slot);
    if (enclosure != decoding_.truth.enclosures.end()) leave_undecided(row, radii_of(enclosure->second));
    if (row.status == Status::undecided) return;
    const compressor::Record* exact = decoding_.truth.tape.find(cut.slot);
    const Tensor truth = rows_of(exact->tensor, cut.first, row.shape);
    const bool finer = enclosure != decoding_.truth.enclosures.end();
    const Enclosure known = finer ? part_of(enclosure->second, cut, row.shape) : Enclosure{row.shape, {}, {}, {}};
    const precision::Format& format = bench_.plan->at(cut.slot).storage;
    measure_row(row, {found, truth}, {format, plain_layout(row.shape), known.tail}, bench_.threads);
    const Ruler ruler(format);
    if (options_.tolerance.given()) {
      row.tolerance = options_.tolerance;
      row.tolerance_reason = "given on the command line";
      const Judged judged = finer ? judge_tolerance(found, known, options_.tolerance, ruler)
                                  : Judged{judge_tolerance(found, truth, options_.tolerance, ruler)};
      leave_open(row, judged, found.size());
      return conclude(row, judged.failing, found, truth);
    }
    const Replayed part = replayed(cut, row.shape);
    const Appeal appeal{*decoding_.replayer, cut.slot, replays_.at(cut.slot).value.shape, cut.first};
    const auto failing = judge_with_appeal(row, found, part, appeal);
    if (failing.empty() || leave_to_sums(row, part, failing.size())) return;
    conclude(row, failing, found, *cut.value);
  }

  static Enclosure part_of(const Enclosure& whole, const Cut& cut, const Shape& shape) {
    const auto part = [&](const std::vector<double>& values) {
      if (values.empty()) return values;
      return compressor::to_doubles(rows_of({whole.shape, values, io::DType::f64}, cut.first, shape));
    };
    return {shape, part(whole.value), part(whole.tail), part(whole.radius)};
  }

  /// What the slot leaves open, around the chunked run's own value.
  Replayed replayed(const Cut& cut, const Shape& shape) {
    auto known = replays_.find(cut.slot);
    if (known == replays_.end()) known = replays_.emplace(cut.slot, decoding_.replayer->replay(cut.slot)).first;
    const Replayed& whole = known->second;
    const auto part = [&](const std::vector<double>& values) {
      return compressor::to_doubles(rows_of({whole.value.shape, values, io::DType::f64}, cut.first, shape));
    };
    Replayed out{*cut.value,       whole.from,        part(whole.freedom), part(whole.low),
                 part(whole.high), whole.leaning_cap, whole.decisive};
    for (std::size_t i = 0; i < out.low.size(); ++i) {
      out.low[i] = std::min(out.low[i], out.value.at(i));
      out.high[i] = std::max(out.high[i], out.value.at(i));
    }
    return out;
  }

  void conclude(Row& row, const std::vector<std::size_t>& failing, const Tensor& found, const Tensor& expected) {
    if (failing.empty()) return;
    row.status = Status::fail;
    const char* against = options_.tolerance.given() ? "the truth's within the tolerance"
                                                     : "what the recipe gives when it is fed in these chunks";
    row.reason = fmt::format("{} of {} elements are not {}", failing.size(), found.size(), against);
    if (out_.verdict) return;
    const std::size_t index = most_telling(failing, found, expected, Ruler(bench_.plan->at(row.slot).storage));
    out_.verdict = verdict_at(row, {index, found.at(index), expected.at(index)}, bench_.config);
    out_.verdict->diagnosis = "chunks";
    out_.verdict->sentence = fmt::format("of {}, {}", row.tensor, row.reason);
  }

  void add_missing() {
    for (std::size_t k = 0; k < decoded_.entries.size(); ++k) {
      const std::string name = fmt::format("entries.{:02}", k);
      if (decoding_.dump.others.contains(name) || !filter_.keeps(name)) continue;
      Row row = absent_row(forward(Name::output), "not in the dump", bench_);
      row.tensor = name;
      out_.rows.push_back(std::move(row));
    }
  }

  const Decoding& decoding_;
  const CompareOptions& options_;
  const Bench& bench_;
  SlotFilter filter_;
  compressor::Decoded decoded_;
  std::map<Slot, Replayed> replays_;
  DecodedRows out_;
};

}  // namespace

DecodedRows decoded_rows(const Decoding& decoding, const CompareOptions& options, const Bench& bench) {
  return DecodeJudge(decoding, options, bench).run();
}

}  // namespace ulpscope::judge
