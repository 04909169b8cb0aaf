// SPDX-License-Identifier: Apache-2.0
// Replays and the freedom of sums; the engine does the arithmetic, here stands only which call answers which question.
#include "core/judge/replay.hpp"

#include <algorithm>
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/judge/attribution.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Config;
using compressor::Direction;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;
using Doubles = std::vector<double>;

const precision::Format& fp64() {
  static const precision::Format format = precision::parse_format("fp64");
  return format;
}

Tensor tensor_of(Doubles values, const compressor::Shape& shape) { return {shape, std::move(values), io::DType::f64}; }

using OfTerm = double (*)(double);
double absolute(double x) { return std::fabs(x); }
double square(double x) { return x * x; }

Tensor each(const Tensor& tensor, OfTerm of) {
  Doubles values = compressor::to_doubles(tensor);
  for (double& value : values) value = of(value);
  return tensor_of(std::move(values), tensor.shape);
}

compressor::RunOptions options_for(unsigned threads) {
  compressor::RunOptions options;
  options.threads = threads;
  return options;
}

/// out[i, :] = of(y[i, :]) * sum over the L rows of a window of of(y g).
Doubles softmax_terms(const Tensor& y, const Tensor& g, OfTerm of) {
  const std::size_t rows = y.shape[2];
  const std::size_t channels = y.shape[3];
  Doubles out(y.size());
  for (std::size_t window = 0; window < y.size(); window += rows * channels) {
    for (std::size_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (std::size_t r = 0; r < rows; ++r)
        sum += of(y.at(window + r * channels + c) * g.at(window + r * channels + c));
      for (std::size_t r = 0; r < rows; ++r) out[window + r * channels + c] = of(y.at(window + r * channels + c)) * sum;
    }
  }
  return out;
}

/// The sum of of(rho u q u / d) inside the norm's VJP; rho = (mean_square + eps)^-1/2.
Doubles norm_terms(const Tape& reads, const Config& config, OfTerm of) {
  const Tensor& u = reads.find(forward(Name::normalized))->tensor;
  const Tensor& q = reads.find(gradient(Name::normalized))->tensor;
  const Tensor& mean_square = reads.find(forward(Name::mean_square))->tensor;
  const std::size_t d = config.head_dim;
  Doubles out(u.size());
  for (std::size_t row = 0; row < out.size(); row += d) {
    double sum = 0;
    for (std::size_t c = row; c < row + d; ++c) sum += of(q.at(c) * u.at(c));
    const double rho = 1 / std::sqrt(mean_square.at(row / d) + config.eps);
    for (std::size_t c = row; c < row + d; ++c) out[c] = of(rho * u.at(c) / static_cast<double>(d)) * sum;
  }
  return out;
}

/// The sum over the channels of of(x / sqrt(d)).
Doubles hadamard_terms(const Tensor& x, std::size_t d, OfTerm of) {
  Doubles out(x.size());
  for (std::size_t row = 0; row < out.size(); row += d) {
    double sum = 0;
    for (std::size_t c = row; c < row + d; ++c) sum += of(x.at(c));
    std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(row), d, sum * of(1 / std::sqrt(static_cast<double>(d))));
  }
  return out;
}

/// of(x cos) + of(y sin) of every rotated pair; 0 in the channels that are not rotated.
Doubles rotation_terms(const Tape& reads, const Tensor& x, const Config& config, OfTerm of) {
  const Tensor& cos = reads.find(forward(Name::rope_cos))->tensor;
  const Tensor& sin = reads.find(forward(Name::rope_sin))->tensor;
  const std::size_t d = config.head_dim;
  const std::size_t pairs = config.rope->dim / 2;
  Doubles out(x.size(), 0);
  for (std::size_t row = 0; row < out.size() / d; ++row) {
    for (std::size_t k = 0; k < pairs; ++k) {
      const std::size_t first = row * d + d - 2 * pairs + 2 * k;
      const std::size_t angle = row % config.windows() * pairs + k;
      out[first] = of(cos.at(angle) * x.at(first)) + of(sin.at(angle) * x.at(first + 1));
      out[first + 1] = of(sin.at(angle) * x.at(first)) + of(cos.at(angle) * x.at(first + 1));
    }
  }
  return out;
}

