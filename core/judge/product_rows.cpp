// SPDX-License-Identifier: Apache-2.0
// Tokens gathered into a problem of their own: a matrix product does not ask which token stands beside which.
#include "core/judge/product_rows.hpp"

#include <type_traits>
#include <vector>

#include "core/judge/slot_product.hpp"
#include "core/judge/strays.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::judge {
namespace {

using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;

/// Beyond this share of a product's rows the whole of it costs hardly more.
constexpr std::size_t dense_share = 2;

/// Rows of [B,S,width] as [1,rows,width].
Tensor gathered(const Tensor& tensor, const IndexRanges& rows) {
  const std::size_t width = tensor.shape.back();
  Tensor out{{1, rows.size(), width}, io::Buffer<float>{}, tensor.dtype};
  std::visit(
      [&](const auto& from) {
        using T = std::remove_cvref_t<decltype(from[0])>;
        std::vector<T> values;
        values.reserve(rows.size() * width);
        for (const IndexRanges::Range& range : rows.ranges())
          values.insert(values.end(), from.begin() + range.first * width, from.begin() + range.last * width);
        out.data = io::Buffer<T>(std::move(values));
      },
      tensor.data);
  return out;
}

Tensor computed(const SlotSource& source, const compressor::RunOptions& options) {
  const compressor::Partial partial{source.reads, {source.slot}};
  return compressor::run_from(source.problem, source.recipe, partial, options).tape.find(source.slot)->tensor;
}

/// The rows alone.
Tensor computed_rows(const SlotSource& source, const IndexRanges& rows, const compressor::RunOptions& options) {
  compressor::Problem tokens{source.problem.config, {}, source.problem.source};
  tokens.config.batch = 1;
  tokens.config.seq = rows.size();
  for (const Name name : {Name::w_kv, Name::w_gate}) tokens.inputs[name] = source.problem.input(name);
  tokens.inputs[Name::hidden] = gathered(source.problem.input(Name::hidden), rows);
  Tape reads;
  for (const auto& [slot, record] : source.reads.records()) {
    const auto& shape = record.tensor.shape;  // a product reads nothing that has no row for each token
    if (shape.size() == 3 && shape[0] == source.problem.config.batch && shape[1] == source.problem.config.seq)
      reads.set(slot, gathered(record.tensor, rows), record.format);
  }
  compressor::RunOptions of_rows = options;
  of_rows.plan = nullptr;  // it is the whole problem's
  return computed({source.slot, tokens, source.recipe, reads}, of_rows);
}

}  // namespace

bool has_token_rows(Slot slot) {
  return slot == forward(Name::kv) || slot == forward(Name::gate) || slot == gradient(Name::hidden_kv) ||
         slot == gradient(Name::hidden_gate);
}

Tensor with_rows(const SlotSource& source, const Tensor& whole, const IndexRanges& rows,
                 const compressor::RunOptions& options) {
  if (rows.empty()) return whole;
  const compressor::Config& config = source.problem.config;
  const bool draws = compressor::Plan(source.recipe, config).is_random();
  if (draws || rows.size() * dense_share > config.batch * config.seq) return computed(source, options);
  const Tensor part = computed_rows(source, rows, options);
  const std::size_t width = whole.shape.back();
  IndexRanges places;
  for (const IndexRanges::Range& range : rows.ranges()) places.add(range.first * width, range.last * width);
  std::size_t next = 0;
  return replaced(whole, places, [&](std::size_t) { return part.at(next++); });
}

std::vector<double> projected(Name name, const IndexRanges& elements, const compressor::Problem& problem,
                              const precision::Format& format) {
  const std::size_t depth = problem.config.hidden;
  const std::size_t width = problem.config.features();
  std::vector<double> values;
  values.reserve(elements.size());
  std::visit(
      [&](const auto& hidden, const auto& weights) {
        elements.for_each([&](std::size_t i) {
          const double sum = dot(hidden.data() + i / width * depth, weights.data() + i % width * depth, depth);
          values.push_back(precision::round(sum, format));
        });
      },
      problem.input(Name::hidden).data, problem.input(name == Name::kv ? Name::w_kv : Name::w_gate).data);
  return values;
}

}  // namespace ulpscope::judge
