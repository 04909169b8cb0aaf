// SPDX-License-Identifier: Apache-2.0
// Rows of one window, slot by slot; then the same comparison, which must fail in the same way.
#include "core/judge/failing_case.hpp"

#include <fmt/format.h>

#include "core/compressor/graph.hpp"
#include "core/compressor/run.hpp"
#include "core/judge/compare.hpp"
#include "core/judge/layout.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Config;
using compressor::Direction;
using compressor::Name;
using compressor::Problem;
using compressor::Recipe;
using compressor::Record;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;

struct Window {
  std::size_t batch = 0;
  std::size_t index = 0;  ///< of its batch row
};

/// Rows [first, first + count) of a tensor with `channels` values in each.
Tensor rows_of(const Tensor& tensor, std::size_t first, std::size_t count, std::size_t channels) {
  Tensor cut{{}, {}, tensor.dtype};
  std::visit(
      [&](const auto& values) {
        using T = std::decay_t<decltype(values[0])>;
        const auto begin = values.data() + first * channels;
        cut.data = io::Buffer<T>(std::vector<T>(begin, begin + count * channels));
      },
      tensor.data);
  return cut;
}

/// The rows that belong to a window; those of tables, which all batch rows share, by its index.
Tensor window_of(const Tensor& tensor, const Layout& layout, const Window& window) {
  const std::size_t batch = layout.windows == layout.windows_per_batch ? 0 : window.batch;
  const std::size_t first = batch * layout.rows_per_batch + window.index * layout.rows_per_window;
  return rows_of(tensor, first, layout.rows_per_window, layout.channels);
}

/// A window of its own has this slot with the same values. With overlap a token's gradients have a term of the next
/// window.
bool stands_alone(Slot slot, const Config& config) {
  if (slot.name == Name::prior_kv || slot.name == Name::prior_gate) return false;
  const compressor::Level level = compressor::level_of(slot);
  if (level == compressor::Level::sum || level == compressor::Level::weight)
    return slot.direction == Direction::forward;
  return level != compressor::Level::token || slot.direction == Direction::forward || !config.overlap;
}

class Cut {
 public:
  Cut(const Problem& problem, const Dump& dump, const Recipe& recipe, Window window)
      : problem_(problem), dump_(dump), recipe_(recipe), window_(window), config_(problem.config) {
    config_.batch = 1;
    config_.seq = config_.ratio;
    if (config_.rope) {
      config_.rope->position_offset += static_cast<std::int64_t>(window.index * config_.ratio);
    }
  }

  FailingCase make() const {
    FailingCase made;
    made.problem.config = config_;
    made.problem.source = "case";
    for (const auto& [name, tensor] : problem_.inputs) {
      if (name == Name::prior_kv || name == Name::prior_gate) continue;
      made.problem.inputs[name] = cut(compressor::forward(name), tensor);
    }
    add_prior(made.problem);
    for (const auto& [slot, record] : dump_.tape.records()) {
      if (stands_alone(slot, problem_.config)) made.tape.set(slot, cut(slot, record.tensor), record.format);
    }
    made.about = fmt::format("window {} of batch row {}", window_.index, window_.batch);
    return made;
  }

 private:
  Tensor cut(Slot slot, const Tensor& tensor) const {
    const Layout layout = layout_of(slot, tensor.shape, problem_.config);
    Tensor part = layout.windows == 0 ? tensor : window_of(tensor, layout, window_);
    part.shape = compressor::shape_of(slot, config_);
    return part;
  }

  void add_prior(Problem& made) const {
    if (!problem_.config.overlap) return;
    if (window_.index == 0 && !problem_.has(Name::prior_kv)) return;
    for (const auto& [prior, name] : {std::pair{Name::prior_kv, Name::kv}, std::pair{Name::prior_gate, Name::gate}}) {
      Tensor rows;
      if (window_.index == 0) {
        rows = rows_of(problem_.input(prior), window_.batch * config_.ratio, config_.ratio, config_.features());
      } else {
        rows = before(compressor::forward(name));
      }
      rows.shape = compressor::shape_of(compressor::forward(prior), config_);
      made.inputs[prior] = std::move(rows);
    }
  }

  /// The window before, as the dump has it or the recipe computes it.
  Tensor before(Slot slot) const {
    const Window previous{window_.batch, window_.index - 1};
    if (const Record* record = dump_.tape.find(slot))
      return window_of(record->tensor, layout_of(slot, record->tensor.shape, problem_.config), previous);
    const compressor::PartialResult computed = compressor::run_from(problem_, recipe_, {Tape{}, {slot}}, {});
    const Tensor& tensor = computed.tape.find(slot)->tensor;
    return window_of(tensor, layout_of(slot, tensor.shape, problem_.config), previous);
  }

  const Problem& problem_;
  const Dump& dump_;
  const Recipe& recipe_;
  Window window_;
  Config config_;
};

/// Where the verdict's element stands; nothing where its slot has no window.
std::optional<Window> window_of(const Verdict& verdict, const Config& config) {
  if (!verdict.tensor.empty() || !stands_alone(verdict.slot, config)) return std::nullopt;
  const Layout layout = layout_of(verdict.slot, compressor::shape_of(verdict.slot, config), config);
  if (layout.windows == 0) return std::nullopt;
  const Place place = place_of(verdict.index, layout);
  if (place.window >= config.windows()) return std::nullopt;  // tokens behind the last whole window
  return Window{place.batch, place.window};
}

bool fails_alike(const FailingCase& made, const Recipe& recipe, const Verdict& verdict) {
  Dump dump;
  dump.tape = made.tape;
  dump.source = "case";
  const Recipe exact = truth_recipe(recipe, made.problem.config, Basis::quantized);
  const Truth truth{{}, exact, compressor::run_traced(made.problem, exact, {}).tape};
  const std::optional<Recipe> claimed(recipe);
  const RunReport report = compare(made.problem, dump, {claimed, truth}, {});
  return report.verdict && report.verdict->slot == verdict.slot && report.verdict->dump_hex == verdict.dump_hex &&
         report.verdict->expected_hex == verdict.expected_hex;
}

}  // namespace

std::optional<FailingCase> failing_window(const Problem& problem, const Dump& dump, const Recipe& recipe,
                                          const Verdict& verdict) {
  if (problem.config.batch == 1 && problem.config.windows() <= 1) return std::nullopt;
  const std::optional<Window> window = window_of(verdict, problem.config);
  if (!window) return std::nullopt;
  FailingCase made = Cut(problem, dump, recipe, *window).make();
  if (!fails_alike(made, recipe, verdict)) return std::nullopt;
  return made;
}

}  // namespace ulpscope::judge
