// SPDX-License-Identifier: Apache-2.0
// Baseline: what runs and dumps were when somebody blessed them, slot by slot, small enough to be kept in a repository.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/compressor/tape.hpp"
#include "core/io/json.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::judge {

inline constexpr std::string_view baseline_schema = "ulpscope.baseline/1";

/// Errors keep 6 digits, so that a line of a baseline can be read; NaN where no element could be compared.
struct BlessedSlot {
  std::string bits;  ///< of bits_of
  std::string format;
  Status status = Status::ok;
  double rms_rel = 0;
  double max_abs = 0;
  double max_ulp = 0;
  std::map<std::string, std::uint64_t> classes = {};  ///< elements that are nan, pos_inf, neg_inf; none: not listed
  friend bool operator==(const BlessedSlot&, const BlessedSlot&) = default;
};

/// A recipe run on a problem by a backend; or a dump (backend "file") judged by a recipe.
struct BlessedRun {
  std::string problem;  ///< a key of Baseline::problems
  std::string recipe;   ///< a key of Baseline::recipes
  std::string backend;
  std::string dump = {};  ///< its path; empty: none
  std::map<std::string, BlessedSlot> slots = {};
  std::string untolerated = {};  ///< why no tolerance was derived where bits may differ; of this process, not of a file
};

/// A file relative to the baseline's folder; or a preset.
struct BlessedProblem {
  std::string file;
  std::string preset;
  std::uint64_t seed = 0;
  std::string sha256;
};

struct BlessedRecipe {
  bool builtin = false;  ///< run by name; else as `spec` stands
  io::Json spec;
};

struct Baseline {
  io::Json provenance;
  std::string truth = "fp64";  ///< the tier
  Basis basis = Basis::quantized;
  std::map<std::string, BlessedProblem> problems;
  std::map<std::string, BlessedRecipe> recipes;
  std::map<std::string, BlessedRun> runs;  ///< "PROBLEM, RECIPE, BACKEND or DUMP"
};

/// The first 16 digits of the sha256 of shape, width and values: little endian, binary32 where every value is one, else
/// binary64; every NaN alike. Zeros keep their sign.
std::string bits_of(const compressor::Tensor& tensor);

/// The rows that hold an element, with the bits of their tensors.
std::map<std::string, BlessedSlot> bless(const RunReport& report, const compressor::Tape& tape);

/// Keys sorted; as text (baseline_text) one line per slot.
io::Json to_json(const Baseline& baseline);
std::string baseline_text(const Baseline& baseline);
/// Throws InputError headed by `where`: another schema, a field that is missing, unknown or of another kind.
Baseline baseline_from_json(const io::Json& json, const std::string& where);

}  // namespace ulpscope::judge
