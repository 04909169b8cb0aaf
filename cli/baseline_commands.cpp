// SPDX-License-Identifier: Apache-2.0
// The verbs bless and check.
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/numbers.hpp"
#include "cli/options.hpp"
#include "core/judge/baseline_check.hpp"

namespace ulpscope::cli {

Verb bless_verb(CLI::App& root) {
  struct State {
    app::BlessOptions options;
    Texts problems;
    Texts recipes;
    Outputs outputs;
  };
  const auto state = std::make_shared<State>();
  CLI::App& app =
      *root.add_subcommand("bless", "write a baseline: the bits and errors of every slot, for `check` to hold them to");
  auto& o = state->options;
  app.add_option("PROBLEM", state->problems, "problem files; none: the presets small-csa and small-hca")->type_name("");
  repeated(app, "--recipe", state->recipes,
           "a built-in name or a JSON file, repeatable; none: fp32 native hf pr3810 maxtext bf16-pure");
  app.add_option("--preset", o.presets, "problems drawn from presets")->type_name("")->delimiter(',');
  repeated(app, "--dump", o.dumps, "a dump of the PROBLEM, judged by the --recipe, instead of a run; repeatable");
  text(app, "--backend", o.backend, "traced | fused | cuda");
  text(app, "--truth", o.truth, "fp64 | certified | mpfr");
  text(app, "--basis", o.basis, "quantized | given");
  edits(app, o.edits);
  seed(app, o.seed);
  text(app, "-o,--output", o.output, "the baseline to write")->required();
  threads(app, o.threads);
  quiet(app, state->outputs);
  app.footer("Example: ulpscope bless problem.safetensors --recipe hf --dump kernel.safetensors -o baseline.json");
  return {&app, [state] {
            state->options.problems.assign(state->problems.begin(), state->problems.end());
            state->options.recipes.assign(state->recipes.begin(), state->recipes.end());
            state->outputs.product = state->options.output;
            state->outputs.inputs = state->problems;
            return done(state->outputs, [state](const app::Progress& progress) {
              state->options.progress = progress;
              return app::bless(state->options);
            });
          }};
}

Verb check_verb(CLI::App& root) {
  const auto state = std::make_shared<std::pair<app::CheckOptions, Outputs>>();
  CLI::App& app = *root.add_subcommand("check", "compute a baseline again: what changed, and is any of it worse");
  auto& o = state->first;
  text(app, "BASELINE", o.baseline, "what `bless` wrote")->required();
  real(
      app, "--factor", [&o](double x) { o.factor = x; },
      fmt::format("how much larger an error may be ({:g})", judge::usual_factor));
  threads(app, o.threads);
  files(app, state->second);
  app.footer("Example: ulpscope check baseline.json --junit check.xml");
  return {&app, [state] {
            state->second.inputs = {state->first.baseline};
            return done(state->second, [state](const app::Progress& progress) {
              state->first.progress = progress;
              return app::check(state->first);
            });
          }};
}

}  // namespace ulpscope::cli
