// SPDX-License-Identifier: Apache-2.0
// The page is the walk of `ulpscope study nan --recipe pr3810` and its conclusion, with an introduction.
#include "core/studies/nan_page.hpp"

#include "core/studies/run_study.hpp"

namespace ulpscope::studies {
namespace {

constexpr const char* introduction = R"(# Which of PR 3810's fears are real?

`make docs` writes this page; a test keeps it current. It is `ulpscope study nan --recipe pr3810`; the same question about
a problem of yours is `ulpscope study nan PROBLEM --recipe RECIPE`, about more pads, algorithms and formats `--full`.

[MaxText PR 3810](https://github.com/AI-Hypercomputer/maxtext/pull/3810) pads the gate of the missing previous window with
-1e4 instead of -inf, upcasts the gate to fp32 before the softmax, and says that the first keeps gradients free of NaN
and the second keeps the softmax's denominator from underflowing in bf16. Each claim is tried where nothing else differs.

)";

}  // namespace

std::string pull_request_page() {
  WalkOptions options;
  options.values = {{"recipe", {"pr3810"}}};
  const Results results = run_study(study_named("nan"), options);
  std::string page = introduction;
  for (const std::string& sentence : results.conclusion) page += "- " + sentence + "\n";
  const CellTable cells = table_of(to_json(results, io::Json::object()), results.cells.size());
  page += "\n" + judge::markdown(cells.table) + "\nEverywhere: " + cells.remark + ".\n\n";
  for (const Measure& measure : results.study->measures) {
    if (!measure.detail) page += "`" + measure.name + "`: " + measure.about + ".\n";
  }
  return page;
}

}  // namespace ulpscope::studies
