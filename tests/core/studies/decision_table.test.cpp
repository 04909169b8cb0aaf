// SPDX-License-Identifier: Apache-2.0
// Every cell of the decision table of pads, and the page that is made of them.
#include "core/studies/decision_table.hpp"

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "core/io/atomic_file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"

using namespace ulpscope::studies;

namespace {

using Cells = std::vector<std::string>;

/// What theory says, by algorithm; the columns are those of decision_situations().
const std::map<std::string, Cells> pads_with_data{
    {"naive", {"pad 0 / finite", "pad 0 / finite", "NaN / NaN", "NaN / NaN", "NaN / NaN"}},
    {"shifted", {"pad 0 / finite", "pad 0 / finite", "leak / pads move", "uniform / pads move", "NaN / NaN"}},
    {"where_post", {"pad 0 / finite", "pad 0 / finite", "sum < 1 / pads move", "all 0 / 0", "all 0 / NaN"}},
    {"double_where", {"pad 0 / finite", "pad 0 / finite", "pad 0 / finite", "all 0 / 0", "all 0 / 0"}},
    {"where_arg", {"pad 0 / finite", "pad 0 / finite", "pad 0 / finite", "all 0 / 0", "all 0 / 0"}},
    {"log_softmax", {"pad 0 / finite", "pad 0 / finite", "leak / pads move", "uniform / pads move", "NaN / NaN"}},
    {"online", {"pad 0 / finite", "NaN / NaN", "leak / pads move", "uniform / pads move", "NaN / NaN"}},
    {"online_guarded", {"pad 0 / finite", "pad 0 / finite", "leak / pads move", "uniform / pads move", "all 0 / 0"}}};

/// A NaN of the pads' kv is NaN in the forward, and in every gradient of the logits through sum y g, unless a `where`
/// stands between the weights and kv: its VJP selects 0, and does not multiply by it. (JAX 0.10.2 and PyTorch 2.13 give
/// these classes.)
const std::map<std::string, Cells> pads_with_nan{
    {"where_post", {"NaN / finite", "NaN / finite", "NaN / pads move", "NaN / 0", "NaN / NaN"}},
    {"double_where", {"NaN / finite", "NaN / finite", "NaN / finite", "NaN / 0", "NaN / 0"}},
    {"where_arg", {"NaN / finite", "NaN / finite", "NaN / finite", "NaN / 0", "NaN / 0"}}};

/// Infinity times a weight that is not 0 is infinite.
std::map<std::string, Cells> pads_with_infinity() {
  std::map<std::string, Cells> cells = pads_with_nan;
  for (const char* softmax : {"shifted", "log_softmax", "online", "online_guarded"})
    cells[softmax] = {"NaN / NaN", "NaN / NaN", "Inf / NaN", "Inf / NaN", "NaN / NaN"};
  return cells;
}

void check_cells(const std::string& pad_kv, const std::map<std::string, Cells>& expected) {
  for (const Formula& formula : decision_formulas()) {
    const auto found = expected.find(formula.softmax);
    const Cells cells = found == expected.end() ? Cells(5, "NaN / NaN") : found->second;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const Situation& situation = decision_situations()[i];
      INFO(formula.name << ", " << situation.name << ", kv of pads: " << pad_kv);
      const Decision decision = decide(formula, situation, pad_kv);
      CHECK(decision.forward + " / " + decision.gradient == cells[i]);
    }
  }
}

}  // namespace

TEST_CASE("every cell of the decision table is what theory says") {
  REQUIRE(decision_situations().size() == 5);
  REQUIRE(decision_formulas().size() == 13);
  check_cells("data", pads_with_data);
}

TEST_CASE("a NaN or an infinity in the pads' kv breaks every forward, and every backward without a where") {
  check_cells("nan", pads_with_nan);
  check_cells("inf", pads_with_infinity());
}

TEST_CASE("other finite pads that lie far below have the classes of -1e4") {
  for (const Formula& formula : decision_formulas()) {
    for (const Situation& situation : decision_situations()) {
      if (situation.pad_gate == "-inf" || situation.row == "above_pad") continue;
      const Decision expected = decide(formula, situation, "data");
      for (const char* pad : {"-1e9", "-1e30", "lowest"}) {
        INFO(formula.name << ", " << situation.row << ", " << pad);
        const Decision decision = decide(formula, {"", situation.row, pad}, "data");
        CHECK(decision.forward == expected.forward);
        CHECK(decision.gradient == expected.gradient);
      }
    }
  }
}

TEST_CASE("the committed page of the decision table is what the program computes: make docs") {
  const std::string path = ulpscope::test::source_path("docs/decision_table.md");
  if (std::getenv("ULPSCOPE_WRITE_DOCS") != nullptr) ulpscope::io::write_text(path, decision_page());
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  CHECK(text.str() == decision_page());
}
