// SPDX-License-Identifier: Apache-2.0
// Recipe: an implementation's arithmetic as data: pipeline, pads, formats and algorithms per stage [contract: recipes].
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/compressor/algorithms.hpp"
#include "core/compressor/slot.hpp"
#include "core/io/json.hpp"

namespace ulpscope::compressor {

enum class Stage : std::uint8_t {
  rope_table,
  project_kv,
  project_gate,
  bias,
  window,
  softmax,
  products,
  pool,
  normalize,
  scale,
  rotate,
  hadamard,
  quantize,
  join_hidden,
  count
};
std::string_view to_string(Stage stage);
Stage parse_stage(std::string_view name);

enum class Remainder : std::uint8_t { error, truncate, buffer };
enum class MaskPolicy : std::uint8_t { ignore, pad };
enum class SegmentPolicy : std::uint8_t { ignore, previous_half, strict };

/// What a slot that has no token holds: gate a number, -inf, lowest (of `format`) or exclude; kv a number.
struct Pad {
  std::string gate = "-inf";
  std::string kv = "0";
  std::string format;  ///< empty: the format of the slot that receives it
};

/// A recipe as read: the resolved JSON (base applied) is the single source; the fields below are its checked reading.
struct Recipe {
  io::Json spec;
  std::string name;
  std::string about;
  std::string source;
  Pipeline pipeline = Pipeline::bias_first;
  std::set<Stage> omit;
  Pad pad;
  Remainder remainder = Remainder::truncate;
  MaskPolicy mask = MaskPolicy::ignore;
  SegmentPolicy segments = SegmentPolicy::ignore;
  Softmax softmax = Softmax::shifted;
  double loss_scale = 1;
  std::uint64_t seed = 0;  ///< of stochastic roundings (formats with `sr`)
};

/// Throws InputError naming the file, the field and the known values. `base` recipes are looked up among the built-in
/// ones.
Recipe recipe_from_json(const io::Json& json, const std::string& where);
/// A built-in name, or a path to a JSON file.
Recipe load_recipe(const std::string& name_or_path);
/// "--set STAGE.FIELD=VALUE"; stages of the backward are "backward.STAGE.FIELD"; top fields are plain
/// ("pad.gate=-1e4").
Recipe with_setting(const Recipe& recipe, const std::string& assignment);
std::vector<std::string> builtin_recipe_names();

/// The config that the recipe computes: `config` minus the omitted stages.
Config effective_config(const Config& config, const Recipe& recipe);

}  // namespace ulpscope::compressor
