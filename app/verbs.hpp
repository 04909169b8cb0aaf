// SPDX-License-Identifier: Apache-2.0
// Verbs: one function per verb of the command. Options in, an outcome out; nothing is printed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/sources.hpp"
#include "core/io/json.hpp"
#include "core/judge/metrics.hpp"
#include "core/judge/report.hpp"
#include "reference/truth_cache.hpp"

namespace ulpscope::app {

/// What a verb found. `report` is a report of the contract, or null; then `text` says everything.
struct Outcome {
  io::Json report;
  std::string text;
  int exit = 0;
};

/// Changes to every recipe that a verb runs.
struct RecipeEdits {
  std::vector<std::string> settings;     ///< --set STAGE.FIELD=VALUE, in order
  std::vector<std::string> omit;         ///< --omit STAGE
  std::optional<std::string> remainder;  ///< --remainder error|truncate|buffer
  std::optional<std::uint64_t> seed;     ///< of stochastic roundings
};

/// Called with what is being done now; may be empty.
using Progress = std::function<void(const std::string&)>;

struct ReportOptions {
  std::vector<ProblemSource> problems;
  std::vector<std::string> presets;   ///< with `seed`; without problems and presets: small-csa and small-hca
  std::vector<RecipeSource> recipes;  ///< none: fp32 native hf pr3810 maxtext bf16-pure
  RecipeEdits edits;
  std::string backend = "traced";
  std::optional<std::string> truth;  ///< fp64 | certified | mpfr; none: certified for the usual problems, else fp64
  std::optional<reference::TruthCache> cache;  ///< of certified and mpfr truths; none: all are computed
  std::optional<std::string> basis;            ///< none: quantized for one recipe, given where recipes are compared
  std::optional<std::string> target;           ///< the slot whose error is attributed; none: output
  std::string attribution = "ladder";
  std::vector<std::string> fail_on;  ///< fail | undecided | METRIC>X
  std::vector<std::string> dtypes;   ///< NAME=DTYPE
  std::uint64_t seed = 0;
  unsigned threads = 1;
  Progress progress;
};
Outcome report(const ReportOptions& options);

struct MakeOptions {
  std::optional<std::string> preset;
  std::optional<JsonSource> config;
  std::optional<std::string> from;        ///< a problem
  std::optional<std::string> checkpoint;  ///< a directory of shards
  std::optional<std::size_t> layer;       ///< of a checkpoint; 0 where none is given
  bool indexer = false;
  std::optional<std::size_t> batch, seq, hidden, head_dim;
  std::optional<std::uint64_t> seed;            ///< none: 0
  std::optional<double> gate_sigma, ape_sigma;  ///< none: the contract's 1.5 and 0.5
  std::vector<std::string> inputs;              ///< NAME=FILE
  std::vector<std::string> dtypes;              ///< NAME=DTYPE
  unsigned threads = 1;
  std::string output;
};
Outcome make(const MakeOptions& options);
/// The problem that `make` would write; `output` only names it in sentences.
compressor::Problem made(const MakeOptions& options);

struct RunOptions {
  std::string problem;
  std::string recipe;
  RecipeEdits edits;
  std::string backend = "traced";
  bool gradients = true;
  std::vector<std::size_t> chunks;  ///< tokens per decoding call; empty: one shot
  std::string mutant;               ///< a bug to plant; empty: none
  std::vector<std::string> dtypes;  ///< NAME=DTYPE
  unsigned threads = 1;
  std::string output;
};
Outcome run(const RunOptions& options);

struct CompareOptions {
  ProblemSource problem;
  DumpSource dump;
  std::optional<RecipeSource> recipe;
  RecipeEdits edits;
  std::optional<JsonSource> map;
  std::vector<std::string> dtypes;  ///< NAME=DTYPE
  std::string truth = "fp64";
  std::optional<reference::TruthCache> cache;  ///< as ReportOptions
  std::string basis = "quantized";
  std::optional<std::string> target;  ///< the slot whose error is attributed; none: output, where the dump holds it
  std::string attribution = "ladder";
  std::optional<std::string> slots;
  judge::Tolerance tolerance;
  std::optional<std::string> save_case;  ///< where something fails: write it as F.problem, F.dump and F.sh
  unsigned threads = 1;
};
Outcome compare(const CompareOptions& options);

struct DiffOptions {
  DumpSource first;
  DumpSource second;
  std::optional<ProblemSource> problem;  ///< where the dumps carry no config
  std::optional<JsonSource> map;
  std::vector<std::string> dtypes;  ///< NAME=DTYPE
  std::optional<std::string> slots;
  judge::Tolerance tolerance;
  unsigned threads = 1;
};
Outcome diff(const DiffOptions& options);

struct StudyOptions {
  std::string name;
  std::optional<ProblemSource> problem;                    ///< none: the study's own inputs
  std::map<std::string, std::vector<std::string>> values;  ///< axis -> values, "a,b" is two; others walk their own
  bool full = false;                                       ///< every value that an axis has; else a few seconds' worth
  std::size_t seeds = 1;                                   ///< where chance enters: means with intervals
  std::uint64_t seed = 0;                                  ///< the first
  std::optional<std::string> resume;  ///< a result file: what it holds is not measured again, and it is kept current
  RecipeEdits edits;                  ///< of every recipe that the study runs
  std::vector<std::string> dtypes;    ///< NAME=DTYPE
  unsigned threads = 1;
  Progress progress;
};
/// Outcome::report is a result of the contract (schema ulpscope.study/1).
Outcome study(const StudyOptions& options);

struct BlessOptions {
  std::vector<std::string> problems;  ///< files: a baseline names them
  std::vector<std::string> presets;   ///< with `seed`; without problems and presets: small-csa and small-hca
  std::vector<RecipeSource> recipes;  ///< none: those of `report`
  std::vector<std::string> dumps;     ///< files, judged by the one recipe on the one problem, instead of runs
  RecipeEdits edits;
  std::string backend = "traced";
  std::string truth = "fp64";
  std::optional<reference::TruthCache> cache;  ///< as ReportOptions
  std::string basis = "quantized";
  std::uint64_t seed = 0;  ///< of presets
  unsigned threads = 1;
  Progress progress;
  std::string output;
};
/// Writes a baseline (schema ulpscope.baseline/1): bits, classes and errors of every slot.
Outcome bless(const BlessOptions& options);

struct CheckOptions {
  std::string baseline;
  std::optional<reference::TruthCache> cache;  ///< as ReportOptions
  std::optional<double> factor;                ///< how much larger an error may be; none: judge::usual_factor
  unsigned threads = 1;
  Progress progress;
};
/// What the baseline says, computed anew and judged. Outcome::report is of schema ulpscope.check/1.
Outcome check(const CheckOptions& options);

/// A report, a study's results or a check from a file, to be rendered again. Throws InputError where it is neither.
Outcome render(const std::string& path);

/// The tables of `list`; Outcome::report is an array of objects here.
Outcome list(const std::string& what);
std::vector<std::string> list_topics();

Outcome inspect(const std::string& path);

struct ConvertOptions {
  std::string input;
  std::vector<std::string> dtypes;  ///< NAME=DTYPE
  std::string output;
};
Outcome convert(const ConvertOptions& options);

/// quick: 2^22 floats of every stratum, seconds. exhaustive: all 2^32, minutes.
enum class Thoroughness : std::uint8_t { quick, exhaustive };
struct SelftestOptions {
  Thoroughness thoroughness = Thoroughness::quick;
  unsigned threads = 1;
  Progress progress;
};
/// Rounding to every format that fits in a float, and exp, against integers and MPFR; Outcome::report is an array of
/// claims.
Outcome selftest(const SelftestOptions& options);

/// "ulpscope 0.1.0 (commit, compiler)".
std::string version_text();

}  // namespace ulpscope::app
