// SPDX-License-Identifier: Apache-2.0
// Rows that hold a document behind other tokens.
#include "core/studies/packed_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace ulpscope::studies {
namespace {

using compressor::Name;
using compressor::Problem;
using compressor::Shape;
using compressor::Tensor;

/// An entry of the document alone and its counterpart on the row: largest difference over largest value.
struct Pair {
  std::size_t alone;
  std::size_t row;
  std::size_t channels;
};

double difference(const Tensor& alone, const Tensor& row, const Pair& pair) {
  double largest = 0;
  double apart = 0;
  for (std::size_t c = 0; c < pair.channels; ++c) {
    const double a = alone.at(pair.alone * pair.channels + c);
    const double b = row.at(pair.row * pair.channels + c);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (!std::isfinite(a) || !std::isfinite(b)) return std::numeric_limits<double>::infinity();
    apart = std::max(apart, std::abs(a - b));
    largest = std::max({largest, std::abs(a), std::abs(b)});
  }
  return apart == 0 ? 0 : apart / largest;
}

}  // namespace

Problem alone(Problem problem) {
  for (const Name name : {Name::attention_mask, Name::segment_ids, Name::prior_kv, Name::prior_gate})
    problem.inputs.erase(name);
  return problem;
}

Problem row_of(const Problem& document, std::size_t shift) {
  Problem row = document;
  row.config.seq += shift;
  const Tensor& hidden = document.input(Name::hidden);
  const std::size_t batch = document.config.batch;
  const std::size_t seq = document.config.seq;
  const std::size_t width = document.config.hidden;
  std::vector<double> tokens;
  std::vector<double> mask;
  std::vector<double> segments;
  for (std::size_t b = 0; b < batch; ++b) {
    for (std::size_t t = 0; t < seq + shift; ++t) {
      const bool before = t < shift;
      const std::size_t token = before ? (seq - (shift - t) % seq) % seq : t - shift;
      for (std::size_t k = 0; k < width; ++k) tokens.push_back(hidden.at((b * seq + token) * width + k));
      mask.push_back(before ? 0 : 1);
      segments.push_back(before ? 0 : 1);
    }
  }
  const Shape flags{batch, seq + shift};
  row.inputs[Name::hidden] = {{batch, seq + shift, width}, std::move(tokens), io::DType::f64};
  row.inputs[Name::attention_mask] = {flags, std::move(mask), io::DType::boolean};
  row.inputs[Name::segment_ids] = {flags, std::move(segments), io::DType::i32};
  const Shape entries = shape_of(compressor::forward(Name::cotangent), row.config);
  row.inputs[Name::cotangent] = {entries, std::vector<double>(compressor::element_count(entries), 1.0), io::DType::f64};
  return row;
}

Comparison compare(const Placement& placement, const Entries& own, const Entries& packed) {
  constexpr double same = 0x1p-40;  // two fp64 truths of one value differ by less, by far
  const compressor::Config& document = placement.document;
  const std::size_t windows = document.windows();
  Comparison found;
  found.entries = document.batch * windows;
  if (placement.shift % document.ratio != 0) return found;
  for (std::size_t i = 0; i < found.entries; ++i) {
    const std::size_t behind = i / windows * packed.run.shape[1] + placement.shift / document.ratio + i % windows;
    const Pair pair{i, behind, document.head_dim};
    ++found.matched;
    const double meant = difference(own.truth, packed.truth, pair);
    const double computed = difference(own.run, packed.run, pair);
    found.by_definition += meant <= same ? 0 : 1;
    found.definition = std::max(found.definition, meant);
    if (!(meant <= same)) continue;
    found.by_error += computed == 0 ? 0 : 1;
    found.error = std::max(found.error, computed);
  }
  return found;
}

std::size_t nonfinite_entries(const Tensor& entries, std::size_t channels) {
  std::size_t found = 0;
  for (std::size_t e = 0; e < entries.size() / channels; ++e) {
    bool finite = true;
    for (std::size_t c = 0; c < channels; ++c) finite = finite && std::isfinite(entries.at(e * channels + c));
    found += finite ? 0 : 1;
  }
  return found;
}

}  // namespace ulpscope::studies
