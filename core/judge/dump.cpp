// SPDX-License-Identifier: Apache-2.0
// Reading and writing dumps: names, shapes, dtypes, metadata.
#include "core/judge/dump.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/io/error.hpp"
#include "core/io/fields.hpp"
#include "core/io/format_dtype.hpp"
#include "core/io/names.hpp"
#include "precision/format.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Config;
using compressor::Problem;
using compressor::Shape;
using compressor::Slot;
using compressor::Tensor;

std::vector<std::string> slot_names() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < compressor::name_count; ++i) {
    const auto name = static_cast<compressor::Name>(i);
    names.push_back(compressor::to_string(compressor::forward(name)));
    names.push_back(compressor::to_string(compressor::gradient(name)));
  }
  return names;
}

/// Sizes rule: a dump of other sizes cannot be this problem's; rope, hadamard, ... may differ, and then the dump's
/// count.
std::optional<Config> own_config(const io::TensorFile& file, const Problem& problem, const std::string& source) {
  const auto found = file.metadata.find("config");
  if (found == file.metadata.end()) return std::nullopt;
  const std::string where = source + ": config";
  const Config config = compressor::config_from_json(io::parse_json(found->second, where), where);
  const Config& expected = problem.config;
  const auto sizes = [](const Config& c) {
    return std::array<std::size_t, 6>{c.ratio, c.halves(), c.batch, c.seq, c.hidden, c.head_dim};
  };
  constexpr std::array<std::string_view, 6> names{"ratio", "halves", "batch", "seq", "hidden", "head_dim"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (sizes(config)[i] == sizes(expected)[i]) continue;
    throw InputError(fmt::format("{}: the dump was made for another problem: its {} is {}, that of {} is {}", where,
                                 names[i], sizes(config)[i], problem.source, sizes(expected)[i]));
  }
  if (config == expected) return std::nullopt;
  return config;
}

bool is_token_slot(Slot slot) { return slot.name == compressor::Name::kv || slot.name == compressor::Name::gate; }

/// [B,rows,F] -> [B,S,F], rows beyond filled with 0: no stage reads them.
Tensor extended(const Tensor& tensor, const Shape& shape) {
  Tensor out{shape, {}, tensor.dtype};
  std::visit(
      [&](const auto& values) {
        std::vector<typename std::decay_t<decltype(values)>::value_type> all(compressor::element_count(shape));
        const std::size_t from = tensor.shape[1] * tensor.shape[2];
        const std::size_t to = shape[1] * shape[2];
        for (std::size_t b = 0; b < shape[0]; ++b) {
          std::copy_n(values.begin() + b * from, from, all.data() + b * to);
        }
        out.data = std::move(all);
      },
      tensor.data);
  return out;
}

void add_tensor(Dump& dump, Slot slot, const io::Tensor& tensor, const Config& config) {
  Tensor values = compressor::tensor_from_file(tensor);
  const Shape expected = compressor::shape_of(slot, config);
  const auto format = precision::parse_format(io::info_of(tensor.dtype).format);
  if (values.shape != expected) {
    Shape whole_windows = expected;
    if (is_token_slot(slot)) whole_windows[1] = config.windows() * config.ratio;
    if (values.shape != whole_windows || whole_windows[1] == 0) {
      throw InputError(fmt::format("{}: slot '{}' has shape {}, expected {}", dump.source, compressor::to_string(slot),
                                   compressor::to_string(values.shape), compressor::to_string(expected)));
    }
    dump.partial[slot] = values.shape;
    values = extended(values, expected);
  }
  dump.tape.set(slot, std::move(values), format);
}

/// Why a slot's integers are not judged, and what makes them numbers where they are the bits of floats.
std::string integers_sentence(const std::string& name, io::DType dtype) {
  const std::string_view bits = dtype == io::DType::u16  ? "bf16"
                                : dtype == io::DType::u8 ? "f8_e4m3"
                                                         : std::string_view();
  std::string text = fmt::format("{} holds {}, a dtype that is not judged", io::in_quotes(name), io::name_of(dtype));
  if (!bits.empty()) text += fmt::format("; where these are the bits of {}, say --dtype {}={}", bits, name, bits);
  return text;
}

/// A tensor of a file, and the slot's name that the map gives it.
struct Named {
  const std::string& name;
  std::string target;
  const io::Tensor& tensor;
};

void add_named(Dump& dump, const Named& named, const Problem& problem) {
  const auto& [name, target, tensor] = named;
  static const std::vector<std::string> known = slot_names();
  const std::optional<Slot> slot = compressor::find_slot(target);
  const bool input = slot && slot->direction == compressor::Direction::forward && compressor::is_input(slot->name);
  if (!slot || input || !io::is_float(tensor.dtype)) {
    dump.others.emplace(name, tensor);
    if (input) {
      dump.notes.push_back(fmt::format("{} is an input: the problem's is used", io::in_quotes(name)));
    } else if (slot) {
      dump.notes.push_back(integers_sentence(name, tensor.dtype));
    } else if (!is_decode_name(name)) {
      dump.unmapped.push_back({name, io::nearest(target, known)});
    }
    return;
  }
  if (dump.tape.has(*slot)) {
    throw InputError(
        fmt::format("{}: tensor {} is a second one for slot '{}'", dump.source, io::in_quotes(name), target));
  }
  add_tensor(dump, *slot, tensor, dump.config.value_or(problem.config));
}

