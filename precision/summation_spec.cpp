// SPDX-License-Identifier: Apache-2.0
// Names of summations.
#include "precision/summation_spec.hpp"

#include <charconv>
#include <stdexcept>

namespace ulpscope::precision {
namespace {

using Kind = Summation::Kind;
struct KindInfo {
  Kind kind;
  std::string_view name;
  int least_sizes, most_sizes;
};
constexpr KindInfo kinds[] = {{Kind::sequential, "sequential", 0, 0},
                              {Kind::pairwise, "pairwise", 0, 0},
                              {Kind::blocked, "blocked", 1, 4},
                              {Kind::lanes, "lanes", 1, 4},
                              {Kind::kahan, "kahan", 0, 0},
                              {Kind::blas, "blas", 0, 0},
                              {Kind::tensor_core, "tensor_core", 2, 2},
                              {Kind::exact, "exact", 0, 0},
                              {Kind::lanes_pairwise, "lanes_pairwise", 1, 1},
                              {Kind::cascade, "cascade", 1, 1},
                              {Kind::torch_rows, "torch_rows", 1, 1},
                              {Kind::torch_channels, "torch_channels", 0, 1}};
constexpr std::string_view written[] = {
    "sequential",      "pairwise", "blocked:K[,K..]",  "lanes:K[,K..]", "kahan",        "blas",
    "tensor_core:F,K", "exact",    "lanes_pairwise:K", "cascade:K",     "torch_rows:V", "torch_channels[:V]"};
// F fraction bits, significands below 4 and K + 1 summands must add up exactly in 53 bits.
constexpr int most_fraction_bits = 40, most_block = 256, most_size = 1 << 24;

[[noreturn]] void refuse(std::string_view text, std::string_view reason) {
  std::string known;
  for (const std::string_view name : written) known += " " + std::string(name);
  throw std::invalid_argument("unknown summation '" + std::string(text) + "' (" + std::string(reason) +
                              "); known:" + known + " (at most four K)");
}

const KindInfo& info_of(std::string_view name, std::string_view text) {
  for (const KindInfo& each : kinds) {
    if (each.name == name) return each;
  }
  refuse(text, "no such name");
}

void parse_sizes(std::string_view list, std::string_view text, Summation& summation) {
  while (true) {
    int size = 0;
    const auto [end, error] = std::from_chars(list.data(), list.data() + list.size(), size);
    if (error != std::errc{} || size < 1 || size > most_size) refuse(text, "a size is not a number from 1 to 2^24");
    if (summation.count == 4) refuse(text, "too many sizes");
    summation.sizes[static_cast<std::size_t>(summation.count++)] = size;
    list.remove_prefix(static_cast<std::size_t>(end - list.data()));
    if (list.empty()) return;
    if (list.front() != ',') refuse(text, "sizes are separated by commas");
    list.remove_prefix(1);
  }
}

}  // namespace

Summation parse_summation(std::string_view text) {
  const std::size_t colon = text.find(':');
  const KindInfo& info = info_of(text.substr(0, colon), text);
  Summation summation;
  summation.kind = info.kind;
  if (colon != std::string_view::npos) parse_sizes(text.substr(colon + 1), text, summation);
  if (summation.count < info.least_sizes || summation.count > info.most_sizes) refuse(text, "wrong number of sizes");
  const bool tensor_core = summation.kind == Kind::tensor_core;
  if (tensor_core && (summation.sizes[0] > most_fraction_bits || summation.sizes[1] > most_block)) {
    refuse(text, "tensor_core takes F up to 40 and K up to 256");
  }
  const int vector = vector_elements(summation);
  if (summation.kind == Kind::torch_channels && vector != 8 && vector != 16) {
    refuse(text, "torch_channels takes V 8 or 16");
  }
  return summation;
}

std::string to_string(const Summation& summation) {
  std::string text;
  for (const KindInfo& each : kinds) {
    if (each.kind == summation.kind) text = each.name;
  }
  for (int i = 0; i < summation.count; ++i) {
    text += (i == 0 ? ":" : ",") + std::to_string(summation.sizes[static_cast<std::size_t>(i)]);
  }
  return text;
}

std::span<const std::string_view> summation_names() { return written; }

std::size_t alike_columns(const Summation& summation, std::size_t width) {
  if (summation.kind != Kind::torch_rows) return width;
  const std::size_t group = width < static_cast<std::size_t>(vector_elements(summation)) ? 4 : 32;
  return width / group * group;
}

Summation at_column(const Summation& summation, std::size_t column, std::size_t width) {
  if (summation.kind != Kind::torch_rows) return summation;
  if (width == 1) {  // rows of one column lie side by side: to PyTorch they are one row
    return {Kind::torch_channels, {vector_elements(summation) < 16 ? 8 : 16}, 1};
  }
  return {Kind::cascade, {column < alike_columns(summation, width) ? 1 : 4}, 1};
}

}  // namespace ulpscope::precision
