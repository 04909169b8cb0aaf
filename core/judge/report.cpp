// SPDX-License-Identifier: Apache-2.0
// Status words, exit codes, and what a report says of a problem.
#include "core/judge/report.hpp"

#include <algorithm>
#include <array>

#include "core/io/error.hpp"
#include "core/io/names.hpp"

namespace ulpscope::judge {

std::string_view to_string(Status status) {
  constexpr std::array<std::string_view, 5> names{"ok", "absent", "skipped", "undecided", "fail"};
  return names[static_cast<std::size_t>(status)];
}

std::string_view to_string(Basis basis) { return basis == Basis::given ? "given" : "quantized"; }

Basis parse_basis(std::string_view name) {
  if (name == "given") return Basis::given;
  if (name == "quantized") return Basis::quantized;
  throw InputError(io::unknown_name("basis", name, {"quantized", "given"}));
}

std::string name_of(const Row& row) { return row.tensor.empty() ? compressor::to_string(row.slot) : row.tensor; }

std::string name_of(const Verdict& verdict) {
  return verdict.tensor.empty() ? compressor::to_string(verdict.slot) : verdict.tensor;
}

ProblemInfo describe(const compressor::Problem& problem) {
  return {compressor::to_json(problem.config), problem.source, compressor::problem_sha256(problem)};
}

int worse_exit(int a, int b) {
  constexpr std::array<int, 7> order{130, 70, 2, 1, 3, 77, 0};
  const auto rank = [&](int code) { return std::find(order.begin(), order.end(), code); };
  return rank(a) <= rank(b) ? a : b;
}

int exit_code(const RunReport& run) {
  const auto code_of = [](Status status) {
    switch (status) {
      case Status::fail:
        return 1;
      case Status::undecided:
        return 3;
      default:
        return 0;
    }
  };
  int code = 0;
  for (const Row& row : run.rows) code = worse_exit(code, code_of(row.status));
  for (const Invariant& invariant : run.invariants) {
    if (invariant.status == Status::fail) code = worse_exit(code, 1);
  }
  return code;
}

}  // namespace ulpscope::judge
