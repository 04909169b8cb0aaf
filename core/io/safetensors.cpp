// SPDX-License-Identifier: Apache-2.0
// The safetensors reader: the whole header is checked before any tensor is read.
#include "core/io/safetensors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "core/io/error.hpp"
#include "core/io/json.hpp"
#include "core/io/names.hpp"

namespace ulpscope::io {
namespace {

constexpr std::size_t longest_header = 100'000'000;  // as the reference implementation
constexpr std::size_t most_dimensions = 64;

/// Types that the container knows and we carry unread, with their width in bits.
struct UnreadType {
  std::string_view name;
  std::size_t bits;
};
constexpr std::array<UnreadType, 13> unread_types = {{{"I8", 8},
                                                      {"I16", 16},
                                                      {"U32", 32},
                                                      {"U64", 64},
                                                      {"C64", 64},
                                                      {"F8_E8M0", 8},
                                                      {"F8_E4M3FNUZ", 8},
                                                      {"F8_E5M2FNUZ", 8},
                                                      {"F6_E2M3", 6},
                                                      {"F6_E3M2", 6},
                                                      {"F4", 4},
                                                      {"F4_E2M1", 4},
                                                      {"F4_E2M1FN_X2", 8}}};

std::vector<std::string> readable_types() {
  std::vector<std::string> names;
  for (const DTypeInfo& row : dtypes()) names.emplace_back(row.name);
  return names;
}

/// Turns the JSON header into checked tables. `where_` heads every sentence.
class HeaderReader {
 public:
  HeaderReader(std::string where, std::size_t data_size) : where_(std::move(where)), data_size_(data_size) {}

  std::map<std::string, SafetensorsInfo> tensors(const nlohmann::json& header) const {
    std::map<std::string, SafetensorsInfo> out;
    for (const auto& [name, entry] : header.items()) {
      if (name != "__metadata__") out.emplace(name, tensor(name, entry));
    }
    check_tiling(out);
    return out;
  }

  std::map<std::string, std::string> metadata(const nlohmann::json& header) const {
    std::map<std::string, std::string> out;
    const auto found = header.find("__metadata__");
    if (found == header.end()) return out;
    if (!found->is_object()) refuse("__metadata__ must be an object of strings");
    for (const auto& [key, value] : found->items()) {
      if (!value.is_string())
        refuse("__metadata__ field " + in_quotes(key) + " must be a string, found " + value.type_name());
      out.emplace(key, value.get<std::string>());
    }
    return out;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw InputError(where_ + ": " + what); }

  static std::string tensor_named(const std::string& name) { return "tensor " + in_quotes(name); }

  SafetensorsInfo tensor(const std::string& name, const nlohmann::json& entry) const {
    const std::string head = tensor_named(name);
    if (name.empty()) refuse("a tensor has an empty name");
    if (!entry.is_object()) refuse(head + " must be an object, found " + entry.type_name());
    for (const auto& field : entry.items()) {
      const std::vector<std::string> known = {"dtype", "shape", "data_offsets"};
      if (std::find(known.begin(), known.end(), field.key()) == known.end()) {
        refuse(head + ": " + unknown_name("field", field.key(), known));
      }
    }
    SafetensorsInfo info;
    const std::size_t bits = read_dtype(head, entry, info);
    info.shape = whole_numbers(head + ": shape", entry, "shape");
    if (info.shape.size() > most_dimensions) {
      refuse(head + ": shape has " + std::to_string(info.shape.size()) + " dimensions, at most " +
             std::to_string(most_dimensions) + " are allowed");
    }
    read_offsets(head, entry, info);
    check_size(head, info, bits);
    return info;
  }

  /// Fills in the dtype; returns its width in bits.
  std::size_t read_dtype(const std::string& head, const nlohmann::json& entry, SafetensorsInfo& info) const {
    const auto found = entry.find("dtype");
    if (found == entry.end() || !found->is_string()) refuse(head + ": dtype must be a string");
    info.dtype_name = found->get<std::string>();
    for (const DTypeInfo& row : dtypes()) {
      if (row.name != info.dtype_name) continue;
      info.dtype = row.dtype;
      return row.size * 8;
    }
    for (const UnreadType& row : unread_types) {
      if (row.name == info.dtype_name) return row.bits;
    }
    refuse(head + ": " + unknown_name("dtype", info.dtype_name, readable_types()));
  }

  Shape whole_numbers(const std::string& head, const nlohmann::json& entry, const char* field) const {
    const auto found = entry.find(field);
    if (found == entry.end() || !found->is_array()) refuse(head + " must be an array of whole numbers");
    Shape out;
    for (const auto& element : *found) {
      if (!element.is_number_unsigned()) refuse(head + " must hold whole numbers >= 0, found " + element.dump());
      out.push_back(element.get<std::size_t>());
    }
    return out;
  }

