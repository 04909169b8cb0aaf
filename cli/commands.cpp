// SPDX-License-Identifier: Apache-2.0
// The grammar of the command line: its verbs.
#include <algorithm>

#include "cli/command.hpp"
#include "cli/numbers.hpp"
#include "cli/options.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"

namespace ulpscope::cli {
namespace {

Verb report_verb(CLI::App& root) {
  const auto state = std::make_shared<ListState<app::ReportOptions>>();
  CLI::App& app =
      *root.add_subcommand("report", "run recipes on problems and say, slot by slot, how far each is from the truth");
  auto& o = state->options;
  problems_and_recipes(app, state->problems, state->recipes, o.presets);
  text(app, "--backend", o.backend, "traced | fused | cuda");
  text(app, "--truth", o.truth,
       "fp64 | certified: with proven radii (of the usual problems the default) | mpfr: 266 bits, slow");
  cache(app, o.cache);
  text(app, "--basis", o.basis, "quantized | given: are inputs rounded as the recipe does (quantized for one recipe)");
  attribution(app, o.target, o.attribution);
  app.add_option("--fail-on", o.fail_on, "fail | undecided | METRIC>X: when to exit with 1 or 3")
      ->type_name("")
      ->allow_extra_args(false);
  dtypes(app, o.dtypes);
  edits(app, o.edits);
  seed(app, o.seed);
  threads(app, o.threads);
  files(app, state->outputs);
  app.footer("Example: ulpscope report --preset small-csa --recipe hf --json report.json");
  return {&app, [state] { return done(state, app::report); }};
}

Verb make_verb(CLI::App& root) {
  const auto state = std::make_shared<std::pair<app::MakeOptions, Outputs>>();
  CLI::App& app = *root.add_subcommand("make", "make a problem: a config and its inputs");
  auto& o = state->first;
  text(app, "--preset", o.preset, "a named config");
  text(app, "--config", o.config, "a config as a JSON file");
  text(app, "--checkpoint", o.checkpoint, "a directory of safetensors shards");
  option(
      app, "--layer", [&o](const Text& value) { o.layer = whole_number("--layer", value); },
      "which layer of the checkpoint");
  app.add_flag("--indexer", o.indexer, "the compressor of the layer's indexer");
  text(app, "--from", o.from, "another problem");
  size(app, "--batch", o.batch, "B");
  size(app, "--seq", o.seq, "S");
  size(app, "--hidden", o.hidden, "h");
  size(app, "--head-dim", o.head_dim, "d");
  option(
      app, "--seed", [&o](const Text& value) { o.seed = whole_number("--seed", value); }, "of the random inputs (0)");
  real(
      app, "--gate-sigma", [&o](double x) { o.gate_sigma = x; }, "spread of the gates (1.5)");
  real(
      app, "--ape-sigma", [&o](double x) { o.ape_sigma = x; }, "spread of ape (0.5)");
  repeated(app, "--input", o.inputs, "NAME=FILE: take an input from a tensor file");
  dtypes(app, o.dtypes);
  text(app, "-o,--output", o.output, "the problem to write")->required();
  threads(app, o.threads);
  quiet(app, state->second);
  app.footer("Example: ulpscope make --preset v4-flash-csa --seq 1024 -o problem.safetensors");
  return {&app, [state] {
            state->second.product = state->first.output;
            return done(state->second, [state](const app::Progress&) { return app::make(state->first); });
          }};
}

Verb run_verb(CLI::App& root) {
  const auto state = std::make_shared<std::pair<app::RunOptions, Outputs>>();
  CLI::App& app = *root.add_subcommand("run", "run a recipe on a problem and write every slot");
  auto& o = state->first;
  text(app, "PROBLEM", o.problem, "a problem file")->required();
  text(app, "--recipe", o.recipe, "a built-in name or a JSON file")->required();
  text(app, "--backend", o.backend, "traced | fused | cuda");
  app.add_flag_callback(
      "--no-grad", [&o] { o.gradients = false; }, "forward only");
  option(
      app, "--chunks", [&o](const Text& value) { o.chunks = number_list("--chunks", value); },
      "decode: tokens per call, as 9,1,1");
  option(
      app, "--seed", [&o](const Text& value) { o.edits.seed = whole_number("--seed", value); },
      "of stochastic roundings, formats with :sr (the recipe's, 0)");
  text(app, "--mutant", o.mutant, "plant a known bug of ports, one of `list mutants`");
  dtypes(app, o.dtypes);
  edits(app, o.edits);
  text(app, "-o,--output", o.output, "the dump to write")->required();
  threads(app, o.threads);
  quiet(app, state->second);
  app.footer("Example: ulpscope run problem.safetensors --recipe hf -o dump.safetensors");
  return {&app, [state] {
            state->second.product = state->first.output;
            return done(state->second, [state](const app::Progress&) { return app::run(state->first); });
          }};
}

Verb compare_verb(CLI::App& root) {
  const auto state = std::make_shared<std::pair<app::CompareOptions, Outputs>>();
  CLI::App& app =
      *root.add_subcommand("compare", "is this dump what the recipe explains, and where does it first differ");
  auto& o = state->first;
  text(app, "PROBLEM", o.problem, "the problem that the dump was made from")->required();
  text(app, "DUMP", o.dump, "safetensors or npz with slot names, or --map")->required();
  text(app, "--recipe", o.recipe, "the arithmetic that the dump claims; none: the one it names itself");
  edits(app, o.edits);
  text(app, "--map", o.map, "JSON {\"their.name\": \"slot\"}; regular expressions allowed");
  dtypes(app, o.dtypes);
  text(app, "--truth", o.truth, "fp64 | certified: with a proven radius | mpfr: 266 bits, slow");
  cache(app, o.cache);
  text(app, "--basis", o.basis, "quantized | given");
  attribution(app, o.target, o.attribution);
  text(app, "--slots", o.slots, "only slots whose whole name matches this regular expression");
  tolerances(app, o.tolerance);
  threads(app, o.threads);
  files(app, state->second);
  text(app, "--save-case", o.save_case,
       "F: where a slot fails, write the failing window as F.problem.safetensors, F.dump.safetensors and F.sh");
  app.footer("Example: ulpscope compare problem.safetensors dump.safetensors --recipe hf");
  return {&app, [state] {
            state->second.inputs = {std::get<Text>(state->first.problem), std::get<Text>(state->first.dump)};
            if (state->first.save_case) state->second.product = *state->first.save_case + ".sh";
            return done(state->second, [state](const app::Progress&) { return app::compare(state->first); });
          }};
}

Verb diff_verb(CLI::App& root) {
  const auto state = std::make_shared<std::pair<app::DiffOptions, Outputs>>();
  CLI::App& app = *root.add_subcommand("diff", "two dumps, slot by slot: bits, or a tolerance");
  auto& o = state->first;
  text(app, "DUMP", o.first, "a dump")->required();
  text(app, "REFERENCE", o.second, "the dump it is measured against")->required();
  text(app, "--problem", o.problem, "their problem, where neither carries a config");
  text(app, "--map", o.map, "JSON {\"their.name\": \"slot\"}; regular expressions allowed");
  dtypes(app, o.dtypes);
  text(app, "--slots", o.slots, "only slots whose whole name matches this regular expression");
  tolerances(app, o.tolerance);
  threads(app, o.threads);
  files(app, state->second);
  app.footer("Example: ulpscope diff ours.safetensors theirs.safetensors --rtol 1e-5 --atol 1e-5");
  return {&app, [state] {
            state->second.inputs = {std::get<Text>(state->first.first), std::get<Text>(state->first.second)};
            return done(state->second, [state](const app::Progress&) { return app::diff(state->first); });
          }};
}

Verb list_verb(CLI::App& root) {
  const auto state = std::make_shared<std::pair<Text, Outputs>>();
  CLI::App& app = *root.add_subcommand("list", "the program's tables");
  text(app, "WHAT", state->first, io::listed(app::list_topics()))->required();
  app.add_flag("--json", state->second.json_to_terminal, "as JSON");
  quiet(app, state->second);
  app.footer("Example: ulpscope list recipes");
  return {&app,
          [state] { return done(state->second, [state](const app::Progress&) { return app::list(state->first); }); }};
}

Verb inspect_verb(CLI::App& root) {
  const auto state = std::make_shared<std::pair<Text, Outputs>>();
  CLI::App& app = *root.add_subcommand("inspect", "what a tensor file or a report holds");
  text(app, "FILE", state->first, "safetensors, npz, npy or JSON")->required();
  text(app, "--json", state->second.json, "write it as JSON; - is standard output");
  quiet(app, state->second);
  app.footer("Example: ulpscope inspect dump.safetensors");
  return {&app, [state] {
            state->second.inputs = {state->first};
            return done(state->second, [state](const app::Progress&) { return app::inspect(state->first); });
          }};
}

Verb convert_verb(CLI::App& root) {
  const auto state = std::make_shared<std::pair<app::ConvertOptions, Outputs>>();
  CLI::App& app = *root.add_subcommand("convert", "between safetensors, npz and npy, by the name of the output");
  text(app, "FILE", state->first.input, "the file to read")->required();
  dtypes(app, state->first.dtypes);
  text(app, "-o,--output", state->first.output, "the file to write")->required();
  quiet(app, state->second);
  app.footer("Example: ulpscope convert dump.npz --dtype kv=bf16 -o dump.safetensors");
  return {&app, [state] {
            state->second.product = state->first.output;
            return done(state->second, [state](const app::Progress&) { return app::convert(state->first); });
          }};
}

Verb selftest_verb(CLI::App& root) {
  const auto state = std::make_shared<std::pair<app::SelftestOptions, Outputs>>();
  CLI::App& app = *root.add_subcommand("selftest", "does this program compute on this machine what it says");
  app.add_flag_callback(
      "--exhaustive", [state] { state->first.thoroughness = app::Thoroughness::exhaustive; },
      "all 2^32 floats: minutes");
  threads(app, state->first.threads);
  text(app, "--json", state->second.json, "write the claims as JSON; - is standard output");
  quiet(app, state->second);
  app.footer("Example: ulpscope selftest");
  return {&app, [state] {
            return done(state->second, [state](const app::Progress& progress) {
              state->first.progress = progress;
              return app::selftest(state->first);
            });
          }};
}

/// CLI11's complaint as one sentence.
Text sentence_of(const CLI::ParseError& error, const Text& verb) {
  Text text = error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return (verb.empty() ? "" : verb + ": ") + text +
         (verb.empty() ? "; see ulpscope --help" : "; see ulpscope " + verb + " --help");
}

}  // namespace

Command parse(int argc, const char* const* argv) {
  CLI::App root("ulpscope: reference validation and numerics of the DeepSeek-V4 token compressor", "ulpscope");
  root.set_version_flag("--version", app::version_text());
  root.footer(
      "Example: ulpscope report\nExit codes: 0 pass, 1 numerical failure, 2 bad input, 3 undecided, 77 no device, 70 "
      "internal, 130 interrupted");
  const std::vector<Verb> verbs{
      report_verb(root),  make_verb(root),  run_verb(root),
      compare_verb(root), diff_verb(root),  study_verb(root, Texts(argv + std::min(argc, 1), argv + argc)),
      render_verb(root),  list_verb(root),  inspect_verb(root),
      convert_verb(root), bless_verb(root), check_verb(root),
      selftest_verb(root)};
  Texts known;
  for (const Verb& verb : verbs) known.push_back(verb.app->get_name());
  if (argc < 2) throw InputError("no verb given; known: " + io::listed(known) + "; see ulpscope --help");
  const Text word = argv[1];
  const bool is_verb = std::find(known.begin(), known.end(), word) != known.end();
  if (!is_verb && !word.starts_with("-")) throw InputError(io::unknown_name("verb", word, known));
  try {
    root.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    for (const Verb& verb : verbs) {
      if (verb.app->parsed()) return {verb.app->help("ulpscope"), {}, {}};
    }
    return {root.help(), {}, {}};
  } catch (const CLI::CallForVersion&) {
    return {app::version_text() + "\n", {}, {}};
  } catch (const CLI::ParseError& error) {
    throw InputError(sentence_of(error, is_verb ? word : ""));
  }
  for (const Verb& verb : verbs) {
    if (verb.app->parsed()) return verb.finish();
  }
  throw InputError("no verb given; known: " + io::listed(known) + "; see ulpscope --help");
}

}  // namespace ulpscope::cli
