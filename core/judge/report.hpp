// SPDX-License-Identifier: Apache-2.0
// Report: what was run, judged and found, as data; its JSON is the product, everything rendered is a function of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/io/json.hpp"
#include "core/judge/attribution_result.hpp"
#include "core/judge/birth_certificate.hpp"
#include "core/judge/ledger_line.hpp"
#include "core/judge/metrics.hpp"

namespace ulpscope::judge {

inline constexpr std::string_view report_schema = "ulpscope.report/1";

/// In rising order of how much they matter for the verdict of a run.
enum class Status : std::uint8_t { ok, absent, skipped, undecided, fail };
std::string_view to_string(Status status);

/// Inputs and pads as they are, or rounded as the recipe rounds them.
enum class Basis : std::uint8_t { given, quantized };
std::string_view to_string(Basis basis);
/// Throws InputError with the known names.
Basis parse_basis(std::string_view name);

/// Who the truth is.
struct TruthInfo {
  std::string tier = "fp64";
  int bits = 53;  ///< 0: the reference is a dump, of whatever bits
  Basis basis = Basis::quantized;
  std::optional<double> max_radius = std::nullopt;        ///< of the judged rows' truth; none: the tier has no radii
  std::optional<std::uint64_t> undecided = std::nullopt;  ///< elements that the truth cannot judge
};

/// The claimed recipe, run from the dump's own nearest slots, against the dump.
struct ReplayResult {
  std::vector<compressor::Slot> from;
  double bits_equal = 0;  ///< fraction of elements
  double explained = 0;   ///< fraction inside what the recipe leaves open
  double ambiguous = 0;   ///< fraction for which a second value would be explained too; what may lean on it is capped
  double max_ulp = 0;     ///< between dump and replay, in the storage format; inf where classes differ
};

/// A run's slot against the exact stage on the run's own inputs: ||difference|| / ||truth||, and the largest difference
/// in ulps of the slot's format.
struct LocalError {
  double rms_rel = 0;
  double max_ulp = 0;
};

/// ||bound|| / ||exact stage|| of the local errors that the recipe's roundings may make, and that they make typically;
/// ratio: the largest |local| / worst case of an element.
struct Bound {
  double worst_case = 0;
  double probabilistic = 0;
  double ratio = 0;
};

struct Row {
  compressor::Slot slot;
  std::string tensor;  ///< its name, where the row is about a tensor that is no slot (entries.00); else empty
  std::string stage;
  std::string format;  ///< empty: not known, the slot is absent
  compressor::Shape shape;
  std::optional<Metrics> metrics;
  std::optional<LocalError> local;
  std::optional<double> inherited;  ///< ||the exact stage on the run's own inputs - truth|| / ||truth||
  std::optional<Contribution> contribution;
  std::optional<Bound> bound;
  std::string why_unbounded;  ///< where a bound was asked for and none is stated
  std::optional<ReplayResult> replay;
  std::optional<double> vs_floor;           ///< ||error|| / ||rounding the truth once||
  std::optional<double> vs_cast_reference;  ///< ||error|| / ||error of the same casts, exact between||
  std::optional<Tolerance> tolerance;
  std::string tolerance_reason;
  std::uint64_t undecided = 0;  ///< elements that the truth's radius, or its lack of a bound, leaves open
  Status status = Status::ok;
  std::string reason;  ///< why it is not ok, or ok all the same; one clause
};

struct Invariant {
  std::string name;
  double residual = 0;  ///< relative to the sum of the absolute values of its terms
  double bound = 0;     ///< what the recipe's formats allow
  Status status = Status::ok;
  std::string reason;
};

/// The first slot in program order that the recipe does not explain.
struct Verdict {
  compressor::Slot slot;
  std::string stage;
  std::size_t index = 0;  ///< flat
  std::string place;      ///< "window 0, slot 3, channel 17"
  double dump = 0;
  double expected = 0;
  std::string dump_hex;  ///< in the storage format
  std::string expected_hex;
  std::string diagnosis;  ///< name of the row of the table of diagnoses
  std::string sentence;
  std::string tensor = {};  ///< as in Row
};

/// A tensor of a dump that maps to no slot.
struct Unmapped {
  std::string name;
  std::string nearest;  ///< a slot, or empty
};

struct RunReport {
  std::size_t problem = 0;
  std::string recipe;  ///< empty: none was claimed
  std::string backend;
  io::Json spec;  ///< the resolved recipe, or null
  TruthInfo truth;
  std::vector<Row> rows;
  std::optional<Attribution> attribution;
  std::vector<Invariant> invariants;
  std::vector<LedgerLine> underflow;  ///< a line per slot; empty without a recipe
  std::vector<BirthCertificate> nonfinite;
  std::optional<Verdict> verdict;
  std::optional<Verdict> beyond_tables;  ///< where the verdict is about a table: the first slot that fails and is none
  std::vector<Unmapped> unmapped;
  std::vector<std::string> notes;  ///< what a reader must know: another config, a dump that names its own recipe
};

struct ProblemInfo {
  io::Json config;
  std::string source;
  std::string sha256;
};

struct Report {
  io::Json provenance;
  std::vector<ProblemInfo> problems;
  std::vector<RunReport> runs;
  std::vector<std::string> summary;
  int exit = 0;
};

/// The slot's name, or that of a tensor that is no slot.
std::string name_of(const Row& row);
std::string name_of(const Verdict& verdict);
ProblemInfo describe(const compressor::Problem& problem);
/// Every field of the contract, null where it does not apply.
io::Json to_json(const Report& report);
/// The worst status of the rows and invariants as an exit code: fail 1, undecided 3, else 0.
int exit_code(const RunReport& run);
/// The one of two exit codes that rules: 2, 1, 3, 77, 0; 70 and 130 above all.
int worse_exit(int a, int b);
/// JSON text in which arrays of scalars stand on one line, and objects of them that are not longer than `widest`.
std::string compact_text(const io::Json& json, std::size_t widest = 120);

}  // namespace ulpscope::judge
