// SPDX-License-Identifier: Apache-2.0
// Study rope: rounded frequencies, angles and tables, up to a position: error of the angle and of what is rotated.
#include <cmath>

#include "core/compressor/rope_table.hpp"
#include "core/studies/errors.hpp"
#include "core/studies/rope_conclusion.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Config;
using compressor::TableArithmetic;
using Table = compressor::RopeTable<double>;

constexpr std::size_t samples = 512;

void role_word(const std::string& word) {
  if (word != "exact") format_word(word);
}

std::optional<precision::Format> role(const std::string& word) {
  if (word == "exact") return std::nullopt;
  return precision::parse_format(word);
}

/// Entries of the config, at most `samples` and evenly spread, the last of them at position `last`.
Config sampled(Config config, std::size_t last) {
  config.ratio *= (last / config.ratio + samples) / samples;
  const std::size_t entries = last / config.ratio + 1;
  config.seq = entries * config.ratio;
  config.rope->position_offset = static_cast<std::int64_t>(last - (entries - 1) * config.ratio);
  return config;
}

/// The released models' RoPE on the ratio of CSA, unless a problem says otherwise. Null where it has none.
std::optional<Config> config_of(const Point& at, const Subject& subject) {
  Config config;
  config.mode = compressor::Mode::csa;
  config.ratio = 4;
  config.rope = compressor::Rope{};
  if (subject.problem != nullptr) config = subject.problem->config;
  if (!config.rope) return std::nullopt;
  if (subject.problem == nullptr && at.at("yarn") == "on") config.rope->yarn = compressor::Yarn{};
  return config;
}

Table table_of(const Config& config, const TableArithmetic& arithmetic) {
  return compressor::rope_table(config, arithmetic, compressor::rope_frequencies<double>(config, arithmetic));
}

/// Error of the angles alone: the argument of the quotient of two turns, within (-pi, pi].
double angle_between(const Table& a, const Table& b, std::size_t i) {
  return std::atan2(a.sin[i] * b.cos[i] - a.cos[i] * b.sin[i], a.cos[i] * b.cos[i] + a.sin[i] * b.sin[i]);
}

io::Json measure(const Point& at, const Subject& subject) {
  auto config = config_of(at, subject);
  if (!config) return skipped("the problem has no rope");
  config = sampled(*config, at.count("position"));
  const TableArithmetic rounded{role(at.at("frequencies")), role(at.at("angles")), role(at.at("table"))};
  const TableArithmetic angles_only{rounded.frequencies, rounded.angles, std::nullopt};
  const Table exact = table_of(*config, {});
  const Table turned = table_of(*config, angles_only);
  const Table stored = table_of(*config, rounded);
  const std::size_t pairs = config->rope->dim / 2;
  double worst = 0;
  double squares = 0;
  double moved = 0;
  double moved_last = 0;
  std::size_t worst_at = 0;
  for (std::size_t i = 0; i < exact.cos.size(); ++i) {
    const double angle = angle_between(turned, exact, i);
    const double chord = std::pow(stored.cos[i] - exact.cos[i], 2) + std::pow(stored.sin[i] - exact.sin[i], 2);
    if (worse(std::abs(angle), worst)) {
      worst = std::abs(angle);
      worst_at = i;
    }
    squares += angle * angle;
    moved += chord;
    if (i + pairs >= exact.cos.size()) moved_last += chord;
  }
  const auto count = static_cast<double>(exact.cos.size());
  const double error = std::sqrt(moved_last / static_cast<double>(pairs));
  return {{"angle_max", io::number(worst)},
          {"worst_pair", worst_at % pairs},
          {"angle_rms", io::number(std::sqrt(squares / count))},
          {"rotated", io::number(std::sqrt(moved / count))},
          {"rotated_last", io::number(error)},
          {"bits_last", io::number(bits_of(error))}};
}

}  // namespace

Study rope() {
  return {
      "rope",
      "How far do rounded angles turn entries away, at which position?",
      {{"frequencies", "rounded at every step to; or exact", {"fp32", "bf16"}, {"exact", "fp32", "bf16"}, &role_word},
       {"angles",
        "position and position * frequency rounded to; or exact",
        {"exact", "fp32", "bf16"},
        {"exact", "fp32", "bf16"},
        &role_word},
       {"table", "cos and sin stored in; or exact", {"fp32"}, {"exact", "fp32", "bf16"}, &role_word},
       {"position",
        "positions up to",
        {"4096", "65536", "1000000"},
        {"1024", "4096", "16384", "65536", "262144", "1000000", "1048576"},
        &count_word},
       {"yarn", "factor 16 over 65536 positions", {"off"}, {"off", "on"}, nullptr, true}},
      {{"angle_max", "largest error of an angle, radians, over 512 positions"},
       {"worst_pair", "its pair of channels"},
       {"angle_rms", "root of its mean square"},
       {"rotated", "||error|| / ||x|| of a rotated x whose pairs are equally long: all positions"},
       {"rotated_last", "at the last position"},
       {"bits_last", "-log2 of that"}},
      false,
      &measure,
      &rope_conclusion,
      false};
}

}  // namespace ulpscope::studies
