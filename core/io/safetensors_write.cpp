// SPDX-License-Identifier: Apache-2.0
// The safetensors writer.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "core/io/error.hpp"
#include "core/io/json.hpp"
#include "core/io/names.hpp"
#include "core/io/safetensors.hpp"

namespace ulpscope::io {
namespace {

using Entry = std::pair<const std::string, Tensor>;

/// Widest first; among equal widths the order of the reference implementation, so that files agree byte for byte.
constexpr std::array<DType, 11> dtype_order = {DType::i64,     DType::f64, DType::f32,    DType::i32,
                                               DType::bf16,    DType::f16, DType::u16,    DType::f8_e4m3,
                                               DType::f8_e5m2, DType::u8,  DType::boolean};

std::ptrdiff_t rank(DType dtype) {
  return std::find(dtype_order.begin(), dtype_order.end(), dtype) - dtype_order.begin();
}

std::string json_string(const std::string& where, const std::string& text) {
  if (!is_utf8(text)) throw InputError(where + ": " + in_quotes(text) + " is not UTF-8 and cannot be written");
  return Json(text).dump();
}

void check(const std::string& where, const std::string& name, const Tensor& tensor) {
  if (name.empty() || name == "__metadata__") {
    throw InputError(where + ": a tensor cannot be named " + in_quotes(name) + " in a safetensors file");
  }
  check_size(name, tensor);
}

std::string metadata_json(const std::string& where, const std::map<std::string, std::string>& metadata) {
  std::string out;
  for (const auto& [key, value] : metadata) {
    out += (out.empty() ? "" : ",") + json_string(where, key) + ":" + json_string(where, value);
  }
  return "\"__metadata__\":{" + out + "}";
}

std::string header_json(const std::string& where, const TensorFile& file, const std::vector<const Entry*>& order) {
  std::string out = file.metadata.empty() ? "" : metadata_json(where, file.metadata);
  std::size_t offset = 0;
  for (const Entry* entry : order) {
    const auto& [name, tensor] = *entry;
    const std::size_t end = offset + tensor.bytes.size();
    out += (out.empty() ? "" : ",") + json_string(where, name) + ":{\"dtype\":\"" + std::string(name_of(tensor.dtype)) +
           "\",\"shape\":" + to_string(tensor.shape) + ",\"data_offsets\":" + to_string(Shape{offset, end}) + "}";
    offset = end;
  }
  out = "{" + out + "}";
  out.resize((out.size() + 7) / 8 * 8, ' ');
  return out;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const TensorFile& file) {
  const std::string where = shown(path);
  std::vector<const Entry*> order;
  for (const Entry& entry : file.tensors) {
    check(where, entry.first, entry.second);
    order.push_back(&entry);
  }
  std::stable_sort(order.begin(), order.end(),  // the map gives them by name
                   [](const Entry* a, const Entry* b) { return rank(a->second.dtype) < rank(b->second.dtype); });
  const std::string header = header_json(where, file, order);
  const std::uint64_t length = header.size();
  std::array<std::byte, sizeof(length)> prefix{};
  std::memcpy(prefix.data(), &length, sizeof(length));
  AtomicFile out(path);
  out.write(prefix);
  out.write(header);
  for (const Entry* entry : order) out.write(entry->second.bytes);
  out.commit();
}

}  // namespace ulpscope::io
