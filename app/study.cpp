// SPDX-License-Identifier: Apache-2.0
// The verb study: a question walked over its axes, kept in a file as it goes.
#include <fmt/format.h>

#include <filesystem>

#include "app/session.hpp"
#include "core/io/error.hpp"
#include "core/studies/run_study.hpp"

namespace ulpscope::app {
namespace {

using studies::Results;
using studies::Study;
using studies::WalkOptions;

/// What an earlier walk left in the file; nothing where there is none yet.
std::vector<studies::Cell> known_cells(const std::string& path, const Results& planned) {
  if (!std::filesystem::exists(path)) return {};
  return studies::cells_from_json(io::read_json(path), planned, path);
}

WalkOptions walk_options(const StudyOptions& options, const compressor::Problem* problem) {
  WalkOptions walk;
  walk.extent = options.full ? studies::Extent::full : studies::Extent::small;
  walk.values = options.values;
  walk.seeds = options.seeds;
  walk.subject.problem = problem;
  walk.subject.seed = options.seed;
  walk.subject.recipe = [&edits = options.edits](const std::string& name) {
    return edited(compressor::load_recipe(name), edits);
  };
  walk.settings = settings_of(options.edits);
  walk.threads = options.threads;
  return walk;
}

}  // namespace

Outcome study(const StudyOptions& options) {
  const Study& chosen = studies::study_named(options.name);
  if (options.seeds == 0) throw InputError("seeds: at least 1");
  TypedReader reader(options.dtypes);
  std::optional<compressor::Problem> problem;
  if (options.problem) problem = reader.problem(*options.problem);
  reader.require_used();
  WalkOptions walk = walk_options(options, problem ? &*problem : nullptr);
  const io::Json made_by = provenance(options.threads);
  if (options.resume) {
    walk.known = known_cells(*options.resume, studies::planned(chosen, walk));
    walk.keep = [&](const Results& so_far) {
      io::write_text(*options.resume, judge::compact_text(studies::to_json(so_far, made_by)));
    };
  }
  if (options.progress) {
    walk.progress = [&](std::size_t done, std::size_t all) {
      options.progress(fmt::format("{}: {} of {} points", chosen.name, done, all));
    };
  }
  return {studies::to_json(studies::run_study(chosen, walk), made_by), "", 0};
}

}  // namespace ulpscope::app
