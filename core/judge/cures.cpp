// SPDX-License-Identifier: Apache-2.0
// The table of changes, smallest first, and the runs that test them.
#include "core/judge/cures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/io/error.hpp"
#include "core/judge/diagnosis.hpp"
#include "core/judge/harm.hpp"
#include "precision/ulp.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Direction;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Recipe;
using compressor::Slot;
using compressor::Softmax;
using compressor::Stage;
using compressor::Tape;

/// Where a change begins to act: slots before it stay as the run holds them.
enum class Since : std::uint8_t { pads, softmax, output_cotangent, own_stage };

/// A change of the recipe. `settings`: separated by spaces; {} is the birth's stage, "backward." before it where it was
/// born there.
struct Change {
  std::string_view settings;
  std::string_view about;
  Since since;
  bool (*applies)(const Recipe&, const Complaint&);
};

bool in_softmax(const Recipe&, const Complaint& complaint) {
  return complaint.stage == Stage::softmax || complaint.stage == Stage::pool;
}
bool in_softmax_gradient(const Recipe&, const Complaint& complaint) {
  return complaint.group.slot == gradient(Name::logits);
}
bool is_naive(const Recipe& recipe, const Complaint& complaint) {
  return recipe.softmax == Softmax::naive && in_softmax(recipe, complaint);
}
bool is_unguarded(const Recipe& recipe, const Complaint& complaint) {
  return recipe.softmax == Softmax::online && in_softmax(recipe, complaint);
}
/// A pad's value is at fault where it stands, and where it is an operand.
bool concerns_pads(const Recipe&, const Complaint& complaint) {
  return complaint.birth_class == "from pad" || complaint.birth_class == "0 * inf" ||
         complaint.birth_class == "inf - inf" || complaint.birth_class == "inf";
}
bool is_scaled(const Recipe& recipe, const Complaint& complaint) {
  return recipe.loss_scale > 1 && complaint.group.slot.direction == Direction::backward;
}
/// A format's range can be at fault everywhere but where infinities met: a pad of -inf is NaN in a format without them.
bool concerns_range(const Recipe&, const Complaint& complaint) { return complaint.birth_class != "inf - inf"; }

/// In order of the size of the change: how many values that were finite it moves. A kv pad of 0 and a guard move none,
/// a loss scale only scales gradients, another form of a formula moves last bits; a finite pad leaks into every row
/// that it stands in, and makes rows without a token uniform; other formats change a whole stage.
constexpr std::array<Change, 17> changes{{
    {"pad.kv=0", "kv of pads 0", Since::pads, concerns_pads},
    {"loss_scale={scale}/16", "a smaller loss scale", Since::output_cotangent, is_scaled},
    {"loss_scale={scale}/256", "a smaller loss scale", Since::output_cotangent, is_scaled},
    {"loss_scale={scale}/4096", "a smaller loss scale", Since::output_cotangent, is_scaled},
    {"loss_scale=1", "no loss scale", Since::output_cotangent, is_scaled},
    {"backward.softmax.vjp=y_times_g_minus_s", "the closed VJP of the softmax", Since::own_stage, in_softmax_gradient},
    {"softmax=shifted", "the maximum subtracted", Since::softmax, is_naive},
    {"softmax=online_guarded", "maxima of -inf guarded against", Since::softmax, is_unguarded},
    {"softmax=double_where", "pads left out of maximum and sum, and their gradients 0", Since::softmax, in_softmax},
    {"pad.gate=-1e4", "a finite gate of pads", Since::pads, concerns_pads},
    {"{}.storage=bf16", "the range of bf16 in what the stage stores", Since::own_stage, concerns_range},
    {"{}.storage=fp32", "fp32 in what the stage stores", Since::own_stage, concerns_range},
    {"{}.accumulate=fp32", "fp32 in the stage's sums", Since::own_stage, concerns_range},
    {"{}.compute=fp32", "fp32 in the stage's operations", Since::own_stage, concerns_range},
    {"{}.compute=fp32 {}.accumulate=fp32", "fp32 in the stage's operations and sums", Since::own_stage, concerns_range},
    {"{}.compute=fp32 {}.accumulate=fp32 {}.storage=fp32", "the stage in fp32", Since::own_stage, concerns_range},
    {"{}.compute=fp64 {}.accumulate=fp64 {}.storage=fp64", "the stage in fp64", Since::own_stage, concerns_range},
}};

