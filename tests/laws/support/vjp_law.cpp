// SPDX-License-Identifier: Apache-2.0
// Both sides of <Jv, u> = <v, J u> for any step of a recipe.
#include "tests/laws/support/vjp_law.hpp"

#include <algorithm>
#include <stdexcept>

#include "tests/support/random.hpp"

namespace ulpscope::test {

using namespace compressor;
using N = Name;

std::vector<Real> random_reals(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<Real> values(count);
  for (Real& value : values) value = random.normal();
  return values;
}

Real inner_product(const std::vector<Real>& a, const std::vector<Real>& b) {
  Real sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

std::vector<Real> real_input(const Problem& problem, Name name) {
  const Tensor& tensor = problem.input(name);
  std::vector<Real> values;
  for (std::size_t i = 0; i < tensor.size(); ++i) values.emplace_back(tensor.at(i));
  return values;
}

Config law_config(Mode mode) {
  Config config;
  config.mode = mode;
  config.overlap = mode == Mode::csa;
  config.ratio = mode == Mode::csa ? 3 : 4;
  config.batch = 2;
  config.seq = mode == Mode::csa ? 10 : 11;
  config.hidden = 5;
  config.head_dim = 8;
  config.rope = Rope{4, 160000, Yarn{}, 3};
  config.hadamard = true;
  return config;
}

Real relative_gap(const LawSides& sides) {
  const Real larger = std::max(Real(abs(sides.forward)), Real(abs(sides.backward)));
  if (!(larger > 1e-9)) return std::numeric_limits<Real>::quiet_NaN();
  return abs(sides.forward - sides.backward) / larger;
}

std::string law_violation(const LawSides& sides) {
  const Real gap = relative_gap(sides);
  if (gap <= Real("1e-30")) return "";
  return "<Jv,u> = " + sides.forward.str(20) + ", <v,J'u> = " + sides.backward.str(20) + ", relative gap " + gap.str(3);
}

LawPoint::LawPoint(const Problem& problem, const Recipe& recipe)
    : problem_(problem),
      recipe_(recipe),
      plan_(recipe, problem.config),
      graph_(recipe, plan_, {problem.has(N::prior_kv) && problem.has(N::prior_gate)}) {
  Wanted wanted;
  for (const Slot slot : graph_.order()) {
    if (slot.direction == Direction::forward) wanted.slots.push_back(slot);
  }
  values_ = evaluate_real(problem, recipe, {}, wanted);
  for (const auto& [name, tensor] : problem.inputs) values_[forward(name)] = real_input(problem, name);
}

void LawPoint::add_pool_steps(std::vector<Step>& steps) const {
  const bool prior = problem_.has(N::prior_gate);
  if (recipe_.pipeline == Pipeline::bias_first) {
    // With prior rows the bias reaches `logits` by two ways, so the stage alone is not the whole of grad.ape.
    if (!prior) steps.push_back({"bias", {N::biased}, {{N::gate, N::gate}, {N::ape, N::ape}}});
    steps.push_back({"window of gates", {N::logits}, {{N::biased, N::biased}}});
    steps.push_back(
        {"bias and window", {N::logits}, {{N::gate, N::gate}, {N::ape, N::ape}, {N::prior_gate, N::prior_gate}}});
  } else {
    steps.push_back({"window of gates", {N::padded_gate}, {{N::gate, N::gate}, {N::prior_gate, N::prior_gate}}});
    steps.push_back({"bias", {N::logits}, {{N::padded_gate, N::padded_gate}, {N::ape, N::ape}}});
  }
  steps.push_back({"window of values", {N::values}, {{N::kv, N::kv}, {N::prior_kv, N::prior_kv}}});
  steps.push_back({"softmax", {N::weights}, {{N::logits, N::logits}}});
  steps.push_back({"products", {N::products}, {{N::weights, N::weights}, {N::values, N::values}}});
  const auto& reads = graph_.reads(forward(N::pooled));
  const bool sums_products = std::find(reads.begin(), reads.end(), forward(N::products)) != reads.end();
  if (sums_products) steps.push_back({"pool", {N::pooled}, {{N::products, N::products}}});
  steps.push_back({"softmax and pool", {N::pooled}, {{N::logits, N::logits}, {N::values, N::values}}});
}

void LawPoint::add_entry_steps(std::vector<Step>& steps) const {
  steps.push_back({"normalize", {N::normalized}, {{N::pooled, N::pooled}}});
  steps.push_back({"scale", {N::normed}, {{N::normalized, N::normalized}, {N::gamma, N::gamma}}});
  for (const auto& [name, slot] :
       {std::pair{"rotate", N::rotated}, std::pair{"hadamard", N::hadamard}, std::pair{"output", N::output}}) {
    if (!graph_.computes(forward(slot))) continue;
    const Name before = graph_.before(slot);
    steps.push_back({name, {slot}, {{before, before}}});
  }
}

bool LawPoint::has(const Step& step) const {
  const auto known = [&](Name name) { return values_.count(forward(name)) != 0; };
  return std::all_of(step.outputs.begin(), step.outputs.end(), known) && !step.inputs.empty();
}

std::vector<Step> LawPoint::steps() const {
  std::vector<Step> steps{{"project_kv", {N::kv}, {{N::hidden, N::hidden_kv}, {N::w_kv, N::w_kv}}},
                          {"project_gate", {N::gate}, {{N::hidden, N::hidden_gate}, {N::w_gate, N::w_gate}}},
                          {"join_hidden", {N::kv, N::gate}, {{N::hidden, N::hidden}}}};
  add_pool_steps(steps);
  add_entry_steps(steps);
  Step whole{"the whole forward", {N::output}, {}};
  for (const Name name : {N::hidden, N::w_kv, N::w_gate, N::ape, N::gamma, N::prior_kv, N::prior_gate}) {
    whole.inputs.push_back({name, name});
  }
  steps.push_back(std::move(whole));
  for (Step& step : steps) {
    std::erase_if(step.inputs, [&](const StepInput& input) { return !graph_.computes(gradient(input.gradient)); });
  }
  std::erase_if(steps, [&](const Step& step) { return !has(step); });
  return steps;
}

Step LawPoint::step(const std::string& name) const {
  for (Step& step : steps()) {
    if (step.name == name) return step;
  }
  throw std::invalid_argument("no step '" + name + "'");
}

LawSides LawPoint::sides(const Step& step, std::uint64_t seed) const {
  Values<RealDual> point;
  Values<Real> known;
  Values<Real> tangents;
  Wanted gradients;
  for (const StepInput& input : step.inputs) {
    const std::vector<Real>& at = values_.at(forward(input.name));
    known[forward(input.name)] = at;
    const auto& v = tangents[gradient(input.gradient)] = random_reals(at.size(), ++seed);
    for (std::size_t i = 0; i < at.size(); ++i) point[forward(input.name)].push_back({at[i], v[i]});
    gradients.slots.push_back(gradient(input.gradient));
  }
  Wanted outputs;
  for (const Name output : step.outputs) {
    outputs.slots.push_back(forward(output));
    known[gradient(output)] = random_reals(values_.at(forward(output)).size(), ++seed);
  }
  LawSides sides{0, 0};
  for (const auto& [slot, values] : differentiate_real(problem_, recipe_, point, outputs)) {
    std::vector<Real> derivative;
    for (const RealDual& value : values) derivative.push_back(value.derivative);
    sides.forward += inner_product(derivative, known.at(gradient(slot.name)));
  }
  for (const auto& [slot, values] : evaluate_real(problem_, recipe_, known, gradients)) {
    sides.backward += inner_product(values, tangents.at(slot));
  }
  return sides;
}

}  // namespace ulpscope::test