  void read_offsets(const std::string& head, const nlohmann::json& entry, SafetensorsInfo& info) const {
    const Shape offsets = whole_numbers(head + ": data_offsets", entry, "data_offsets");
    if (offsets.size() != 2)
      refuse(head + ": data_offsets must be two numbers, found " + std::to_string(offsets.size()));
    info.begin = offsets[0];
    info.end = offsets[1];
    if (info.begin > info.end || info.end > data_size_) {
      refuse(head + ": data_offsets " + to_string(offsets) + " do not lie within the " + std::to_string(data_size_) +
             " bytes of data that the file holds");
    }
  }

  void check_size(const std::string& head, const SafetensorsInfo& info, std::size_t bits) const {
    const std::optional<std::size_t> elements = checked_count(info.shape);
    std::size_t total_bits = 0;
    if (!elements || __builtin_mul_overflow(*elements, bits, &total_bits)) {
      refuse(head + ": shape " + to_string(info.shape) + " is larger than any file");
    }
    if (total_bits % 8 != 0 || total_bits / 8 != info.end - info.begin) {
      refuse(head + ": shape " + to_string(info.shape) + " of " + info.dtype_name + " needs " +
             std::to_string(total_bits / 8) + " bytes, data_offsets span " + std::to_string(info.end - info.begin));
    }
  }

  /// The ranges, in order, must cover the data exactly.
  void check_tiling(const std::map<std::string, SafetensorsInfo>& tensors) const {
    std::vector<std::pair<const std::string*, const SafetensorsInfo*>> order;
    for (const auto& [name, info] : tensors) order.emplace_back(&name, &info);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return std::pair(a.second->begin, a.second->end) < std::pair(b.second->begin, b.second->end);
    });
    std::size_t covered = 0;
    for (const auto& [name, info] : order) {
      if (info->begin != covered) {
        refuse(tensor_named(*name) +
               (info->begin < covered ? " overlaps the tensor before it" : " leaves a hole before it") +
               ": its data begin at " + std::to_string(info->begin) + ", expected " + std::to_string(covered));
      }
      covered = info->end;
    }
    if (covered != data_size_) {
      refuse("the file holds " + std::to_string(data_size_) + " bytes of data, its tensors account for " +
             std::to_string(covered));
    }
  }

  std::string where_;
  std::size_t data_size_;
};

/// The text of the header; its length is the little-endian number in the first 8 bytes.
std::string_view header_text(const MappedFile& file, const std::string& where) {
  const std::string_view text = file.text();
  constexpr std::size_t prefix = sizeof(std::uint64_t);
  if (text.size() < prefix) {
    throw InputError(where + ": a safetensors file has at least 8 bytes, this one has " + std::to_string(text.size()));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, text.data(), prefix);
  if (length > text.size() - prefix) {
    throw InputError(where + ": the header is said to have " + std::to_string(length) + " bytes, the file has " +
                     std::to_string(text.size() - prefix) + " after the length");
  }
  if (length > longest_header) {
    throw InputError(where + ": the header is said to have " + std::to_string(length) + " bytes, at most " +
                     std::to_string(longest_header) + " are allowed");
  }
  const std::string_view header = text.substr(prefix, length);
  if (header.empty() || header.front() != '{') throw InputError(where + ": the safetensors header must begin with '{'");
  return header;
}

}  // namespace

SafetensorsView::SafetensorsView(const std::filesystem::path& path) : file_(path) {
  const std::string where = shown(path);
  const std::string_view text = header_text(file_, where);
  data_begin_ = sizeof(std::uint64_t) + text.size();
  const nlohmann::json header = parse_sorted_json(text, where + ": header");
  const HeaderReader reader(where, file_.bytes().size() - data_begin_);
  metadata_ = reader.metadata(header);
  tensors_ = reader.tensors(header);
}

std::vector<std::string> SafetensorsView::names() const {
  std::vector<std::string> out;
  for (const auto& [name, info] : tensors_) out.push_back(name);
  return out;
}

const SafetensorsInfo& SafetensorsView::info(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw InputError(shown(path()) + ": " + unknown_name("tensor", name, names()));
  return found->second;
}

std::span<const std::byte> SafetensorsView::bytes(const std::string& name) const {
  const SafetensorsInfo& found = info(name);
  return file_.bytes().subspan(data_begin_ + found.begin, found.end - found.begin);
}

Tensor SafetensorsView::read(const std::string& name) const {
  const SafetensorsInfo& found = info(name);
  if (!found.dtype) {
    throw InputError(shown(path()) + ": tensor " + in_quotes(name) + ": " +
                     unknown_name("dtype", found.dtype_name, readable_types()));
  }
  const std::span<const std::byte> data = bytes(name);
  return {*found.dtype, found.shape, std::vector<std::byte>(data.begin(), data.end())};
}

}  // namespace ulpscope::io