std::string stage_text(const Complaint& complaint) {
  const bool backward = complaint.group.slot.direction == Direction::backward;
  return (backward ? "backward." : "") + std::string(compressor::to_string(complaint.stage));
}

/// "loss_scale={scale}/16" at a loss scale of 65536: "loss_scale=4096".
std::string scaled_text(std::string_view setting, double scale) {
  constexpr std::string_view mark = "{scale}/";
  const std::size_t at = setting.find(mark);
  if (at == std::string_view::npos) return std::string(setting);
  const double divisor = std::stod(std::string(setting.substr(at + mark.size())));
  return fmt::format("{}{}", setting.substr(0, at), scale / divisor);
}

std::vector<std::string> settings_of(const Change& change, const Recipe& recipe, const Complaint& complaint) {
  std::vector<std::string> settings;
  std::size_t begin = 0;
  while (begin < change.settings.size()) {
    const std::size_t end = std::min(change.settings.find(' ', begin), change.settings.size());
    std::string setting(change.settings.substr(begin, end - begin));
    if (setting.starts_with("{}")) setting.replace(0, 2, stage_text(complaint));
    settings.push_back(scaled_text(setting, recipe.loss_scale));
    begin = end + 1;
  }
  return settings;
}

std::string joined(const std::vector<std::string>& settings) {
  std::string text;
  for (const std::string& setting : settings) text += (text.empty() ? "" : " ") + setting;
  return text;
}

/// Nothing where the recipe is so already, or refuses it.
std::optional<Recipe> changed_recipe(const Recipe& recipe, const std::vector<std::string>& settings) {
  try {
    Recipe changed = recipe;
    for (const std::string& setting : settings) changed = compressor::with_setting(changed, setting);
    if (changed.spec == recipe.spec) return std::nullopt;
    return changed;
  } catch (const InputError&) {
    return std::nullopt;
  }
}

class Trial {
 public:
  Trial(const Births& births, const Complaint& complaint) : births_(births), complaint_(complaint) {}

  std::optional<std::string> cure() const {
    if (complaint_.group.origin == Origin::foreign) return by_the_recipe();
    const Recipe& recipe = births_.suspect().recipe;
    for (const Change& change : changes) {
      if (complaint_.group.origin == Origin::input || !change.applies(recipe, complaint_)) continue;
      const auto settings = settings_of(change, recipe, complaint_);
      const auto changed = changed_recipe(recipe, settings);
      if (changed && cured_by(births_.suspect().problem, *changed, pinned_before(change.since)))
        return fmt::format("{}: {}", joined(settings), change.about);
    }
    return complaint_.group.origin == Origin::input ? by_another_input() : std::nullopt;
  }

 private:
  /// The recipe's own value in place of what the run holds.
  std::optional<std::string> by_the_recipe() const {
    const Slot slot = complaint_.group.slot;
    const auto& problem = births_.suspect().problem;
    const compressor::Tensor computed = births_.computed(slot, problem, births_.reads(slot));
    const auto own_value = [&](std::size_t i) { return computed.at(i); };
    Tape pinned = pinned_before(Since::own_stage);
    const compressor::Record& own = *births_.tape().find(slot);
    pinned.set(slot, replaced(own.tensor, complaint_.group.elements, own_value), own.format);
    if (!cured_by(problem, births_.suspect().recipe, pinned)) return std::nullopt;
    const double first = computed.at(complaint_.group.elements.front());
    const bool one = complaint_.group.elements.where([&](std::size_t i) { return computed.at(i) != first; }).empty();
    const std::string what = one ? value_text(first) : "the recipe's own values, " + value_text(first) + " the first,";
    if (!complaint_.group.at_pad) return fmt::format("{} held in {}", what, compressor::to_string(slot));
    return fmt::format("pad.{}={}: {} held in the padded rows of {}", slot.name == Name::values ? "kv" : "gate",
                       value_text(first), what, compressor::to_string(slot));
  }

