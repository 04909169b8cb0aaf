// SPDX-License-Identifier: Apache-2.0
// Diagnoses of where values come from: exchanged halves, neighbouring windows, RoPE positions and frequencies.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/compressor/rope_table.hpp"
#include "core/judge/diagnosis.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Config;
using compressor::forward;
using compressor::Name;
using compressor::Tape;
using compressor::Tensor;
using Doubles = std::vector<double>;

Tensor with_values(const Tensor& like, Doubles values) { return {like.shape, std::move(values), io::DType::f64}; }

/// Exchanges the two halves of the last axis.
Tensor halves_exchanged(const Tensor& tensor) {
  Doubles values = compressor::to_doubles(tensor);
  const auto width = static_cast<std::ptrdiff_t>(tensor.shape.back());
  for (auto row = values.begin(); row != values.end(); row += width) std::rotate(row, row + width / 2, row + width);
  return with_values(tensor, std::move(values));
}

/// Exchanges rows [0, L/2) and [L/2, L) of every window: [B,n,L,d].
Alternative rows_exchanged(const Tensor& tensor, Doubles freedom) {
  Doubles values = compressor::to_doubles(tensor);
  const auto window = static_cast<std::ptrdiff_t>(tensor.shape[2] * tensor.shape[3]);
  for (Doubles* all : {&values, &freedom}) {
    for (auto at = all->begin(); at != all->end(); at += window) std::rotate(at, at + window / 2, at + window);
  }
  return {with_values(tensor, std::move(values)), std::move(freedom)};
}

/// The slot when every token's two feature halves are exchanged, in the inputs or in the dump's kv, gate and biased.
std::optional<Alternative> with_halves_exchanged(const Case& unexplained) {
  compressor::Problem problem = unexplained.problem;
  for (const Name name : {Name::ape, Name::prior_kv, Name::prior_gate}) {
    if (problem.has(name)) problem.inputs[name] = halves_exchanged(problem.inputs[name]);
  }
  Tape given = unexplained.given;
  bool any = false;
  for (const Name name : {Name::kv, Name::gate, Name::biased}) {
    const compressor::Record* record = unexplained.given.find(forward(name));
    if (record == nullptr) continue;
    given.set(forward(name), halves_exchanged(record->tensor), record->format);
    any = true;
  }
  return any ? replay_with(unexplained, problem, given) : std::nullopt;
}

}  // namespace

std::optional<std::string> explain_halves(const Case& unexplained) {
  if (!unexplained.config().overlap) return std::nullopt;
  const std::size_t m = unexplained.config().ratio;
  const bool has_rows = unexplained.found.shape.size() == 4 && unexplained.slot.name != Name::biased;
  const auto exchanged = with_halves_exchanged(unexplained);
  if (exchanged &&
      explains(unexplained, has_rows ? rows_exchanged(exchanged->value, exchanged->freedom) : *exchanged)) {
    return fmt::format(
        "the halves are swapped in {}: slots r < {} hold the current window's first half, slots r >= {} the previous "
        "window's second half",
        unexplained.slot_name(), m, m);
  }
  if (exchanged && has_rows && explains(unexplained, *exchanged)) {
    return fmt::format(
        "the feature halves are exchanged in {}: slots r < {} hold the previous window's second half, slots r >= {} "
        "the current window's first half",
        unexplained.slot_name(), m, m);
  }
  if (has_rows && explains(unexplained, rows_exchanged(unexplained.expected.value, unexplained.expected.freedom))) {
    return fmt::format(
        "the order of the overlap is exchanged in {}: the current window stands in slots r < {}, the previous one "
        "in slots r >= {}",
        unexplained.slot_name(), m, m);
  }
  return std::nullopt;
}

