// SPDX-License-Identifier: Apache-2.0
// Few single roundings on the way: found where they are what fails, and nowhere else.
#include <algorithm>
#include <cmath>
#include <map>

#include "core/judge/replay.hpp"
#include "core/judge/ruler.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using compressor::forward;
using compressor::gradient;
using compressor::Name;

namespace {

/// Recipe hf on a golden problem, keeping what a fused kernel gives.
struct Fused {
  compressor::Problem problem = test::golden_problem("csa-small");
  compressor::Recipe recipe = compressor::load_recipe("hf");
  judge::Dump dump = kept(test::own_dump(problem, recipe));
  judge::Replayer replayer{problem, recipe, dump.tape, 1};

  static judge::Dump kept(judge::Dump dump) {
    test::keep_only(dump, {"output", "grad.hidden", "grad.w_kv", "grad.w_gate", "grad.ape", "grad.gamma"});
    return dump;
  }

  /// Elements of gate that an order of its sum may round to a second value of bf16, and that value: those first that
  /// move grad.ape most.
  std::vector<std::pair<std::size_t, double>> near_ties() const {
    const judge::Replayed gate = replayer.replay(forward(Name::gate));
    std::vector<std::pair<std::size_t, double>> ties;
    for (std::size_t i = 0; i < gate.low.size(); ++i) {
      const double value = gate.value.at(i);
      for (const double end : {gate.low[i], gate.high[i]}) {
        if (std::fabs(end - value) > 0x1p-9 * std::fabs(value) && std::fabs(value) > .5) ties.emplace_back(i, end);
      }
    }
    const std::vector<double> plain = ape_with({});
    std::map<std::size_t, double> moves;
    for (const auto& tie : ties) {
      const std::vector<double> moved = ape_with({tie});
      for (std::size_t k = 0; k < plain.size(); ++k)
        moves[tie.first] = std::max(moves[tie.first], std::fabs(moved[k] - plain[k]));
    }
    std::sort(ties.begin(), ties.end(), [&](const auto& a, const auto& b) { return moves[a.first] > moves[b.first]; });
    return ties;
  }

  /// grad.ape where these elements of gate are these values.
  std::vector<double> ape_with(const std::vector<std::pair<std::size_t, double>>& turned) const {
    std::vector<double> gate = compressor::to_doubles(replayer.value(forward(Name::gate)));
    for (const auto& [i, value] : turned) gate[i] = value;
    const compressor::Shape shape{problem.config.batch, problem.config.seq, problem.config.features()};
    compressor::Tape given = dump.tape;
    given.set(forward(Name::gate), {shape, std::move(gate), io::DType::f64}, precision::parse_format("bf16"));
    return compressor::to_doubles(judge::Replayer(problem, recipe, given, 1).value(gradient(Name::ape)));
  }

  /// The shift that explains `found`, all elements of which are said to fail that are not the replay's.
  std::vector<double> shift_to(const std::vector<double>& found) const {
    const judge::Ruler ruler(replayer.plan().at(gradient(Name::ape)).storage);
    const std::vector<double> value = ape_with({});
    std::vector<judge::Unexplained> elements;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i] != value[i]) elements.push_back({i, found[i], ruler.spacing(found[i]), value[i], value[i]});
    }
    REQUIRE_FALSE(elements.empty());
    return replayer.shift_by_few(gradient(Name::ape), elements, 0);
  }
};

}  // namespace

TEST_CASE("gates rounded to the other side of a tie are found from the gradient that they move") {
  const Fused fused;
  const auto ties = fused.near_ties();
  REQUIRE(ties.size() >= 2);
  const std::vector<double> value = fused.ape_with({});
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}}) {
    std::vector<double> found = fused.ape_with({ties.begin(), ties.begin() + static_cast<std::ptrdiff_t>(count)});
    const std::vector<double> shift = fused.shift_to(found);
    INFO(count << " gates");
    REQUIRE(shift.size() == found.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(value[i] + shift[i] == found[i]);
  }
}

TEST_CASE("what no rounding on the way makes is explained by none") {
  const Fused fused;
  std::vector<double> found = fused.ape_with({});
  for (double& one : found) one *= 1.01;
  CHECK(fused.shift_to(found).empty());
  std::vector<double> one_off = fused.ape_with({});
  one_off[5] *= 2;
  CHECK(fused.shift_to(one_off).empty());
}
