// SPDX-License-Identifier: Apache-2.0
// Edits of a study's recipes: refused where they would change nothing, kept with the results elsewhere.
#include "core/studies/settings.hpp"

#include <atomic>

#include "core/compressor/recipe_merge.hpp"
#include "core/io/error.hpp"
#include "core/studies/run_study.hpp"
#include "tests/core/studies/toy.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::studies;
using Catch::Matchers::Contains;

namespace {

Results planned_with(const char* study, const std::vector<std::string>& settings,
                     std::map<std::string, std::vector<std::string>> values = {}) {
  WalkOptions options;
  options.settings = settings;
  options.values = std::move(values);
  return planned(study_named(study), options);
}

}  // namespace

TEST_CASE("what values of axes set is a recipe's to set, in every study") {
  const compressor::Recipe base = compressor::load_recipe("fp32");
  std::size_t setting = 0;
  for (const Study& study : all_studies()) {
    for (const Axis& axis : study.axes) {
      if (axis.sets == nullptr) continue;
      ++setting;
      CHECK(study.edited);
      bool sets_something = false;
      for (const std::string& word : axis.full) {
        INFO(study.name << ' ' << axis.name << ' ' << word);
        const io::Json overlay = axis.sets(word);
        sets_something = sets_something || !overlay.empty();
        CHECK_NOTHROW(compressor::recipe_from_json(compressor::merged(base.spec, overlay), "here"));
      }
      CHECK(sets_something);
    }
  }
  CHECK(setting > 20);
}

TEST_CASE("a setting whose field an axis decides is refused with the axis and its value") {
  const auto refused = [](const char* study, const std::string& setting, const std::string& tells) {
    CHECK_THROWS_AS(planned_with(study, {setting}), InputError);
    CHECK_THROWS_WITH(planned_with(study, {setting}), Contains("study " + std::string(study) + ": setting '" + setting +
                                                               "' would change nothing: " + tells));
  };
  refused("loss_scale", "loss_scale=8", "axis loss_scale decides the same field (2^-128)");
  refused("pads", "pad.gate=-5", "axis pad_gate decides the same field (-1e4)");
  refused("pads", "softmax.vjp=closed", "axis vjp");
  refused("pads", "mask=ignore", "axis row");
  refused("underflow", "pool.accumulate=bf16", "axis format decides the same field (bf16/fp32)");
  refused("formats", "pool.storage.pooled=bf16", "axis role decides the same field (storage)");
  refused("formats", "backward.pool.storage=bf16", "axis role");
  refused("nan", "softmax.storage=bf16", "axis softmax_in decides the same field (bf16)");
  refused("online", "softmax=naive", "axis tile");
  refused("packing", "segments=strict", "axis policy decides the same field (ignore)");
  refused("range", "project_gate.storage=bf16", "axis format");
  refused("quantize", "quantize.ties=away", "axis ties");
}

TEST_CASE("a setting beside what the walked values decide is kept") {
  CHECK(planned_with("formats", {"pool.storage=bf16"}, {{"role", {"compute"}}}).walk.settings ==
        std::vector<std::string>{"pool.storage=bf16"});
  CHECK_NOTHROW(planned_with("nan", {"softmax.storage=bf16"}, {{"softmax_in", {"recipe"}}}));
  CHECK_NOTHROW(planned_with("loss_scale", {"backward.softmax.storage.grad.logits=bf16"}));
  CHECK_NOTHROW(planned_with("range", {"bias.storage=bf16"}, {{"rounded", {"gate"}}}));
  CHECK_NOTHROW(planned_with("casts", {"pool.storage=fp32"}));
  CHECK(planned_with("casts", {}).walk.settings.empty());
}

TEST_CASE("a study without recipes takes no setting; the others ask for the recipe with its edits") {
  for (const Study& study : all_studies()) {
    INFO(study.name);
    std::atomic<std::size_t> asked = 0;
    WalkOptions options;
    for (const Axis& axis : study.axes) options.values[axis.name] = {axis.small.front()};
    options.subject.recipe = [&](const std::string& name) {
      ++asked;
      return compressor::load_recipe(name);
    };
    run_study(study, options);
    CHECK((asked > 0) == study.edited);
    options.settings = {"scale.storage=bf16"};
    if (!study.edited) CHECK_THROWS_WITH(planned(study, options), Contains("the study runs no recipe"));
  }
}

TEST_CASE("results with other settings are not continued") {
  const Study study = test::toy_study();
  WalkOptions options;
  options.settings = {"pool.storage=bf16", "remainder=error"};
  const io::Json kept = to_json(run_study(study, options), nullptr);
  CHECK(kept["settings"] == io::Json({"pool.storage=bf16", "remainder=error"}));
  CHECK(cells_from_json(kept, planned(study, options), "kept").size() == 2);
  options.settings = {};
  CHECK_THROWS_WITH(
      cells_from_json(kept, planned(study, options), "kept"),
      Contains("kept: cannot be continued: its list of settings is pool.storage=bf16 remainder=error, not none"));
  io::Json older = kept;
  older.erase("settings");
  CHECK(cells_from_json(older, planned(study, options), "kept").size() == 2);
}