  /// A format that holds the input, else a finite value in its place.
  std::optional<std::string> by_another_input() const {
    const std::string name = compressor::to_string(complaint_.group.slot);
    const auto& problem = births_.suspect().problem;
    for (const char* format : {"bf16", "fp32", "fp64"}) {
      if (complaint_.birth_class != "overflow") break;
      const std::vector<std::string> settings{fmt::format("inputs.{}={}", name, format)};
      const auto changed = changed_recipe(births_.suspect().recipe, settings);
      if (changed && cured_by(problem, *changed, {}))
        return fmt::format("{}: a format that holds the input", settings[0]);
    }
    compressor::Problem other = problem;
    const IndexRanges& elements = complaint_.group.elements;
    other.inputs[complaint_.group.slot.name] =
        replaced(problem.input(complaint_.group.slot.name), elements, [](std::size_t) { return 0.; });
    if (!cured_by(other, births_.suspect().recipe, {})) return std::nullopt;
    return fmt::format("0 in place of {} in {}", elements.size() == 1 ? "the element" : "the elements", name);
  }

  Stage writer(Slot slot) const { return births_.plan().writer(slot); }

  bool begins(Since since, Slot slot) const {
    switch (since) {
      case Since::pads:
        return writer(slot) == Stage::window || slot == forward(Name::logits);
      case Since::softmax:
        return writer(slot) == Stage::softmax;
      case Since::output_cotangent:
        return slot.direction == Direction::backward;
      case Since::own_stage:
        break;
    }
    return writer(slot) == complaint_.stage && slot.direction == complaint_.group.slot.direction;
  }

  /// What the run holds before the first slot that changes, or the birth's where that is earlier.
  Tape pinned_before(Since since) const {
    Tape pinned;
    for (const Slot slot : births_.graph().order()) {
      if (slot == complaint_.group.slot || begins(since, slot)) break;
      const compressor::Record* record = births_.tape().find(slot);
      if (record != nullptr) pinned.set(slot, record->tensor, record->format);
    }
    return pinned;
  }

  bool needs_gradients() const {
    const auto backward = [](const PathStep& step) { return step.slot.direction == Direction::backward; };
    return complaint_.group.slot.direction == Direction::backward ||
           std::any_of(complaint_.path.begin(), complaint_.path.end(), backward);
  }

  /// Nothing where the engine refuses the changed recipe: that is no cure.
  static std::optional<Tape> attempt(const compressor::Problem& problem, const Recipe& recipe, const Tape& pinned,
                                     const compressor::RunOptions& options) {
    try {
      return compressor::run_pinned(problem, recipe, pinned, options);
    } catch (const InputError&) {
      return std::nullopt;
    }
  }

  /// The results that the birth led to (the output, gradients of inputs) are finite again; where it led to none, its
  /// own elements are. Beside other births, which may lead there too: its elements, and no more of the results is not.
  bool cured_by(const compressor::Problem& problem, const Recipe& recipe, const Tape& pinned) const {
    compressor::RunOptions options;
    options.threads = births_.threads();
    options.gradients = needs_gradients() ? compressor::Gradients::all : compressor::Gradients::none;
    const auto rerun = attempt(problem, recipe, pinned, options);
    if (!rerun) return false;
    const Strays left = strays_of(*rerun, births_.suspect().truth, births_.threads());
    const std::size_t before = stray_results(births_.strays());
    const std::size_t after = stray_results(left);
    if (before != 0 && after == 0) return true;
    const auto own = left.find(complaint_.group.slot);
    const auto still = [&](std::size_t i) { return own->second.contains(i); };
    const bool gone = own == left.end() || complaint_.group.elements.where(still).empty();
    const bool seen = complaint_.group.origin != Origin::input;  // an input is on no tape
    return gone && (births_.groups().size() == 1 ? after == 0 : after < before || (seen && after == before));
  }

  /// How many elements of the results on the path, or of the birth's slot where that is one, are strays.
  std::size_t stray_results(const Strays& strays) const {
    std::size_t count = 0;
    const auto add = [&](Slot slot) {
      const bool result =
          slot.direction == Direction::forward ? slot.name == Name::output : compressor::is_input(slot.name);
      const auto found = strays.find(slot);
      count += !result || found == strays.end() ? 0 : found->second.size();
    };
    add(complaint_.group.slot);
    for (const PathStep& step : complaint_.path) add(step.slot);
    return count;
  }

  const Births& births_;
  const Complaint& complaint_;
};

}  // namespace

std::optional<std::string> find_cure(const Births& births, const Complaint& complaint) {
  if (auto why = why_harmless(births, complaint)) return why;
  return Trial(births, complaint).cure();
}

}  // namespace ulpscope::judge
