// SPDX-License-Identifier: Apache-2.0
// Reading, checking and writing configs.
#include "core/compressor/config.hpp"

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "core/io/error.hpp"
#include "core/io/fields.hpp"
#include "core/io/names.hpp"
#include "precision/format.hpp"

namespace ulpscope::compressor {
namespace {

using io::Fields;
using io::Json;

// Any tensor of a run, in doubles, stays below this many bytes; so no product of sizes overflows anywhere.
constexpr std::size_t max_tensor_bytes = std::size_t{1} << 46;
constexpr std::int64_t max_position = std::int64_t{1} << 40;

[[noreturn]] void refuse(std::string_view where, const std::string& sentence) {
  throw InputError(std::string(where) + ": " + sentence);
}

std::string text(std::size_t value) { return std::to_string(value); }

std::string text(double value) { return io::number(value).dump(); }

Yarn read_yarn(const Fields& fields) {
  Yarn yarn;
  yarn.factor = fields.optional_number("factor").value_or(yarn.factor);
  yarn.original = fields.optional_number("original").value_or(yarn.original);
  yarn.beta_fast = fields.optional_number("beta_fast").value_or(yarn.beta_fast);
  yarn.beta_slow = fields.optional_number("beta_slow").value_or(yarn.beta_slow);
  fields.no_others();
  return yarn;
}

Rope read_rope(const Fields& fields) {
  Rope rope;
  rope.dim = fields.optional_size("dim").value_or(rope.dim);
  rope.theta = fields.optional_number("theta").value_or(rope.theta);
  if (const auto yarn = fields.optional_object("yarn")) rope.yarn = read_yarn(*yarn);
  rope.position_offset = fields.optional_integer("position_offset").value_or(0);
  fields.no_others();
  return rope;
}

Quantize read_quantize(const Fields& fields) {
  Quantize quantize;
  quantize.format = fields.string("format");
  quantize.block = fields.size("block");
  quantize.skip_last = fields.optional_size("skip_last").value_or(0);
  fields.no_others();
  return quantize;
}

void read_sizes(const Fields& fields, Config& config) {
  const bool csa = fields.choice("mode", {"csa", "hca"}) == "csa";
  config.mode = csa ? Mode::csa : Mode::hca;
  config.ratio = fields.optional_size("ratio").value_or(csa ? 4 : 128);
  config.overlap = fields.optional_boolean("overlap").value_or(csa);
  config.batch = fields.size("batch");
  config.seq = fields.size("seq");
  config.hidden = fields.size("hidden");
  config.head_dim = fields.size("head_dim");
}

/// Refuses a product of sizes whose doubles would not fit.
void check_product(std::string_view where, const std::string& what, const std::vector<std::size_t>& sizes) {
  std::size_t bytes = sizeof(double);
  for (const std::size_t size : sizes) {
    if (size != 0 && bytes > max_tensor_bytes / size) {
      refuse(where, "the sizes are too large: " + what + " needs more than " + text(max_tensor_bytes) + " bytes");
    }
    bytes *= size;
  }
}

void check_sizes(const Config& config, std::string_view where) {
  const auto positive = [&](const char* field, std::size_t value) {
    if (value == 0) refuse(where, std::string("field '") + field + "' must be at least 1, found 0");
    if (value > max_tensor_bytes / sizeof(double)) {
      refuse(where, std::string("field '") + field + "' is too large: " + text(value));
    }
  };
  positive("ratio", config.ratio);
  positive("batch", config.batch);
  positive("hidden", config.hidden);
  positive("head_dim", config.head_dim);
  if (config.seq != 0) positive("seq", config.seq);
  const std::size_t features = config.features();
  check_product(where, "hidden [B,S,h]", {config.batch, config.seq, config.hidden});
  check_product(where, "w_kv [c*d,h]", {features, config.hidden});
  check_product(where, "ape [ratio,c*d]", {config.ratio, features});
  check_product(where, "kv [B,S,c*d]", {config.batch, config.seq, features});
  check_product(where, "prior_kv [B,ratio,c*d]", {config.batch, config.ratio, features});
  check_product(where, "logits [B,n,L,d]", {config.batch, config.windows(), config.window_slots(), config.head_dim});
}

/// A field must be finite and above `low`; or at `low` too.
struct Bound {
  double low = 0;
  bool inclusive = false;
};

void check_number(std::string_view where, const char* field, double value, Bound bound) {
  const bool good = std::isfinite(value) && (bound.inclusive ? value >= bound.low : value > bound.low);
  if (good) return;
  refuse(where, std::string("field '") + field + "' must be a finite number " + (bound.inclusive ? ">= " : "> ") +
                    text(bound.low) + ", found " + text(value));
}

void check_rope(const Config& config, std::string_view where) {
  const Rope& rope = *config.rope;
  if (config.head_dim % 2 != 0) {
    refuse(where, "field 'head_dim' must be even when rope is on, found " + text(config.head_dim));
  }
  if (rope.dim == 0 || rope.dim % 2 != 0 || rope.dim > config.head_dim) {
    refuse(where, "field 'rope.dim' must be even, at least 2 and at most head_dim = " + text(config.head_dim) +
                      ", found " + text(rope.dim));
  }
  check_number(where, "rope.theta", rope.theta, Bound{0, false});
  if (rope.position_offset > max_position || rope.position_offset < -max_position) {
    refuse(where, "field 'rope.position_offset' must lie within +-2^40, found " + std::to_string(rope.position_offset));
  }
  if (!rope.yarn) return;
  check_number(where, "rope.theta", rope.theta, Bound{1, false});  // YaRN's ramp divides by log(theta)
  check_number(where, "rope.yarn.factor", rope.yarn->factor, Bound{0, false});
  check_number(where, "rope.yarn.original", rope.yarn->original, Bound{0, false});
  check_number(where, "rope.yarn.beta_fast", rope.yarn->beta_fast, Bound{0, false});
  check_number(where, "rope.yarn.beta_slow", rope.yarn->beta_slow, Bound{0, false});
}

void check_quantize(const Config& config, std::string_view where) {
  const Quantize& quantize = *config.quantize;
  try {
    precision::parse_format(quantize.format);
  } catch (const std::invalid_argument& error) {
    refuse(where, std::string("field 'quantize.format': ") + error.what());
  }
  if (quantize.skip_last > config.head_dim) {
    refuse(where, "field 'quantize.skip_last' must be at most head_dim = " + text(config.head_dim) + ", found " +
                      text(quantize.skip_last));
  }
  const std::size_t channels = config.head_dim - quantize.skip_last;
  if (quantize.block == 0 || channels % quantize.block != 0) {
    refuse(where, "field 'quantize.block' must divide head_dim - skip_last = " + text(channels) + ", found " +
                      text(quantize.block));
  }
}

Json to_json(const Rope& rope) {
  Json json{{"dim", rope.dim}, {"theta", rope.theta}};
  json["yarn"] = nullptr;
  if (rope.yarn) {
    json["yarn"] = Json{{"factor", rope.yarn->factor},
                        {"original", rope.yarn->original},
                        {"beta_fast", rope.yarn->beta_fast},
                        {"beta_slow", rope.yarn->beta_slow}};
  }
  json["position_offset"] = rope.position_offset;
  return json;
}

}  // namespace

Config config_from_json(const Json& json, std::string_view where) {
  const Fields fields(json, std::string(where));
  Config config;
  // Every name is declared before anything is refused, so that a misspelt field is named first, not a missing one.
  for (const char* name : {"mode", "ratio", "overlap", "batch", "seq", "hidden", "head_dim", "eps", "rope", "hadamard",
                           "quantize", "norm"}) {
    fields.allow(name);
  }
  fields.no_others();
  read_sizes(fields, config);
  config.eps = fields.optional_number("eps").value_or(config.eps);
  if (const auto rope = fields.optional_object("rope")) config.rope = read_rope(*rope);
  config.hadamard = fields.optional_boolean("hadamard").value_or(false);
  if (const auto quantize = fields.optional_object("quantize")) config.quantize = read_quantize(*quantize);
  config.norm = fields.optional_boolean("norm").value_or(true);
  validate(config, where);
  return config;
}

Json to_json(const Config& config) {
  Json json;
  json["mode"] = config.mode == Mode::csa ? "csa" : "hca";
  json["ratio"] = config.ratio;
  json["overlap"] = config.overlap;
  json["batch"] = config.batch;
  json["seq"] = config.seq;
  json["hidden"] = config.hidden;
  json["head_dim"] = config.head_dim;
  json["eps"] = config.eps;
  json["rope"] = config.rope ? to_json(*config.rope) : Json(nullptr);
  json["hadamard"] = config.hadamard;
  json["quantize"] = nullptr;
  if (config.quantize) {
    json["quantize"] = Json{{"format", config.quantize->format},
                            {"block", config.quantize->block},
                            {"skip_last", config.quantize->skip_last}};
  }
  json["norm"] = config.norm;
  return json;
}

void validate(const Config& config, std::string_view where) {
  check_sizes(config, where);
  check_number(where, "eps", config.eps, Bound{0, true});
  if (config.rope) check_rope(config, where);
  if (config.hadamard && !std::has_single_bit(config.head_dim)) {
    refuse(where, "field 'head_dim' must be a power of two when hadamard is on, found " + text(config.head_dim));
  }
  if (config.quantize) check_quantize(config, where);
}

}  // namespace ulpscope::compressor