/// Whether the slot is what a stage of entries writes, forward, or backward (the gradient of what the stage read).
bool is_written_by(Slot slot, Name name, const compressor::Graph& graph) {
  if (slot == forward(name)) return true;
  return slot.direction == Direction::backward && graph.computes(gradient(name)) && slot.name == graph.before(name);
}

}  // namespace

std::size_t Replayer::terms_of(Slot slot) const {
  const Config& config = plan_.config();
  if (is_written_by(slot, Name::hadamard, graph_)) return config.head_dim;
  if (is_written_by(slot, Name::rotated, graph_)) return 2;
  const std::size_t entries = config.batch * config.windows();
  if (slot.direction == Direction::forward) {
    switch (slot.name) {
      case Name::kv:
      case Name::gate:
        return config.hidden;
      case Name::denominator:
      case Name::pooled:
        return config.window_slots();
      case Name::mean_square:
        return config.head_dim;
      case Name::normalized:  // no sum, but as free as one of 4 terms: 2 ulp are at most 4 u
        return plan_.at(slot).rsqrt == compressor::Rsqrt::cuda ? 4 : 0;
      default:
        return 0;
    }
  }
  switch (slot.name) {
    case Name::logits:
      return config.window_slots();
    case Name::pooled:
      return config.norm ? config.head_dim : 0;
    case Name::gamma:
    case Name::ape:
      return entries;
    case Name::w_kv:
    case Name::w_gate:
      return config.batch * config.seq;
    case Name::hidden_kv:
    case Name::hidden_gate:
      return config.features();
    default:
      return 0;
  }
}

Replayer::Replayer(const compressor::Problem& problem, const compressor::Recipe& recipe, const Tape& given,
                   unsigned threads)
    : problem_(problem),
      recipe_(recipe),
      given_(given),
      threads_(threads),
      plan_(recipe, problem.config),
      graph_(recipe, plan_, {problem.has(Name::prior_kv) && problem.has(Name::prior_gate)}) {}

const compressor::Recipe& Replayer::exact_recipe() const {
  if (!exact_) exact_ = suffix_recipe(recipe_, problem_.config);
  return *exact_;
}

Tensor Replayer::value(Slot slot) const {
  auto result = compressor::run_from(problem_, recipe_, {given_, {slot}}, options_for(threads_));
  return result.tape.find(slot)->tensor;
}

Tensor Replayer::exact(Slot slot, const Tape& reads) const {
  return compressor::run_from(problem_, exact_recipe(), {reads, {slot}}, options_for(threads_)).tape.find(slot)->tensor;
}

Tape Replayer::reads_of(Slot slot) const {
  Tape reads;
  for (const Slot read : graph_.reads(slot)) {
    if (!graph_.computes(read)) continue;
    if (const compressor::Record* record = given_.find(read)) {
      reads.set(read, record->tensor, record->format);
    } else {
      reads.set(read, value(read), plan_.at(read).storage);
    }
    // A VJP that reads the stored weights reads them as its softmax.
    if (slot == gradient(Name::logits) && read == forward(Name::weights)) {
      reads.set(forward(Name::softmax), reads.find(read)->tensor, reads.find(read)->format);
    }
  }
  return reads;
}

Doubles Replayer::sum_of_terms(Slot slot, const Tape& reads, const Tensor& exact_value, OfTerm of) const {
  const Config& config = plan_.config();
  if (slot == forward(Name::denominator) || slot == forward(Name::mean_square))
    return compressor::to_doubles(each(exact_value, of));
  if (config.norm && slot == gradient(Name::pooled)) return norm_terms(reads, config, of);
  if (slot == gradient(Name::logits)) {
    const Tensor y = reads.has(forward(Name::softmax)) ? reads.find(forward(Name::softmax))->tensor
                                                       : exact(forward(Name::softmax), reads);
    return softmax_terms(y, reads.find(gradient(Name::weights))->tensor, of);
  }
  if (is_written_by(slot, Name::hadamard, graph_))
    return hadamard_terms(reads.find(graph_.reads(slot).front())->tensor, config.head_dim, of);
  if (is_written_by(slot, Name::rotated, graph_))
    return rotation_terms(reads, reads.find(graph_.reads(slot).front())->tensor, config, of);
  compressor::Problem raised = problem_;
  for (const Slot read : graph_.reads(slot)) {
    const auto input = raised.inputs.find(read.name);
    if (!graph_.computes(read) && input != raised.inputs.end()) input->second = each(input->second, of);
  }
  Tape tape;
  for (const auto& [read, record] : reads.records()) {
    const bool exponent = read == forward(Name::logits);  // online softmax: |exp(logits)| is exp(logits)
    tape.set(read, exponent ? record.tensor : each(record.tensor, of), fp64());
  }
  return compressor::to_doubles(
      compressor::run_from(raised, exact_recipe(), {tape, {slot}}, options_for(threads_)).tape.find(slot)->tensor);
}

