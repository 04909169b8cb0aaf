// SPDX-License-Identifier: Apache-2.0
// fp64 as a tier of truth.
#include "core/judge/exact.hpp"

#include "core/compressor/run.hpp"

namespace ulpscope::judge {
namespace {

Enclosures run_in_fp64(const ExactRequest& request) {
  compressor::RunOptions options;
  options.threads = request.threads;
  const compressor::PartialResult result =
      compressor::run_from(request.problem, request.recipe, {request.given, request.wanted}, options);
  Enclosures enclosures;
  for (const auto& [slot, record] : result.tape.records()) {
    enclosures[slot] = {record.tensor.shape, compressor::to_doubles(record.tensor), {}, {}};
  }
  return enclosures;
}

}  // namespace

Exact exact_in_fp64() { return {TruthInfo{}, run_in_fp64}; }

}  // namespace ulpscope::judge