/// Of a file whose only slots hold integers.
void refuse_integers(const Dump& dump, const NameMap& map) {
  for (const auto& [name, tensor] : dump.others) {
    const std::optional<Slot> slot = compressor::find_slot(map.translate(name));
    const bool input = slot && slot->direction == compressor::Direction::forward && compressor::is_input(slot->name);
    if (slot && !input) throw InputError(dump.source + ": " + integers_sentence(name, tensor.dtype));
  }
}

}  // namespace

bool is_decode_name(const std::string& name) { return name.starts_with("entries.") || name.starts_with("state."); }

NameMap::NameMap(const io::Json& json, const std::string& where) {
  if (!json.is_object()) throw InputError(where + ": expected a JSON object of names, found " + io::described(&json));
  for (const auto& [name, slot] : json.items()) {
    if (!slot.is_string())
      throw InputError(where + ": field '" + name + "' must be a slot's name, found " + io::described(&slot));
    const auto target = slot.get<std::string>();
    if (target.find('$') == std::string::npos) compressor::parse_slot(target);
    rules_.push_back({name, io::Pattern(name, where), target});
  }
}

std::string NameMap::translate(const std::string& name) const {
  for (const Rule& rule : rules_) {
    if (rule.name == name) return rule.target;
  }
  for (const Rule& rule : rules_) {
    if (auto target = rule.pattern.rewrite(name, rule.target)) return *std::move(target);
  }
  return name;
}

std::vector<std::string> NameMap::unmatched(const std::map<std::string, io::Tensor>& tensors) const {
  std::vector<std::string> keys;
  for (const Rule& rule : rules_) {
    const bool any = tensors.contains(rule.name) ||
                     std::any_of(tensors.begin(), tensors.end(),
                                 [&](const auto& tensor) { return rule.pattern.matches(tensor.first); });
    if (!any) keys.push_back(rule.name);
  }
  return keys;
}

Dump dump_from_file(const io::TensorFile& file, const Problem& problem, const NameMap& map, const std::string& source) {
  Dump dump;
  dump.source = source;
  dump.metadata = file.metadata;
  dump.config = own_config(file, problem, source);
  if (dump.config)
    dump.notes.emplace_back("the dump's own config differs from the problem's, and it is judged by its own");
  for (const auto& [name, tensor] : file.tensors) add_named(dump, {name, map.translate(name), tensor}, problem);
  if (dump.tape.records().empty()) {
    refuse_integers(dump, map);
    throw InputError(
        fmt::format("{}: none of its {} tensors maps to a slot; known: {}", source, file.tensors.size(),
                    io::listed({"kv", "gate", "logits", "weights", "pooled", "normed", "output", "grad.w_kv", "..."})));
  }
  return dump;
}

Tensor cropped(const Tensor& tensor, const Shape& shape) {
  if (tensor.shape == shape) return tensor;
  Tensor out{shape, {}, tensor.dtype};
  std::visit(
      [&](const auto& values) {
        std::vector<typename std::decay_t<decltype(values)>::value_type> some(compressor::element_count(shape));
        const std::size_t from = tensor.shape[1] * tensor.shape[2];
        const std::size_t to = shape[1] * shape[2];
        for (std::size_t b = 0; b < shape[0]; ++b) {
          std::copy_n(values.begin() + b * from, to, some.data() + b * to);
        }
        out.data = std::move(some);
      },
      tensor.data);
  return out;
}

Tensor with_first_rows(const Tensor& tensor, const Shape& shape, double rest) {
  if (tensor.shape == shape) return tensor;
  Tensor out{tensor.shape, {}, tensor.dtype};
  std::visit(
      [&](const auto& values) {
        using T = typename std::decay_t<decltype(values)>::value_type;
        std::vector<T> some(values.size(), static_cast<T>(rest));
        const std::size_t batch = tensor.shape[1] * tensor.shape[2];
        for (std::size_t b = 0; b < shape[0]; ++b)
          std::copy_n(values.begin() + b * batch, shape[1] * shape[2], some.data() + b * batch);
        out.data = std::move(some);
      },
      tensor.data);
  return out;
}

namespace {

std::map<std::string, std::string> metadata_of(const Config& config, const DumpLabel& label) {
  return {{"ulpscope.dump", "1"},     {"config", compressor::to_json(config).dump()}, {"recipe", label.recipe},
          {"backend", label.backend}, {"problem.sha256", label.problem_sha256},       {"version", label.version}};
}

}  // namespace

io::TensorFile dump_to_file(const compressor::Tape& tape, const Config& config, const DumpLabel& label) {
  io::TensorFile file;
  for (const auto& [slot, record] : tape.records()) {
    file.tensors[compressor::to_string(slot)] = compressor::tensor_to_file(record.tensor, io::dtype_for(record.format));
  }
  file.metadata = metadata_of(config, label);
  return file;
}

io::TensorFile decoded_to_file(const compressor::Decoded& decoded, const Config& config, const DumpLabel& label) {
  io::TensorFile file;
  const auto add = [&](const std::string& name, const Tensor& tensor, const precision::Format& format) {
    file.tensors[name] = compressor::tensor_to_file(tensor, io::dtype_for(format));
  };
  for (std::size_t k = 0; k < decoded.entries.size(); ++k)
    add(fmt::format("entries.{:02}", k), decoded.entries[k], decoded.entry_format);
  if (!decoded.entries.empty()) add("output", decoded.entries.back(), decoded.entry_format);
  add("state.kv", decoded.state_kv, decoded.kv_format);
  add("state.gate", decoded.state_gate, decoded.gate_format);
  file.metadata = metadata_of(config, label);
  return file;
}

}  // namespace ulpscope::judge
