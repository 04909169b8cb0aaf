// SPDX-License-Identifier: Apache-2.0
// Cells of the decision table, each a point of study pads, and the page that shows them.
#include "core/studies/decision_table.hpp"

#include <fmt/format.h>

#include "core/judge/text_table.hpp"
#include "core/studies/run_study.hpp"

namespace ulpscope::studies {
namespace {

std::string table_with(const std::string& pad_kv) {
  judge::TextTable table;
  table.head = {"formula"};
  for (const Situation& situation : decision_situations()) table.head.push_back(situation.name);
  table.left = table.head.size();
  for (const Formula& formula : decision_formulas()) {
    table.rows.push_back({formula.name});
    for (const Situation& situation : decision_situations()) {
      const Decision decision = decide(formula, situation, pad_kv);
      table.rows.back().push_back(decision.forward + " / " + decision.gradient);
    }
  }
  return judge::markdown(table);
}

constexpr const char* words = R"(Before the slash stands what the forward gives, after it what the backward gives:

| word | forward |
| --- | --- |
| pad 0 | the pads weigh exactly 0, the tokens' weights sum to 1 |
| leak | pads beside tokens weigh something |
| sum < 1 | pads weigh 0, and yet have a share of the denominator |
| uniform | nothing but pads, each of the same weight: an average over what no one asked for |
| all 0 | no slot weighs anything |

| word | gradients of logits and values |
| --- | --- |
| finite | numbers, exactly 0 at pads |
| pads move | numbers, and a pad's logit has one that is not 0 |
| 0 | all of them |
)";

constexpr const char* with_data = R"(## Where pads hold numbers

A mask that acts on gates only leaves the tokens' kv where it was. A finite pad of kv changes no class of this table, but
in the column "all masked, -1e4": where the pads' kv are all alike their gradients are 0.

)";

constexpr const char* with_nan = R"(## Where pads hold NaN

0 times NaN is NaN: no gate protects from what stands in kv. The cotangent of `pooled` is finite here; in a layer with a
norm behind it, the NaN of the forward comes back as one. The formulas with `where` drop the pads' cotangent, so that
alone they pass finite gradients on.

)";

constexpr const char* with_infinity = R"(## Where pads hold infinity

As with NaN, but for pads that weigh: there the forward is infinite.

)";

}  // namespace

std::span<const Formula> decision_formulas() {
  static const std::string through = "softmax.max_gradient=through";
  static const std::vector<Formula> formulas{
      {"exp(x) / sum exp(x), autodiff, JAX's division", "naive", "autodiff:jax_div", ""},
      {"exp(x) / sum exp(x), autodiff, PyTorch's division", "naive", "autodiff:torch_div", ""},
      {"shifted by max, autodiff, JAX's division", "shifted", "autodiff:jax_div", ""},
      {"shifted by max, autodiff, PyTorch's division", "shifted", "autodiff:torch_div", ""},
      {"shifted by max, autodiff through max too", "shifted", "autodiff:jax_div", through},
      {"`jax.nn.softmax(x)`: g y - y s", "shifted", "gy_minus_ys", ""},
      {"`torch.softmax(x)`: y (g - s)", "shifted", "y_times_g_minus_s", ""},
      {"`where(mask, softmax(x), 0)`", "where_post", "gy_minus_ys", ""},
      {"`where` before and after", "double_where", "gy_minus_ys", ""},
      {"`jax.nn.softmax(x, where=mask)`", "where_arg", "gy_minus_ys", ""},
      {"`exp(log_softmax(x))`", "log_softmax", "gy_minus_ys", ""},
      {"online, a tile of pads first", "online", "gy_minus_ys", ""},
      {"online, guarded", "online_guarded", "gy_minus_ys", ""}};
  return formulas;
}

std::span<const Situation> decision_situations() {
  static const std::vector<Situation> situations{{"partial, -1e4", "partial", "-1e4"},
                                                 {"partial, -inf", "partial", "-inf"},
                                                 {"max 10 above -1e4", "above_pad", "-1e4"},
                                                 {"all masked, -1e4", "all_masked", "-1e4"},
                                                 {"all masked, -inf", "all_masked", "-inf"}};
  return situations;
}

Decision decide(const Formula& formula, const Situation& situation, const std::string& pad_kv) {
  const Point point({{"softmax", formula.softmax},
                     {"row", situation.row},
                     {"pad_gate", situation.pad_gate},
                     {"pad_kv", pad_kv},
                     {"order", "bias_first"},
                     {"format", "fp32"},
                     {"vjp", formula.vjp}});
  Subject subject;
  if (!formula.setting.empty()) {
    subject.recipe = [&](const std::string& name) {
      return compressor::with_setting(compressor::load_recipe(name), formula.setting);
    };
  }
  const io::Json measures = study_named("pads").measure(point, subject);
  return {measures.at("forward").get<std::string>(), measures.at("gradient").get<std::string>()};
}

std::string decision_page() {
  std::string answer;
  for (const std::string& sentence : run_study(study_named("pads"), {}).conclusion)
    answer += judge::folded(sentence, "");
  return fmt::format(
      "# What pads do, formula by formula\n\n"
      "`make docs` writes this page; a test keeps it current. Every cell is a run in fp32 of a first window of CSA:\n"
      "4 pads and 4 tokens, 16 channels wide. `ulpscope study pads` knows more pads, formats, orders and rules.\n\n"
      "{}\n{}\n{}{}\n{}{}\n{}{}",
      answer, words, with_data, table_with("data"), with_nan, table_with("nan"), with_infinity, table_with("inf"));
}

}  // namespace ulpscope::studies
