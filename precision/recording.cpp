// SPDX-License-Identifier: Apache-2.0
// The log of a Recording arithmetic, and what the classes of its operands say.
#include "precision/recording.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "precision/elementary.hpp"

namespace ulpscope::precision {
namespace {

thread_local Recorder* active = nullptr;

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b));
}

/// The class of a b, of whose sum nothing is known: empty where the product does no harm of its own.
std::string_view product_class(double a, double b) {
  const bool zero_by_infinity = (a == 0 && std::isinf(b)) || (b == 0 && std::isinf(a));
  return zero_by_infinity ? "0 * inf" : "";
}

std::string_view quotient_class(double a, double b) {
  if (a == 0 && b == 0) return "0/0";
  if (std::isinf(a) && std::isinf(b)) return "inf/inf";
  return b == 0 && std::isfinite(a) ? "x/0" : "";
}

/// Of one operand only.
std::string_view function_class(std::string_view name, double x) {
  if (name == "sqrt" && x < 0) return "sqrt of a negative number";
  if (name == "log" && x == 0) return "log of zero";
  return name == "log" && x < 0 ? "log of a negative number" : "";
}

/// What the operation itself did wrong; empty: nothing but a result too large, or operands that were infinite before.
std::string_view own_class(const Operation& operation) {
  const double a = operation.operands[0].value;
  const double b = operation.operands[1].value;
  if (operation.name == "div") return quotient_class(a, b);
  const bool product = operation.name == "mul" || operation.name == "fma";
  if (product && !product_class(a, b).empty()) return product_class(a, b);
  const bool sum = operation.name == "add" || operation.name == "sub" || operation.name == "fma";
  const bool infinite = std::any_of(operation.operands.begin(), operation.operands.end(),
                                    [](const Recorded& operand) { return std::isinf(operand.value); });
  if (sum && infinite && std::isnan(operation.result.value)) return "inf - inf";
  return operation.count == 1 ? function_class(operation.name, a) : "";
}

enum class Kind : std::uint8_t { nan, infinite };

bool is(Kind kind, double x) { return kind == Kind::nan ? std::isnan(x) : std::isinf(x); }

bool has_operand(const Operation& operation, Kind kind) {
  const auto* const first = operation.operands.data();
  return std::any_of(first, first + operation.count, [&](const Recorded& x) { return is(kind, x.value); });
}

/// Back along operands of a kind that operations made: the first of these operations.
const Operation& first_made(const Recorder& recorder, const Operation& last, Kind kind) {
  const Operation* operation = &last;
  for (bool moved = true; moved;) {
    moved = false;
    for (int i = 0; i < operation->count && !moved; ++i) {
      const Recorded& operand = operation->operands[static_cast<std::size_t>(i)];
      const Operation* maker = is(kind, operand.value) ? recorder.find(operand) : nullptr;
      moved = maker != nullptr;
      if (moved) operation = maker;
    }
  }
  return *operation;
}

}  // namespace

Recorder::Recorder(Exp exp) : exp_(exp) {
  if (active != nullptr) throw std::logic_error("a thread records with one recorder at a time");
  active = this;
}

Recorder::~Recorder() { active = nullptr; }

Recorder& Recorder::current() {
  if (active == nullptr) throw std::logic_error("a recording arithmetic without a recorder");
  return *active;
}

Recorded Recorder::note(Operation operation) {
  operation.result.origin = operations_.size() + 1;
  operations_.push_back(operation);
  return operation.result;
}

int Recorder::number_of(const Format& format) {
  const auto found = std::find(formats_.begin(), formats_.end(), format);
  if (found == formats_.end()) return formats_.push_back(format), static_cast<int>(formats_.size()) - 1;
  return static_cast<int>(found - formats_.begin());
}

const Operation* Recorder::find(const Recorded& value) const {
  if (value.is_input() || value.origin == 0) return nullptr;
  return &operations_.at(value.origin - 1);
}

const Operation* Recorder::birth_of(const Recorded& value) const {
  const Operation* operation = find(value);
  if (operation == nullptr) return nullptr;
  operation = &first_made(*this, *operation, Kind::nan);
  if (has_operand(*operation, Kind::nan)) return operation;
  // Where an operation made one of its infinite operands, that is the birth; a NaN of infinities that were given is its
  // own.
  const Operation* given = operation;
  for (int i = 0; i < operation->count; ++i) {
    const Recorded& operand = operation->operands[static_cast<std::size_t>(i)];
    const Operation* maker = is(Kind::infinite, operand.value) ? find(operand) : nullptr;
    if (maker == nullptr) continue;
    const Operation* first = &first_made(*this, *maker, Kind::infinite);
    if (!has_operand(*first, Kind::infinite)) return first;
    if (!is(Kind::nan, operation->result.value)) given = first;
  }
  return given;
}

const Operation* Recorder::maker_of(const Recorded& value) const {
  const Operation* operation = find(value);
  while (operation != nullptr && operation->name == "round") {
    const Operation* below = find(operation->operands[0]);
    if (below == nullptr) break;
    operation = below;
  }
  return operation;
}

std::string_view birth_class(const Operation& operation) {
  const auto any = [&](auto test) {
    const auto* const first = operation.operands.data();
    return std::any_of(first, first + operation.count, [&](const Recorded& operand) { return test(operand.value); });
  };
  if (any([](double x) { return std::isnan(x); })) return "nan";
  const std::string_view own = own_class(operation);
  if (!own.empty()) return own;
  return any([](double x) { return std::isinf(x); }) ? "inf" : "overflow";
}

Recorded Recording::exp(const Recorded& a) const {
  return note("exp", exp_as(arithmetic_, a.value, Recorder::current().exp()), {a}, 1);
}

Recorded Recording::log(const Recorded& a) const { return note("log", arithmetic_.round(std::log(a.value)), {a}, 1); }

Recorded Recording::round(const Recorded& a) const {
  const double rounded = arithmetic_.round(a.value);
  return same_bits(rounded, a.value) ? a : note("round", rounded, {a}, 1);
}

}  // namespace ulpscope::precision
