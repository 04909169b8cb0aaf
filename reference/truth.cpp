// SPDX-License-Identifier: Apache-2.0
// From the kinds' own numbers to enclosures of doubles, and who computes which request.
#include "reference/truth.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/evaluate_enclosed.hpp"
#include "core/compressor/evaluate_interval.hpp"
#include "core/compressor/graph.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"

namespace ulpscope::reference {
namespace {

using compressor::Slot;
using compressor::Values;
using compressor::Wanted;
using judge::Enclosures;
using judge::ExactRequest;
using precision::Enclosed;
using precision::Interval;
using precision::Real;

constexpr double infinity = precision::infinity();
constexpr double least = 0x1p-1074;  ///< the least positive double

Enclosed enclosed(const Enclosed& x) { return x; }

/// The distance from `middle` to the ends, upward.
double radius_about(const Real& middle, const Interval& x) {
  const Real most = std::max(Real(x.high - middle), Real(middle - x.low));
  const double radius = static_cast<double>(most) * (1 + 0x1p-50);
  return most > 0 ? std::max(radius, least) : 0;
}

/// A double-double that holds all of an interval, by the rules of Enclosed's classes.
Enclosed enclosed(const Interval& x) {
  if (isnan(x.low)) return isnan(x.high) ? Enclosed(__builtin_nan("")) : precision::anything();
  const Real middle = x.low == x.high ? x.low : Real((x.low + x.high) / 2);
  const auto high = static_cast<double>(middle);
  if (x.low == x.high && isinf(x.low)) return Enclosed(high);
  if (!std::isfinite(high) || isinf(x.low) || isinf(x.high)) return precision::any_real();
  if (x.low > 0 && x.high < least) return {least, 0, least};  // positive, below every format
  if (x.high < 0 && x.low > -least) return {-least, 0, least};
  const auto low = static_cast<double>(Real(middle - Real(high)));
  return {high, low, radius_about(Real(high) + Real(low), x)};
}

compressor::Graph graph_of(const ExactRequest& request) {
  using compressor::Name;
  const compressor::Plan plan(request.recipe, request.problem.config);
  const bool prior = request.problem.has(Name::prior_kv) && request.problem.has(Name::prior_gate);
  return {request.recipe, plan, {prior}};
}

/// A kind of numbers, and the engine in it.
template <class T>
struct Kind {
  using Engine = Values<T> (*)(const compressor::Problem&, const compressor::Recipe&, const Values<T>&, const Wanted&);
  Engine engine;

  /// Of what is given, the slots that `wanted` are computed from: a tape may hold gigabytes.
  static Values<T> known(const ExactRequest& request, const std::vector<Slot>& wanted) {
    const compressor::Graph graph = graph_of(request);
    std::array<bool, compressor::slot_count> given{};
    for (const auto& [slot, record] : request.given.records()) given[slot.index()] = true;
    for (const Slot slot : wanted) given[slot.index()] = false;
    Values<T> values;
    for (const Slot slot : graph.need(wanted, given).leaves) {
      const compressor::Record* record = given[slot.index()] ? request.given.find(slot) : nullptr;
      if (record == nullptr) continue;
      std::vector<T>& converted = values[slot];
      converted.reserve(record->tensor.size());
      for (std::size_t i = 0; i < record->tensor.size(); ++i) converted.emplace_back(record->tensor.at(i));
    }
    return values;
  }

  void add(Enclosures& enclosures, const Values<T>& values, const compressor::Config& config) const {
    for (const auto& [slot, numbers] : values) {
      judge::Enclosure& enclosure = enclosures[slot];
      enclosure.shape = shape_of(slot, config);
      for (std::vector<double>* part : {&enclosure.value, &enclosure.tail, &enclosure.radius})
        part->reserve(numbers.size());
      for (const T& number : numbers) {
        const Enclosed x = enclosed(number);
        enclosure.value.push_back(x.high);
        enclosure.tail.push_back(x.low);
        enclosure.radius.push_back(x.radius);
      }
    }
  }

  void compute(Enclosures& enclosures, const ExactRequest& request, const std::vector<Slot>& wanted) const {
    const compressor::Config config = compressor::effective_config(request.problem.config, request.recipe);
    add(enclosures, engine(request.problem, request.recipe, known(request, wanted), {wanted, request.threads}), config);
  }

  /// A wanted slot that is given is recomputed by itself, from all that is given but itself; the others at once.
  /// What the recipe does not compute is left out, as in fp64.
  Enclosures operator()(const ExactRequest& request) const {
    Enclosures enclosures;
    const compressor::Graph graph = graph_of(request);
    std::vector<Slot> fresh;
    for (const Slot slot : request.wanted) {
      if (!graph.computes(slot)) continue;
      if (request.given.has(slot)) {
        compute(enclosures, request, {slot});
      } else {
        fresh.push_back(slot);
      }
    }
    if (!fresh.empty()) compute(enclosures, request, fresh);
    return enclosures;
  }
};

judge::TruthInfo info(const std::string& tier, int bits) {
  judge::TruthInfo info;
  info.tier = tier;
  info.bits = bits;
  return info;
}

}  // namespace

const std::vector<std::string>& truth_tiers() {
  static const std::vector<std::string> tiers{"fp64", "mpfr", "certified"};
  return tiers;
}

judge::Exact exact_in(const std::string& tier) {
  if (tier == "fp64") return judge::exact_in_fp64();
  if (tier == "mpfr") return {info(tier, 266), Kind<Interval>{compressor::evaluate_interval}};
  if (tier == "certified") return {info(tier, 106), Kind<Enclosed>{compressor::evaluate_enclosed}};
  throw InputError(io::unknown_name("truth", tier, truth_tiers()));
}

}  // namespace ulpscope::reference
