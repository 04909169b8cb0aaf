// SPDX-License-Identifier: Apache-2.0
// The engine in recorded numbers.
#include "core/compressor/element_record.hpp"

#include <cmath>

#include "core/compressor/evaluator.inl"
#include "core/compressor/kernels/recorded_set.hpp"
#include "core/io/error.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::compressor {

using precision::Recorded;

// Tables are constants: nothing is born in them.
template <>
std::vector<Recorded> rope_frequencies<Recorded>(const Config& config, const TableArithmetic& arithmetic) {
  std::vector<Recorded> values;
  for (const double value : rope_frequencies<double>(config, arithmetic)) values.emplace_back(value);
  return values;
}
template <>
RopeTable<Recorded> rope_table<Recorded>(const Config& config, const TableArithmetic& arithmetic,
                                         const std::vector<Recorded>& frequencies) {
  std::vector<double> known;
  for (const Recorded& frequency : frequencies) known.push_back(frequency.value);
  const RopeTable<double> exact = rope_table<double>(config, arithmetic, known);
  RopeTable<Recorded> table;
  for (const double value : exact.cos) table.cos.emplace_back(value);
  for (const double value : exact.sin) table.sin.emplace_back(value);
  return table;
}
template Values<Recorded> evaluate<Recorded>(const Evaluation<Recorded>&);

namespace {

constexpr int element_bits = 48;

/// A leaf of the record: which element of which slot.
std::uint64_t number_of(Slot slot, std::size_t element) {
  return static_cast<std::uint64_t>(slot.index()) << element_bits | element;
}

kernels::RecordedTarget target_of(const Element& element, const Config& config) {
  kernels::RecordedTarget target;
  const Slot slot = element.slot;
  const Level level = level_of(slot);
  target.element = element.index;
  target.channel = element.index % config.head_dim;
  const std::size_t row = slot.name == Name::mean_square ? element.index : element.index / config.head_dim;
  target.one_window = level == Level::window;
  target.window = has_window_rows(slot.name) ? row / config.window_slots() : row;
  target.entry = row;
  target.elementwise = level == Level::token || level == Level::sum || level == Level::weight;
  return target;
}

class RecordSession {
 public:
  RecordSession(const Problem& problem, const Recipe& recipe)
      : problem_(problem),
        recipe_(recipe),
        plan_(recipe, problem.config),
        graph_(recipe, plan_, {problem.has(Name::prior_kv) && problem.has(Name::prior_gate)}),
        padded_(padded_slots(problem, plan_.config(), recipe)) {}

  ElementRecord record(const Tape& given, const Element& element) {
    if (!graph_.computes(element.slot))
      throw InputError("recipe '" + recipe_.name + "' does not compute slot '" + to_string(element.slot) + "'");
    const kernels::RecordedTarget target = target_of(element, plan_.config());
    const std::size_t width = plan_.config().head_dim;
    precision::Recorder recorder(precision::at_channel(plan_.at(element.slot).exp, target.channel, width).full);
    const kernels::RecordedFocus focus(target);
    const Recorded value = compute(given, element);
    ElementRecord out{value.value, last_of(recorder, value, element.slot), std::nullopt};
    const precision::Operation* birth = std::isfinite(value.value) ? nullptr : recorder.birth_of(value);
    if (birth != nullptr) out.birth = operation_record(recorder, *birth);
    return out;
  }

 private:
  Recorded compute(const Tape& given, const Element& element) {
    Evaluation<Recorded> evaluation;
    evaluation.recipe = &recipe_;
    evaluation.plan = &plan_;
    evaluation.graph = &graph_;
    evaluation.kernels = &kernels::recorded_kernels();
    evaluation.padded = &padded_;
    evaluation.wanted = {element.slot};
    std::array<bool, slot_count> known{};
    for (const auto& [slot, record] : given.records()) known[slot.index()] = true;
    known[element.slot.index()] = false;
    for (const Slot slot : graph_.need({element.slot}, known).leaves) {
      evaluation.given[slot.index()] = leaf(slot, known[slot.index()] ? given.find(slot) : nullptr);
    }
    return evaluate(evaluation).at(element.slot).at(element.index);
  }

  /// The values of a slot that is read; of an input, as the recipe rounds it.
  const Recorded* leaf(Slot slot, const Record* record) {
    static const Recorded nothing;
    if (record == nullptr && (slot.direction == Direction::backward || !problem_.has(slot.name))) {
      throw InputError("slot '" + to_string(slot) + "' is needed, but neither the problem nor the given slots hold it");
    }
    const Tensor& tensor = record != nullptr ? record->tensor : problem_.input(slot.name);
    const auto rounding = record != nullptr ? std::nullopt : plan_.input_format(slot.name);
    formats_[slot] = record != nullptr ? record->format : rounding.value_or(precision::parse_format("fp64"));
    std::vector<Recorded>& values = leaves_[slot];
    values.reserve(tensor.size());
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      const double x = rounding ? precision::round(tensor.at(i), *rounding) : tensor.at(i);
      values.push_back(Recorded::input(x, number_of(slot, i)));
    }
    return values.empty() ? &nothing : values.data();
  }

  OperandRecord operand_record(const precision::Recorder& recorder, const Recorded& operand, int format) const {
    if (operand.is_input()) {
      const auto index = static_cast<std::size_t>(operand.input_number() >> element_bits);
      for (const auto& [slot, own] : formats_) {
        if (slot.index() == index) return {operand.value, own};
      }
    }
    const precision::Operation* maker = recorder.find(operand);
    const precision::Format& own = recorder.format(maker != nullptr ? maker->format : format);
    // A constant need not be a number of the operation's format: a loss scale of 2^16 beside fp16.
    const bool fits = std::isnan(operand.value) || precision::round(operand.value, own) == operand.value;
    return {operand.value, fits ? own : precision::parse_format("fp64")};
  }

  OperationRecord operation_record(const precision::Recorder& recorder, const precision::Operation& operation) const {
    OperationRecord record{std::string(operation.name), operation.result.value, {}, ""};
    for (int i = 0; i < operation.count; ++i) {
      record.operands.push_back(
          operand_record(recorder, operation.operands[static_cast<std::size_t>(i)], operation.format));
    }
    if (!std::isfinite(operation.result.value)) record.birth_class = precision::birth_class(operation);
    return record;
  }

  OperationRecord last_of(const precision::Recorder& recorder, const Recorded& value, Slot slot) const {
    if (const precision::Operation* maker = recorder.maker_of(value)) return operation_record(recorder, *maker);
    if (!value.is_input()) return {"constant", value.value, {{value.value, plan_.at(slot).storage}}, ""};
    return {"copy", value.value, {operand_record(recorder, value, 0)}, ""};
  }

  const Problem& problem_;
  const Recipe& recipe_;
  Plan plan_;
  Graph graph_;
  std::vector<std::uint8_t> padded_;
  std::map<Slot, std::vector<Recorded>> leaves_;
  std::map<Slot, precision::Format> formats_;
};

}  // namespace

ElementRecord record_element(const Problem& problem, const Recipe& recipe, const Tape& given, const Element& element) {
  return RecordSession(problem, recipe).record(given, element);
}

}  // namespace ulpscope::compressor
