// SPDX-License-Identifier: Apache-2.0
// Mutants: the known bugs of ports, as data. Planted in a run of any recipe, they show what a comparison can see.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "core/compressor/run.hpp"

namespace ulpscope::judge {

/// A run to be, which a mutant changes: what it reads, computes in, or holds in a slot.
struct Planted {
  compressor::Problem problem;
  compressor::Recipe recipe;
  std::map<compressor::Slot, compressor::Override> overrides = {};
  std::set<compressor::Slot> changed = {};  ///< those that the bug changes; at the others it only looks
};

struct Mutant {
  std::string_view name;
  compressor::Stage stage;  ///< the first that it makes wrong
  std::string_view about;   ///< what the port does
  /// What the problem lacks for it ("YaRN"); empty: nothing. Null: any problem will do.
  std::string_view (*lacks)(const compressor::Problem& problem, const compressor::Config& effective);
  void (*plant)(Planted& planted);
};

std::span<const Mutant> mutants();
/// Throws InputError with the known names.
const Mutant& mutant_named(std::string_view name);
/// What keeps a mutant out of a problem's run in a recipe ("hf leaves no YaRN in small.safetensors"); empty: nothing.
std::string reason_against(const Mutant& mutant, const compressor::Problem& problem, const compressor::Recipe& recipe);

/// A slot of a dump, to be computed from the others.
struct Wanted {
  const compressor::Tape& given;
  compressor::Slot slot;
  unsigned threads = 1;
};

/// A traced run with the bug in it, which claims the problem's config and the recipe as they are. Throws InputError
/// where the problem gives the bug no place.
compressor::Run run_mutant(const compressor::Problem& problem, const compressor::Recipe& recipe, const Mutant& mutant,
                           const compressor::RunOptions& options);
/// `slot` from a dump's nearest slots, with the bug on the way: what a port that has the bug holds there; nothing
/// where it computes no such slot. Throws as run_mutant.
std::optional<compressor::Tensor> replay_mutant(const compressor::Problem& problem, const compressor::Recipe& recipe,
                                                const Mutant& mutant, const Wanted& wanted);

}  // namespace ulpscope::judge
