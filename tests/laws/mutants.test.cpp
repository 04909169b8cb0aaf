// SPDX-License-Identifier: Apache-2.0
// No bug that shows goes unseen: whatever a mutant moves beyond what honest runs of the recipe hold, compare refuses.
#include "core/judge/mutants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <map>

#include "core/judge/ruler.hpp"
#include "tests/laws/support/fresh_shapes.hpp"
#include "tests/laws/support/kept_slots.hpp"
#include "tests/laws/support/legal_orders.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

namespace {

/// Moves every fourth element or so to a neighbour in its slot's format: what the replay rule passes, slot by slot.
std::map<Slot, Override> one_ulp_off(const Problem& problem, const Recipe& recipe, std::uint64_t seed) {
  std::map<Slot, Override> overrides;
  for (const Slot slot : program_order(problem, recipe)) {
    if (level_of(slot) == Level::table) continue;
    const judge::Ruler ruler(storage_format(slot, recipe, problem.config));
    overrides[slot] = [ruler, random = test::Random(seed + slot.index())](Tensor& tensor) mutable {
      std::vector<double> values = to_doubles(tensor);
      for (double& value : values) {
        const std::size_t way = random.index(8);
        if (way < 2 && std::isfinite(value)) value += way == 0 ? ruler.spacing(value) : -ruler.spacing(value);
      }
      tensor.data = std::move(values);
    };
  }
  return overrides;
}

/// What runs hold that the recipe explains: their sums added in other orders, or slots an ulp off here and there.
class Honest {
 public:
  Honest(const Problem& problem, const Recipe& recipe) {
    test::Random random(7);
    add(run_traced(problem, recipe, {}).tape);
    for (std::uint64_t i = 0; i < 8; ++i) {
      add(run_traced(problem, test::reordered(recipe, random), {}).tape);
      RunOptions options;
      options.overrides = one_ulp_off(problem, recipe, random.bits());
      add(run_traced(problem, recipe, options).tape);
    }
  }

  /// Some element lies outside what all of them hold by more than one ulp and three times as far as they differ
  /// anywhere in its row, or is of another class.
  bool explains(Slot slot, const Record& found) const {
    const Hull& hull = hulls_.at(slot);
    const judge::Ruler ruler(found.format);
    const std::size_t width = found.tensor.shape.back();
    for (std::size_t row = 0; row < hull.low.size(); row += width) {
      double widest = 0;
      for (std::size_t i = row; i < row + width; ++i) widest = std::max(widest, hull.high[i] - hull.low[i]);
      if (!std::isfinite(widest)) widest = 0;
      for (std::size_t i = row; i < row + width; ++i) {
        const double value = found.tensor.at(i);
        if (value >= hull.low[i] && value <= hull.high[i]) continue;
        const double off = std::max(hull.low[i] - value, value - hull.high[i]);
        const double largest = std::max({std::fabs(value), std::fabs(hull.low[i]), std::fabs(hull.high[i])});
        if (!(off <= ruler.spacing(largest) + 3 * widest)) return false;
      }
    }
    return true;
  }

 private:
  struct Hull {
    std::vector<double> low;
    std::vector<double> high;
  };

  void add(const Tape& tape) {
    for (const auto& [slot, record] : tape.records()) {
      const std::vector<double> values = to_doubles(record.tensor);
      auto [found, is_new] = hulls_.try_emplace(slot, Hull{values, values});
      for (std::size_t i = 0; i < values.size(); ++i) {
        found->second.low[i] = std::min(found->second.low[i], values[i]);
        found->second.high[i] = std::max(found->second.high[i], values[i]);
      }
    }
  }

  std::map<Slot, Hull> hulls_;
};

bool is_visible(const judge::Dump& dump, const Honest& honest) {
  const auto& records = dump.tape.records();
  return std::any_of(records.begin(), records.end(),
                     [&](const auto& entry) { return !honest.explains(entry.first, entry.second); });
}

bool is_caught(const judge::RunReport& report) { return judge::exit_code(report) == 1; }

/// How much of everything is tried: every n-th mutant, in how many of the sets of slots.
struct Share {
  std::size_t every;
  std::size_t kept_sets;
};

struct Seen {
  std::size_t planted = 0;
  std::map<test::Kept, std::size_t> visible;
};

/// Plants every mutant that has a place; counts where it shows, and requires that compare sees it there.
class Trial {
 public:
  void plant_all(std::size_t shape, const Recipe& recipe, const Share& share) {
    const test::Court court(test::fresh_problem(test::fresh_seed(), shape), recipe);
    const Honest honest(court.problem(), court.recipe());
    for (const judge::Mutant& mutant : judge::mutants()) {
      if (!judge::reason_against(mutant, court.problem(), recipe).empty() || ++met_ % share.every != 0) continue;
      ++seen_[mutant.name].planted;
      const Tape tape = judge::run_mutant(court.problem(), court.recipe(), mutant, {}).tape;
      for (std::size_t i = 0; i < share.kept_sets; ++i) {
        const test::Kept kept = test::all_kept[(met_ / share.every + i) % std::size(test::all_kept)];
        INFO("seed " << test::fresh_seed() << ", shape " << shape << ", " << recipe.name << ", " << mutant.name
                     << ", keeps " << to_string(kept));
        const judge::Dump dump = test::dump_of(tape, kept);
        const bool visible = is_visible(dump, honest);
        seen_[mutant.name].visible[kept] += visible;
        if (visible) CHECK(is_caught(court.judged(dump)));
      }
    }
  }

  /// One line per mutant: where it shows, and where it does not.
  void print() const {
    for (const auto& [name, seen] : seen_) {
      std::string line = fmt::format("{:26} {:3} runs; shows", name, seen.planted);
      for (const auto& [kept, count] : seen.visible) line += fmt::format("  {} {}", to_string(kept), count);
      std::puts(line.c_str());
    }
  }

  std::size_t kinds() const { return seen_.size(); }
  /// Somewhere, in some set of slots.
  bool every_kind_shows() const {
    return std::all_of(seen_.begin(), seen_.end(), [](const auto& entry) {
      const auto& visible = entry.second.visible;
      return std::any_of(visible.begin(), visible.end(), [](const auto& kept) { return kept.second > 0; });
    });
  }

 private:
  std::size_t met_ = 0;
  std::map<std::string_view, Seen> seen_;
};

const Recipe& recipe_of(std::size_t shape) {
  static const Recipe recipes[] = {test::with_settings(load_recipe("fp32"), {"mask=pad", "segments=strict"}),
                                   load_recipe("hf"), load_recipe("pr3810")};
  return recipes[shape % std::size(recipes)];
}

}  // namespace

TEST_CASE("a mutant that shows in what a port keeps is caught, on fresh problems of ten shapes") {
  Trial trial;
  for (std::size_t shape = 0; shape < 10; ++shape) trial.plant_all(shape, recipe_of(shape), {2, 1});
  trial.print();
  CHECK(trial.kinds() >= 20);
}

TEST_CASE("a mutant that shows in any set of slots is caught in it, in three recipes", "[.full]") {
  Trial trial;
  for (std::size_t shape = 0; shape < 10; ++shape) {
    for (std::size_t recipe = 0; recipe < 3; ++recipe)
      trial.plant_all(shape, recipe_of(recipe), {1, std::size(test::all_kept)});
  }
  trial.print();
  CHECK(trial.kinds() == judge::mutants().size());
  CHECK(trial.every_kind_shows());
}
