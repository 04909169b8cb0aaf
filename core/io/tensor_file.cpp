// SPDX-License-Identifier: Apache-2.0
// Reading and writing a TensorFile.
#include "core/io/tensor_file.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/io/error.hpp"
#include "core/io/mapped_file.hpp"
#include "core/io/names.hpp"
#include "core/io/npy.hpp"
#include "core/io/reinterpret.hpp"
#include "core/io/safetensors.hpp"
#include "precision/poll.hpp"

namespace ulpscope::io {
namespace {

enum class Container : std::uint8_t { safetensors, npz, npy };

/// The content decides; the file's name never does.
Container container_of(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string_view text = file.text();
  if (text.empty()) throw InputError(shown(path) + ": the file is empty; expected safetensors, npz or npy");
  if (text.starts_with("\x93NUMPY")) return Container::npy;
  if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) return Container::npz;
  const bool could_be_safetensors = text.size() < 9 || text[8] == '{' || path.extension() == ".safetensors";
  if (could_be_safetensors) return Container::safetensors;
  throw InputError(shown(path) + ": neither safetensors, npz nor npy: it begins with " + in_quotes(text.substr(0, 8)));
}

TensorFile read_safetensors(const std::filesystem::path& path) {
  const SafetensorsView view(path);
  TensorFile file;
  file.metadata = view.metadata();
  for (const std::string& name : view.names()) file.tensors.emplace(name, view.read(name));
  return file;
}

TensorFile read_container(const std::filesystem::path& path) {
  switch (container_of(path)) {
    case Container::npz:
      return read_npz(path);
    case Container::npy:
      return read_npy(path);
    case Container::safetensors:
      return read_safetensors(path);
  }
  return {};
}

void update(Sha256& hash, std::uint64_t number) {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(number >> (8 * i));
  hash.update(bytes);
}

void update(Sha256& hash, std::string_view text) {
  update(hash, std::uint64_t{text.size()});
  hash.update(text);
}

}  // namespace

DTypeOverride parse_dtype_override(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw InputError("--dtype expects NAME=DTYPE (kv=bf16), found " + in_quotes(text));
  }
  return {std::string(text.substr(0, equals)), parse_dtype(text.substr(equals + 1), "--dtype")};
}

void reinterpret(TensorFile& file, const DTypeOverride& change, const std::string& where) {
  const auto found = file.tensors.find(change.name);
  if (found == file.tensors.end()) {
    std::vector<std::string> known;
    for (const auto& [name, tensor] : file.tensors) known.push_back(name);
    throw InputError(where + ": " + unknown_name("tensor", change.name, known));
  }
  Tensor& tensor = found->second;
  if (size_of(tensor.dtype) != size_of(change.dtype)) {
    throw InputError(where + ": tensor " + in_quotes(change.name) + " holds " + std::string(name_of(tensor.dtype)) +
                     ", whose " + std::to_string(size_of(tensor.dtype)) + " bytes per element cannot be read as " +
                     std::string(name_of(change.dtype)));
  }
  tensor.dtype = change.dtype;
}

TensorFile read_tensors(const std::filesystem::path& path, std::span<const DTypeOverride> overrides) {
  TensorFile file = read_container(path);
  for (const DTypeOverride& change : overrides) reinterpret(file, change, shown(path));
  return file;
}

void write_tensors(const std::filesystem::path& path, const TensorFile& file) {
  if (path.extension() == ".npz") return write_npz(path, file);
  if (path.extension() != ".npy") return write_safetensors(path, file);
  if (file.tensors.size() != 1) {
    throw InputError(shown(path) + ": an npy file holds exactly one tensor, not " +
                     std::to_string(file.tensors.size()));
  }
  write_npy(path, file.tensors.begin()->second);
}

void hash_tensors(Sha256& hash, const std::map<std::string, Tensor>& tensors) {
  update(hash, std::uint64_t{tensors.size()});
  for (const auto& [name, tensor] : tensors) {
    update(hash, name);
    update(hash, name_of(tensor.dtype));
    update(hash, to_string(tensor.shape));
    update(hash, std::uint64_t{tensor.bytes.size()});
    const std::span<const std::byte> bytes(tensor.bytes);
    constexpr std::size_t piece = std::size_t{1} << 22;
    for (std::size_t first = 0; first < bytes.size(); first += piece) {
      precision::ask_poll();
      hash.update(bytes.subspan(first, std::min(piece, bytes.size() - first)));
    }
  }
}

}  // namespace ulpscope::io
