// SPDX-License-Identifier: Apache-2.0
// The verbs bless and check.
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/numbers.hpp"
#include "cli/options.hpp"
#include "core/judge/baseline_check.hpp"

namespace ulpscope::cli {

Verb bless_verb(CLI::App& root) {
  const auto state = std::make_shared<ListState<app::BlessOptions>>();
  CLI::App& app =
      *root.add_subcommand("bless", "write a baseline: the bits and errors of every slot, for `check` to hold them to");
  auto& o = state->options;
  problems_and_recipes(app, state->problems, state->recipes, o.presets);
  repeated(app, "--dump", o.dumps, "a dump of the PROBLEM, judged by the --recipe, instead of a run; repeatable");
  text(app, "--backend", o.backend, "traced | fused | cuda");
  text(app, "--truth", o.truth, "fp64 | certified | mpfr");
  cache(app, o.cache);
  text(app, "--basis", o.basis, "quantized | given");
  edits(app, o.edits);
  seed(app, o.seed);
  text(app, "-o,--output", o.output, "the baseline to write")->required();
  threads(app, o.threads);
  quiet(app, state->outputs);
  app.footer("Example: ulpscope bless problem.safetensors --recipe hf --dump kernel.safetensors -o baseline.json");
  return {&app, [state] {
            state->outputs.product = state->options.output;
            return done(state, app::bless);
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
  cache(app, o.cache);
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
