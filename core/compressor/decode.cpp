// SPDX-License-Identifier: Apache-2.0
// Feeding chunks and keeping the state between them.
#include "core/compressor/decode.hpp"

#include <numeric>

#include "core/io/error.hpp"

namespace ulpscope::compressor {
namespace {

/// Rows [first, first + count) of every batch row of a [B, rows, width] tensor.
Tensor rows_of(const Tensor& tensor, std::size_t first, std::size_t count) {
  const std::size_t batch = tensor.shape[0];
  const std::size_t rows = tensor.shape[1];
  const std::size_t width = tensor.shape[2];
  Tensor part{{batch, count, width}, {}, tensor.dtype};
  std::visit(
      [&](const auto& values) {
        std::vector<typename std::decay_t<decltype(values)>::value_type> picked;
        for (std::size_t b = 0; b < batch; ++b) {
          const auto* begin = values.begin() + (b * rows + first) * width;
          picked.insert(picked.end(), begin, begin + count * width);
        }
        part.data = std::move(picked);
      },
      tensor.data);
  return part;
}

/// Rows of `a`, then rows of `b`, in every batch row. An empty `a` has no carrier of its own.
Tensor joined(const Tensor& a, const Tensor& b) {
  if (a.size() == 0) return b;
  const std::size_t width = b.shape[2];
  Tensor both{{b.shape[0], a.shape[1] + b.shape[1], width}, {}, b.dtype};
  std::visit(
      [&](const auto& later) {
        using Values = std::decay_t<decltype(later)>;
        const Values& earlier = std::get<Values>(a.data);
        std::vector<typename Values::value_type> values;
        for (std::size_t row = 0; row < b.shape[0]; ++row) {
          for (const auto& [source, rows] : {std::pair{&earlier, a.shape[1]}, std::pair{&later, b.shape[1]}}) {
            const auto* begin = source->begin() + row * rows * width;
            values.insert(values.end(), begin, begin + rows * width);
          }
        }
        both.data = std::move(values);
      },
      b.data);
  return both;
}

/// As the single shot does: what remains after the last chunk is the remainder that such a recipe refuses.
void require_whole_chunks(const Config& config, const Recipe& recipe) {
  if (recipe.remainder != Remainder::error || config.seq % config.ratio == 0) return;
  throw InputError("chunks end inside a window: seq " + std::to_string(config.seq) + " is not a multiple of ratio " +
                   std::to_string(config.ratio) + " and `remainder` of recipe '" + recipe.name +
                   "' is error; known policies: error truncate buffer");
}

void require_decodable(const Problem& problem, const Recipe& recipe, const std::vector<std::size_t>& chunks) {
  const std::size_t sum = std::accumulate(chunks.begin(), chunks.end(), std::size_t{0});
  if (sum != problem.config.seq) {
    throw InputError("chunks add up to " + std::to_string(sum) + ", but the problem has seq " +
                     std::to_string(problem.config.seq));
  }
  const bool masked = problem.has(Name::attention_mask) && recipe.mask != MaskPolicy::ignore;
  const bool packed = problem.has(Name::segment_ids) && recipe.segments != SegmentPolicy::ignore;
  if (masked || packed) {
    throw InputError("chunks cannot be used with attention_mask or segment_ids; set mask=ignore and segments=ignore");
  }
}

/// What stays between chunks.
class Cache {
 public:
  Cache(const Problem& problem, const Recipe& recipe, const RunOptions& options)
      : problem_(problem), recipe_(recipe), options_(options) {
    if (problem.has(Name::prior_kv)) prior_kv_ = problem.input(Name::prior_kv);
    if (problem.has(Name::prior_gate)) prior_gate_ = problem.input(Name::prior_gate);
  }

  void feed(std::size_t first, std::size_t count, Decoded& decoded) {
    const Tape projected = project(first, count);
    Record kv = *projected.find(forward(Name::kv));
    Record gate = *projected.find(forward(Name::gate));
    kv.tensor = joined(decoded.state_kv, kv.tensor);
    gate.tensor = joined(decoded.state_gate, gate.tensor);
    const std::size_t ratio = problem_.config.ratio;
    const std::size_t windows = kv.tensor.shape[1] / ratio;
    Record entries = pool(kv, gate);
    decoded.entry_format = entries.format;
    decoded.entries.push_back(decoded.entries.empty() ? entries.tensor
                                                      : joined(decoded.entries.back(), entries.tensor));
    const std::size_t rest = kv.tensor.shape[1] - windows * ratio;
    decoded.state_kv = rows_of(kv.tensor, windows * ratio, rest);
    decoded.state_gate = rows_of(gate.tensor, windows * ratio, rest);
    decoded.kv_format = kv.format;
    decoded.gate_format = gate.format;
    if (windows == 0) return;
    prior_kv_ = rows_of(kv.tensor, (windows - 1) * ratio, ratio);
    prior_gate_ = rows_of(gate.tensor, (windows - 1) * ratio, ratio);
    emitted_ += windows;
  }

 private:
  Problem with_length(std::size_t rows) const {
    Problem part;
    part.config = problem_.config;
    part.config.seq = rows;
    for (const Name name : {Name::w_kv, Name::w_gate, Name::ape, Name::gamma}) part.inputs[name] = problem_.input(name);
    return part;
  }
  Tape project(std::size_t first, std::size_t count) const {
    Problem part = with_length(count);
    part.inputs[Name::hidden] = rows_of(problem_.input(Name::hidden), first, count);
    return run_from(part, recipe_, {Tape{}, {forward(Name::kv), forward(Name::gate)}}, options_).tape;
  }
  Record pool(const Record& kv, const Record& gate) const {
    Problem part = with_length(kv.tensor.shape[1]);
    if (part.config.rope) part.config.rope->position_offset += static_cast<std::int64_t>(emitted_ * part.config.ratio);
    if (part.config.overlap && prior_kv_.size() != 0) {
      part.inputs[Name::prior_kv] = prior_kv_;
      part.inputs[Name::prior_gate] = prior_gate_;
    }
    Tape given;
    given.set(forward(Name::kv), kv.tensor, kv.format);
    given.set(forward(Name::gate), gate.tensor, gate.format);
    return *run_from(part, recipe_, {given, {forward(Name::output)}}, options_).tape.find(forward(Name::output));
  }

  const Problem& problem_;
  const Recipe& recipe_;
  const RunOptions& options_;
  Tensor prior_kv_;
  Tensor prior_gate_;
  std::size_t emitted_ = 0;
};

}  // namespace

Decoded run_chunks(const Problem& problem, const Recipe& recipe, const std::vector<std::size_t>& chunks,
                   const RunOptions& options) {
  require_decodable(problem, recipe, chunks);
  require_whole_chunks(problem.config, recipe);
  Decoded decoded;
  Cache cache(problem, recipe, options);
  std::size_t first = 0;
  for (const std::size_t count : chunks) {
    cache.feed(first, count, decoded);
    first += count;
  }
  return decoded;
}

}  // namespace ulpscope::compressor
