// SPDX-License-Identifier: Apache-2.0
// Presets: the compressors of the released models in their true sizes, and two small ones for every day.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/compressor/config.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"

namespace ulpscope::compressor {
namespace {

/// theta 160000 with YaRN on the last 64 channels, as every compressed layer of the released models has it.
const Rope released_rope{64, 160000, Yarn{}, 0};

/// B = 1, S = 4096; the cache is FP8 in blocks of 64 but for the RoPE channels, as the native QAT simulates it.
Config main_compressor(Mode mode, std::size_t hidden) {
  Config config;
  config.mode = mode;
  config.overlap = mode == Mode::csa;
  config.ratio = mode == Mode::csa ? 4 : 128;
  config.seq = 4096;
  config.hidden = hidden;
  config.head_dim = 512;
  config.rope = released_rope;
  config.quantize = Quantize{"e4m3fn", 64, 64};
  return config;
}

/// The indexer's compressor: 128 channels, Hadamard transform, FP4 in blocks of 32.
Config indexer(std::size_t hidden) {
  Config config = main_compressor(Mode::csa, hidden);
  config.head_dim = 128;
  config.hadamard = true;
  config.quantize = Quantize{"e2m1", 32, 0};
  return config;
}

/// Small enough for every day: 64 channels of which the last 16 rotate (the released models rotate 64 of 512), nothing
/// quantised, so that the output's error is the compressor's own.
Config small(Mode mode) {
  Config config = main_compressor(mode, 256);
  config.batch = mode == Mode::csa ? 2 : 1;
  config.seq = mode == Mode::csa ? 256 : 1024;
  config.head_dim = 64;
  config.rope->dim = 16;
  config.quantize.reset();
  return config;
}

std::array<Preset, 8> make_presets() {
  return {
      {{"v4-flash-hca", "DeepSeek-V4-Flash, HCA layer: h 4096, d 512, FP8 output", main_compressor(Mode::hca, 4096)},
       {"v4-flash-csa", "DeepSeek-V4-Flash, CSA layer: h 4096, d 512, FP8 output", main_compressor(Mode::csa, 4096)},
       {"v4-flash-indexer", "DeepSeek-V4-Flash, CSA indexer: h 4096, d 128, Hadamard, FP4 output", indexer(4096)},
       {"v4-pro-hca", "DeepSeek-V4-Pro, HCA layer: h 7168, d 512, FP8 output", main_compressor(Mode::hca, 7168)},
       {"v4-pro-csa", "DeepSeek-V4-Pro, CSA layer: h 7168, d 512, FP8 output", main_compressor(Mode::csa, 7168)},
       {"v4-pro-indexer", "DeepSeek-V4-Pro, CSA indexer: h 7168, d 128, Hadamard, FP4 output", indexer(7168)},
       {"small-csa", "CSA for every day: B 2, S 256, h 256, d 64, no quantisation", small(Mode::csa)},
       {"small-hca", "HCA for every day: B 1, S 1024, h 256, d 64, no quantisation", small(Mode::hca)}}};
}

}  // namespace

std::span<const Preset> presets() {
  static const std::array<Preset, 8> all = make_presets();
  return all;
}

const Config& preset(std::string_view name) {
  std::vector<std::string> known;
  for (const Preset& candidate : presets()) {
    if (candidate.name == name) return candidate.config;
    known.emplace_back(candidate.name);
  }
  throw InputError(io::unknown_name("preset", name, known));
}

}  // namespace ulpscope::compressor
