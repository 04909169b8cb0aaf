// SPDX-License-Identifier: Apache-2.0
// .npz archives: zip files of .npy arrays.
#include <array>
#include <cstring>

#include "core/io/error.hpp"
#include "core/io/json.hpp"
#include "core/io/little_endian.hpp"
#include "core/io/names.hpp"
#include "core/io/npy.hpp"
#include "core/io/reinterpret.hpp"
#include "core/io/zip.hpp"

namespace ulpscope::io {
namespace {

constexpr std::string_view suffix = ".npy";
const std::string dtypes_key = "ulpscope.dtypes";  // {"kv": "BF16"}: what numpy's own dtypes cannot say

std::string array_name(const ZipEntry& entry, const std::string& where) {
  const std::string_view name = entry.name;
  if (name.ends_with("data.pkl")) {
    throw InputError(where + ": a PyTorch checkpoint (pickle), which is never read; save it as safetensors");
  }
  if (!name.ends_with(suffix) || name.size() == suffix.size()) {
    throw InputError(where + ": entry " + in_quotes(name) + " is no NAME.npy, so this is no npz");
  }
  return std::string(name.substr(0, name.size() - suffix.size()));
}

/// Gives bf16 and the 8-bit floats their dtype back.
void restore_dtypes(TensorFile& file, const std::string& where) {
  const auto noted = file.metadata.find(dtypes_key);
  if (noted == file.metadata.end()) return;
  const std::string source = where + ": " + dtypes_key;
  const nlohmann::json dtypes = parse_sorted_json(noted->second, source);
  if (!dtypes.is_object()) throw InputError(source + ": expected an object of dtypes by name");
  for (const auto& [name, dtype] : dtypes.items()) {
    if (!dtype.is_string()) throw InputError(source + ": the dtype of " + in_quotes(name) + " must be a string");
    reinterpret(file, {name, parse_dtype(dtype.get<std::string>(), source)}, source);
  }
  file.metadata.erase(noted);
}

/// What restore_dtypes() reads back, "" where numpy's dtypes say it all.
std::string noted_dtypes(const TensorFile& file) {
  nlohmann::json noted = nlohmann::json::object();
  for (const auto& [name, tensor] : file.tensors) {
    const bool lost = tensor.dtype == DType::bf16 || tensor.dtype == DType::f8_e4m3 || tensor.dtype == DType::f8_e5m2;
    if (lost) noted[name] = name_of(tensor.dtype);
  }
  return noted.empty() ? "" : noted.dump();
}

/// A 0-dimensional array of one string, as numpy writes it: UTF-32, at least one character wide.
struct TextArray {
  std::string header;
  std::string data;
};

TextArray text_array(const std::string& text) {
  TextArray out;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint32_t c = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) c = c << 6 | (static_cast<unsigned char>(text[at + i]) & 63u);
    append_little_endian(out.data, c);
    at += length;
  }
  if (out.data.empty()) out.data.assign(4, '\0');
  out.header = npy_header("<U" + std::to_string(out.data.size() / 4), {});
  return out;
}

void check_names(const TensorFile& file, const std::map<std::string, std::string>& texts, const std::string& where) {
  for (const auto& [name, text] : texts) {
    if (file.tensors.contains(name)) {
      throw InputError(where + ": " + in_quotes(name) + " is both a tensor and metadata, which an npz cannot hold");
    }
    if (!is_utf8(text))
      throw InputError(where + ": metadata " + in_quotes(name) + " is not UTF-8 and cannot be written");
  }
}

}  // namespace

TensorFile read_npz(const std::filesystem::path& path) {
  const std::string where = shown(path);
  const ZipArchive archive(path);
  TensorFile file;
  std::vector<std::byte> buffer;
  for (const ZipEntry& entry : archive.entries()) {
    const std::string name = array_name(entry, where);
    NpyArray array = parse_npy(archive.read(entry, buffer), where + ": array " + in_quotes(name));
    if (array.tensor) {
      file.tensors.emplace(name, *std::move(array.tensor));
    } else {
      file.metadata.emplace(name, std::move(array.text));
    }
  }
  restore_dtypes(file, where);
  return file;
}

void write_npz(const std::filesystem::path& path, const TensorFile& file) {
  std::map<std::string, std::string> texts = file.metadata;
  if (std::string noted = noted_dtypes(file); !noted.empty()) texts[dtypes_key] = std::move(noted);
  check_names(file, texts, shown(path));
  for (const auto& [name, tensor] : file.tensors) check_size(name, tensor);
  ZipWriter out(path);
  for (const auto& [name, tensor] : file.tensors) {
    out.add(name + std::string(suffix), npy_header(info_of(tensor.dtype).npy, tensor.shape), tensor.bytes);
  }
  for (const auto& [name, text] : texts) {
    const TextArray array = text_array(text);
    out.add(name + std::string(suffix), array.header, std::as_bytes(std::span(array.data)));
  }
  out.finish();
}

}  // namespace ulpscope::io
