// SPDX-License-Identifier: Apache-2.0
// The compressor's configuration: sizes, modes and the optional stages [contract: config JSON].
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/io/json.hpp"

namespace ulpscope::compressor {

enum class Mode : std::uint8_t { hca, csa };

/// YaRN interpolation of the RoPE frequencies; amplitude 1.
struct Yarn {
  double factor = 16;
  double original = 65536;
  double beta_fast = 32;
  double beta_slow = 1;
  bool operator==(const Yarn&) const = default;
};

/// Interleaved pairs of the LAST `dim` channels; entry i stands at position_offset + i * ratio.
struct Rope {
  std::size_t dim = 64;
  double theta = 160000;
  std::optional<Yarn> yarn;
  std::int64_t position_offset = 0;
  bool operator==(const Rope&) const = default;
};

/// Block-scaled quantise-dequantise of all channels but the last `skip_last`.
struct Quantize {
  std::string format = "e4m3fn";
  std::size_t block = 64;
  std::size_t skip_last = 0;
  bool operator==(const Quantize&) const = default;
};

struct Config {
  Mode mode = Mode::hca;
  std::size_t ratio = 128;   ///< tokens per window
  bool overlap = false;      ///< CSA: slots r < ratio hold the previous window's first feature half
  std::size_t batch = 1;     ///< B
  std::size_t seq = 0;       ///< S
  std::size_t hidden = 0;    ///< h
  std::size_t head_dim = 0;  ///< d
  double eps = 1e-6;
  std::optional<Rope> rope;
  bool hadamard = false;
  std::optional<Quantize> quantize;
  bool norm = true;

  std::size_t windows() const { return seq / ratio; }            ///< n, per batch row
  std::size_t halves() const { return overlap ? 2U : 1U; }       ///< c
  std::size_t features() const { return halves() * head_dim; }   ///< c*d
  std::size_t window_slots() const { return halves() * ratio; }  ///< L
  bool operator==(const Config&) const = default;
};

/// Reads and checks a config; `where` names its source in error sentences. Throws InputError.
Config config_from_json(const io::Json& json, std::string_view where);
/// Canonical form: every field, contract's order.
io::Json to_json(const Config& config);
/// Throws InputError with one sentence where sizes contradict each other (ratio 0, odd head_dim under RoPE, ...).
void validate(const Config& config, std::string_view where);

struct Preset {
  std::string_view name;
  std::string_view about;
  Config config;
};
std::span<const Preset> presets();
/// Throws InputError naming the known presets.
const Config& preset(std::string_view name);

}  // namespace ulpscope::compressor
