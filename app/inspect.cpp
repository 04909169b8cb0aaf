// SPDX-License-Identifier: Apache-2.0
// The verb inspect: what a tensor file or a report holds.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "app/rendering.hpp"
#include "app/verbs.hpp"
#include "core/io/mapped_file.hpp"
#include "core/io/names.hpp"
#include "core/io/tensor_file.hpp"
#include "core/judge/text_table.hpp"

namespace ulpscope::app {
namespace {

using io::Json;

Json tensor_json(const std::string& name, const io::Tensor& tensor) {
  const std::vector<double> values = io::to_doubles(tensor);
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  std::size_t nan = 0;
  std::size_t infinite = 0;
  std::size_t zero = 0;
  for (const double value : values) {
    nan += std::isnan(value);
    infinite += std::isinf(value);
    zero += value == 0;
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const bool any = low <= high;
  return {{"name", name},
          {"dtype", io::name_of(tensor.dtype)},
          {"shape", tensor.shape},
          {"min", any ? io::number(low) : Json()},
          {"max", any ? io::number(high) : Json()},
          {"nan", nan},
          {"inf", infinite},
          {"zero", zero}};
}

std::string number_or_dash(const Json& json) { return json.is_null() ? "-" : judge::short_number(io::number_of(json)); }

Outcome inspect_tensors(const std::string& path) {
  const io::TensorFile file = io::read_tensors(path);
  Json tensors = Json::array();
  judge::TextTable table{{"tensor", "dtype", "shape", "min", "max", "nan", "inf", "zero"}, {}, 3};
  for (const auto& [name, tensor] : file.tensors) {
    const Json json = tensor_json(name, tensor);
    table.rows.push_back({io::printable(name), std::string(io::name_of(tensor.dtype)), io::to_string(tensor.shape),
                          number_or_dash(json["min"]), number_or_dash(json["max"]), json["nan"].dump(),
                          json["inf"].dump(), json["zero"].dump()});
    tensors.push_back(json);
  }
  std::string text = fmt::format("{}: {} tensors\n{}", io::shown(path), file.tensors.size(), judge::plain_text(table));
  for (const auto& [key, value] : file.metadata) text += judge::folded(io::printable(key + ": " + value), "  ");
  return {{{"file", path}, {"metadata", file.metadata}, {"tensors", std::move(tensors)}}, text, 0};
}

/// A JSON file starts with '{' after white space; the length at the head of a safetensors file has zero bytes.
bool looks_like_json(const std::string& path) {
  const io::MappedFile file(path);
  const std::string_view text = file.text();
  if (text.substr(0, 8).find('\0') != std::string_view::npos) return false;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

}  // namespace

Outcome inspect(const std::string& path) {
  if (!path.ends_with(".json") && !looks_like_json(path)) return inspect_tensors(path);
  const Json json = io::read_json(path);
  return {json, faults_of(json).empty() ? app::terminal_text(json, judge::Colour::off) : judge::compact_text(json), 0};
}

}  // namespace ulpscope::app