std::optional<std::string> explain_window_shift(const Case& unexplained) {
  const Layout& layout = unexplained.layout;
  if (layout.windows_per_batch < 3 || layout.rows_per_batch % layout.rows_per_window != 0) return std::nullopt;
  const std::size_t window = layout.rows_per_window * layout.channels;
  for (const int shift : {1, -1}) {
    std::size_t compared = 0;
    std::size_t equal = 0;
    for (std::size_t i = 0; i < unexplained.found.size(); ++i) {
      const std::size_t at = place_of(i, layout).window;
      if (shift > 0 ? at + 1 == layout.windows_per_batch : at == 0) continue;
      const double other = unexplained.expected.value.at(shift > 0 ? i + window : i - window);
      ++compared;
      equal += unexplained.found.at(i) == other;
    }
    if (equal * 100 < compared * 99) continue;
    return fmt::format("window i of {} holds what belongs to window i{}1", unexplained.slot_name(),
                       shift > 0 ? "+" : "-");
  }
  return std::nullopt;
}

namespace {

struct RopeChange {
  const char* sentence;  ///< "{0}" is the slot, "{1}" the ratio
  void (*change)(Config&);
};

/// Config of n entries whose positions are offset + i * ratio: what the table's maker reads.
constexpr std::array<RopeChange, 8> rope_changes{{
    {"the rotation in {0} fits position i instead of i*{1}", [](Config& c) { c.seq /= c.ratio, c.ratio = 1; }},
    {"the rotation in {0} fits the window's last token instead of its first: position i*{1} + {1} - 1",
     [](Config& c) { c.rope->position_offset += static_cast<std::int64_t>(c.ratio) - 1; }},
    {"the rotation in {0} fits the next window's position: (i+1)*{1}",
     [](Config& c) { c.rope->position_offset += static_cast<std::int64_t>(c.ratio); }},
    {"the rotation in {0} leaves out the position offset", [](Config& c) { c.rope->position_offset = 0; }},
    {"the rotation in {0} fits frequencies without YaRN", [](Config& c) { c.rope->yarn.reset(); }},
    {"the rotation in {0} fits theta 10000", [](Config& c) { c.rope->theta = 10000; }},
    {"the rotation in {0} fits theta 10000 without YaRN",
     [](Config& c) { c.rope->theta = 10000, c.rope->yarn.reset(); }},
    {"the rotation in {0} fits theta 40000", [](Config& c) { c.rope->theta = 40000; }},
}};

Tape with_table(const Case& unexplained, const Config& config, double sign) {
  const auto& arithmetic = unexplained.replayer.plan().table();
  const auto frequencies = compressor::rope_frequencies<double>(config, arithmetic);
  auto table = compressor::rope_table<double>(config, arithmetic, frequencies);
  for (double& sine : table.sin) sine *= sign;
  const compressor::Shape shape{unexplained.config().windows(), config.rope->dim / 2};
  const auto& format = unexplained.replayer.plan().at(forward(Name::rope_cos)).storage;
  Tape given = unexplained.given;
  given.set(forward(Name::rope_cos), Tensor{shape, std::move(table.cos), io::DType::f64}, format);
  given.set(forward(Name::rope_sin), Tensor{shape, std::move(table.sin), io::DType::f64}, format);
  return given;
}

bool reads_rope(const Case& unexplained) {
  if (!unexplained.config().rope || unexplained.slot.name == Name::rope_cos || unexplained.slot.name == Name::rope_sin)
    return false;
  const auto& reads = unexplained.replayer.graph().reads(unexplained.slot);
  const bool direct = std::find(reads.begin(), reads.end(), forward(Name::rope_cos)) != reads.end();
  const bool last = unexplained.slot.name == Name::output;
  return direct || last;
}

/// Which channel stands where the interleaved rotation of the last `dim` channels looks for it.
using Pairing = std::vector<std::size_t>;

Pairing half_split(std::size_t d, std::size_t dim) {
  Pairing channels(d);
  std::iota(channels.begin(), channels.end(), 0);
  for (std::size_t k = 0; k < dim / 2; ++k) {
    channels[d - dim + 2 * k] = d - dim + k;
    channels[d - dim + 2 * k + 1] = d - dim / 2 + k;
  }
  return channels;
}

Pairing first_channels(std::size_t d, std::size_t dim) {
  Pairing channels(d);
  for (std::size_t c = 0; c < d; ++c) channels[c] = (c + dim) % d;
  return channels;
}

Pairing first_channels_half_split(std::size_t d, std::size_t dim) {
  Pairing channels = half_split(d, dim);
  for (std::size_t& channel : channels) channel = (channel + dim) % d;
  return channels;
}

struct PairingChange {
  const char* sentence;  ///< "{0}" is the slot, "{1}" half of dim, "{2}" dim
  Pairing (*channels)(std::size_t d, std::size_t dim);
};
constexpr std::array<PairingChange, 3> pairing_changes{{
    {"the rotation in {0} pairs channel i with i+{1} (half-split) instead of 2i with 2i+1 (interleaved)", half_split},
    {"the rotation in {0} turns the first {2} channels instead of the last", first_channels},
    {"the rotation in {0} turns the first {2} channels instead of the last, and pairs i with i+{1} (half-split)",
     first_channels_half_split},
}};

/// What is rotated on the way to the slot; nothing where another stage follows, which would see the channels in order.
std::optional<compressor::Slot> rotated_from(const Case& unexplained) {
  const auto& graph = unexplained.replayer.graph();
  if (unexplained.slot.name != Name::output) return graph.reads(unexplained.slot).front();
  if (graph.last() != Name::rotated) return std::nullopt;
  return forward(graph.before(Name::rotated));
}

/// The slot when the rotation sees its channels in the order of a pairing, and puts them back.
std::optional<Alternative> with_pairing(const Case& unexplained, const Pairing& channels) {
  const auto from = rotated_from(unexplained);
  if (!from || !unexplained.replayer.graph().computes(*from)) return std::nullopt;
  const compressor::Record* record = unexplained.given.find(*from);
  const Tensor before = record != nullptr ? record->tensor : unexplained.replayer.value(*from);
  const std::size_t d = channels.size();
  Doubles values(before.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = before.at(i - i % d + channels[i % d]);
  Tape given;  // without what was rotated already: output is a copy of it
  for (const auto& [slot, kept] : unexplained.given.records()) {
    if (slot != forward(Name::rotated)) given.set(slot, kept.tensor, kept.format);
  }
  given.set(*from, with_values(before, std::move(values)), unexplained.replayer.plan().at(*from).storage);
  const auto turned = replay_with(unexplained, unexplained.problem, given);
  if (!turned) return std::nullopt;
  Alternative back{turned->value, Doubles(turned->freedom.size())};
  Doubles restored(turned->value.size());
  for (std::size_t i = 0; i < restored.size(); ++i) {
    restored[i - i % d + channels[i % d]] = turned->value.at(i);
    back.freedom[i - i % d + channels[i % d]] = turned->freedom[i];
  }
  back.value = with_values(turned->value, std::move(restored));
  return back;
}

std::optional<std::string> explain_pairing(const Case& unexplained) {
  const std::size_t dim = unexplained.config().rope->dim;
  for (const PairingChange& change : pairing_changes) {
    const auto alternative = with_pairing(unexplained, change.channels(unexplained.config().head_dim, dim));
    if (alternative && explains(unexplained, *alternative))
      return fmt::format(fmt::runtime(change.sentence), unexplained.slot_name(), dim / 2, dim);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> explain_rope(const Case& unexplained) {
  if (!reads_rope(unexplained)) return std::nullopt;
  const std::size_t ratio = unexplained.config().ratio;
  for (const RopeChange& change : rope_changes) {
    Config config = unexplained.config();
    change.change(config);
    if (config == unexplained.config()) continue;
    const auto alternative = replay_with(unexplained, unexplained.problem, with_table(unexplained, config, 1));
    if (alternative && explains(unexplained, *alternative))
      return fmt::format(fmt::runtime(change.sentence), unexplained.slot_name(), ratio);
  }
  if (auto pairing = explain_pairing(unexplained)) return pairing;
  const auto inverse = replay_with(unexplained, unexplained.problem, with_table(unexplained, unexplained.config(), -1));
  if (!inverse || !explains(unexplained, *inverse)) return std::nullopt;
  return fmt::format("the rotation in {} goes the other way: the sine's sign is exchanged", unexplained.slot_name());
}

}  // namespace ulpscope::judge