Doubles Replayer::magnitude_of_terms(Slot slot, const Tape& reads, const Tensor& exact_value) const {
  return sum_of_terms(slot, reads, exact_value, absolute);
}

Doubles Replayer::squares_of_terms(Slot slot, const Tape& reads, const Tensor& exact_value) const {
  if (!reads.has(forward(Name::logits)) || slot.direction == Direction::backward)
    return sum_of_terms(slot, reads, exact_value, square);
  Doubles terms = sum_of_terms(slot, reads, exact_value, absolute);
  for (double& term : terms) term *= term;
  return terms;
}

double Replayer::growth_of(Slot slot) const {
  const double terms = static_cast<double>(terms_of(slot));
  return std::expm1(terms * std::log1p(precision::unit_roundoff(plan_.at(slot).accumulate)));
}

Replayer::Sum Replayer::own_freedom(Slot slot, Tensor value) const {
  const Tape reads = reads_of(slot);
  const Doubles x = compressor::to_doubles(exact(slot, reads));
  const compressor::SlotArithmetic& arithmetic = plan_.at(slot);
  const double growth = growth_of(slot);
  const bool inside = slot == gradient(Name::logits) || slot == gradient(Name::pooled);
  const double flip = inside ? 2 * precision::unit_roundoff(arithmetic.compute) : 0;
  // Each partial sum that is flushed loses less than the least normal number.
  const precision::Format& accumulate = arithmetic.accumulate;
  const double flushed =
      accumulate.flush_results ? static_cast<double>(terms_of(slot)) * precision::min_normal(accumulate) : 0;
  Sum sum{std::move(value), {}, {}, magnitude_of_terms(slot, reads, tensor_of(x, {x.size()}))};
  sum.low = sum.high = compressor::to_doubles(sum.value);
  precision::Format storage = arithmetic.storage;
  storage.mode = precision::RoundingMode::nearest_even;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double& d = sum.freedom[i];
    const bool finite = std::isfinite(d) && std::isfinite(x[i]) && std::isfinite(sum.low[i]);
    d = finite ? growth * d + flip * (d + std::fabs(x[i])) + (d > 0 ? flushed : 0) : 0;
    if (d == 0) continue;
    const double value_here = sum.low[i];
    sum.low[i] = std::min(precision::round(x[i] - d, storage), value_here - d);
    sum.high[i] = std::max(precision::round(x[i] + d, storage), value_here + d);
  }
  return sum;
}

double Replayer::leaning_cap(Slot slot) const {
  const compressor::SlotArithmetic& arithmetic = plan_.at(slot);
  return arithmetic.storage.precision < arithmetic.accumulate.precision ? 0.01 : 1;
}

Replayed Replayer::replay(Slot slot) const {
  auto result = compressor::run_from(problem_, recipe_, {given_, {slot}}, options_for(threads_));
  Replayed replayed{result.tape.find(slot)->tensor, result.from.at(slot), {}, {}, {}, leaning_cap(slot)};
  if (terms_of(slot) != 0) {
    Sum own = own_freedom(slot, replayed.value);
    replayed.freedom = std::move(own.freedom);
    replayed.low = std::move(own.low);
    replayed.high = std::move(own.high);
  } else {
    replayed.low = replayed.high = compressor::to_doubles(replayed.value);
    replayed.freedom.assign(replayed.low.size(), 0);
  }
  add_upstream(slot, replayed);
  return replayed;
}

}  // namespace ulpscope::judge
