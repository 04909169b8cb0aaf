// SPDX-License-Identifier: Apache-2.0
// The engine in sizes.
#include "tests/golden/support/majorant.hpp"

#include <algorithm>
#include <cmath>

#include "core/compressor/evaluator.inl"
#include "core/compressor/exact_session.hpp"
#include "core/compressor/kernels/kernel_set.hpp"
#include "precision/native.hpp"

namespace ulpscope::test {

class MajorantArithmetic {
 public:
  using value_type = Majorant;
  using scalar_type = Majorant;
  using mask_type = bool;
  static constexpr int lanes = 1;
  MajorantArithmetic() = default;
  explicit MajorantArithmetic(const precision::Format&) {}

  Majorant add(const Majorant& a, const Majorant& b) const { return after(a, b, a.value + b.value, a.size + b.size); }
  Majorant sub(const Majorant& a, const Majorant& b) const { return after(a, b, a.value - b.value, a.size + b.size); }
  Majorant mul(const Majorant& a, const Majorant& b) const { return after(a, b, a.value * b.value, a.size * b.size); }
  Majorant div(const Majorant& a, const Majorant& b) const {
    const double quotient = a.value / b.value;
    return after(a, b, quotient, (a.size + std::fabs(quotient) * b.size) / std::fabs(b.value));
  }
  Majorant fma(const Majorant& a, const Majorant& b, const Majorant& c) const { return add(mul(a, b), c); }
  Majorant sqrt(const Majorant& a) const {
    const double root = std::sqrt(a.value);
    return after(a, a, root, std::max(root, a.size / root));
  }
  /// x may err by its size: so e^x does by e^x times that, and by its own rounding.
  Majorant exp(const Majorant& a) const {
    const double e = std::exp(a.value);
    return after(a, a, e, std::isinf(a.value) ? e : e * (1 + a.size));
  }
  Majorant log(const Majorant& a) const {
    return after(a, a, std::log(a.value), std::fabs(std::log(a.value)) + a.size / a.value);
  }
  Majorant round(const Majorant& a) const { return a; }
  Majorant neg(const Majorant& a) const { return {-a.value, a.size, a.depth}; }
  Majorant from(double x) const { return Majorant(x); }
  static Majorant constant(double x) { return Majorant(x); }
  static Majorant max(const Majorant& a, const Majorant& b) { return a.value < b.value ? b : a; }
  static Majorant select(bool mask, const Majorant& a, const Majorant& b) { return mask ? a : b; }
  static bool less(const Majorant& a, const Majorant& b) { return a.value < b.value; }
  static bool equal(const Majorant& a, const Majorant& b) { return a.value == b.value; }
  static bool is_nan(const Majorant& a) { return std::isnan(a.value); }

 private:
  static Majorant after(const Majorant& a, const Majorant& b, double value, double size) {
    return {value, size, std::max(a.depth, b.depth) + 1};
  }
};

}  // namespace ulpscope::test

namespace ulpscope::compressor {

using test::Majorant;

/// A power, YaRN's blend and a reciprocal: half a dozen roundings.
template <>
std::vector<Majorant> rope_frequencies<Majorant>(const Config& config, const TableArithmetic& arithmetic) {
  std::vector<Majorant> values;
  for (const double value : rope_frequencies<double>(config, arithmetic)) values.push_back({value, value, 6});
  return values;
}
/// An angle errs in proportion to itself, and so do its cos and sin.
template <>
RopeTable<Majorant> rope_table<Majorant>(const Config& config, const TableArithmetic& arithmetic,
                                         const std::vector<Majorant>& frequencies) {
  std::vector<double> values;
  for (const Majorant& frequency : frequencies) values.push_back(frequency.value);
  const RopeTable<double> exact = rope_table(config, arithmetic, values);
  RopeTable<Majorant> table;
  for (std::size_t i = 0; i < exact.cos.size(); ++i) {
    const Majorant& frequency = frequencies[i % frequencies.size()];
    const auto entry = static_cast<double>(i / frequencies.size() * config.ratio);
    const double angle = (static_cast<double>(config.rope->position_offset) + entry) * frequency.size;
    table.cos.push_back({exact.cos[i], 1 + angle, frequency.depth + 2});
    table.sin.push_back({exact.sin[i], 1 + angle, frequency.depth + 2});
  }
  return table;
}
template Values<Majorant> evaluate<Majorant>(const Evaluation<Majorant>&);

}  // namespace ulpscope::compressor

namespace ulpscope::test {

using namespace compressor;

namespace {
Majorant number(double x) { return Majorant(x); }
}  // namespace

Values<Majorant> evaluate_majorant(const Problem& problem, const Recipe& recipe, const Wanted& wanted) {
  static const kernels::KernelSet<Majorant> set =
      kernels::make_kernel_set<MajorantArithmetic, MajorantArithmetic>("majorant");
  return ExactSession<Majorant, number>(problem, recipe, set).evaluate({}, wanted);
}

}  // namespace ulpscope::test
