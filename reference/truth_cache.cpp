// SPDX-License-Identifier: Apache-2.0
// Keys, files and their removal. A file holds, for each slot, values, their tails and radii, where these are not all 0.
#include "reference/truth_cache.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <optional>
#include <system_error>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/io/error.hpp"
#include "core/io/json.hpp"
#include "core/io/safetensors.hpp"
#include "core/io/sha256.hpp"
#include "core/io/tensor_file.hpp"
#include "precision/rounding.hpp"
#include "ulpscope_sources.hpp"

namespace ulpscope::reference {
namespace {

namespace fs = std::filesystem;
using compressor::Slot;
using judge::Enclosure;
using judge::Enclosures;
using judge::ExactRequest;

constexpr const char* format = "1";  ///< of the files
constexpr const char* extension = ".safetensors";
constexpr const char* prefix = "truth-";

// The parts of an enclosure, as tensors' names end; the value is the slot's own.
constexpr const char* tail_suffix = ".tail";
constexpr const char* radius_suffix = ".radius";

using Doubles = std::vector<double>;

/// What the exact kinds make of an input before they compute with it.
Doubles rounded(const compressor::Tensor& input, const std::optional<precision::Format>& to) {
  Doubles values(input.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = to ? precision::round(input.at(i), *to) : input.at(i);
  return values;
}

/// The same memory as a file's tensor. `values` must outlive it.
io::Tensor borrowed(const Doubles& values, const io::Shape& shape) {
  const auto bytes = std::as_bytes(std::span(values));
  return {io::DType::f64, shape, io::Buffer<std::byte>(bytes, nullptr)};
}

std::string checksum(const std::map<std::string, io::Tensor>& tensors) {
  io::Sha256 hash;
  io::hash_tensors(hash, tensors);
  return hash.hex_digest();
}

/// 0 in every bit: -0 is kept.
bool is_plain_zero(const Doubles& values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::bit_cast<std::uint64_t>(x) == 0; });
}

io::TensorFile to_file(const Enclosures& enclosures, const std::string& key) {
  io::TensorFile file;
  for (const auto& [slot, enclosure] : enclosures) {
    const std::string name = to_string(slot);
    file.tensors[name] = borrowed(enclosure.value, enclosure.shape);
    if (!is_plain_zero(enclosure.tail)) file.tensors[name + tail_suffix] = borrowed(enclosure.tail, enclosure.shape);
    if (!is_plain_zero(enclosure.radius))
      file.tensors[name + radius_suffix] = borrowed(enclosure.radius, enclosure.shape);
  }
  file.metadata = {{"ulpscope.truth", format}, {"key", key}, {"sha256", checksum(file.tensors)}};
  return file;
}

Doubles doubles_of(const io::Tensor& tensor) {
  Doubles values(tensor.bytes.size() / sizeof(double));
  std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(double));
  return values;
}

/// A part that a file leaves out is 0 everywhere.
Doubles part_of(const io::TensorFile& file, const std::string& name, std::size_t size) {
  const auto found = file.tensors.find(name);
  return found == file.tensors.end() ? Doubles(size) : doubles_of(found->second);
}

/// Nothing where this is not, to the bit, what was written under the key.
std::optional<Enclosures> from_file(const io::TensorFile& file, const std::string& key) {
  const std::map<std::string, std::string> expected{
      {"ulpscope.truth", format}, {"key", key}, {"sha256", checksum(file.tensors)}};
  if (file.metadata != expected) return std::nullopt;
  Enclosures enclosures;
  for (const auto& [name, tensor] : file.tensors) {
    if (name.ends_with(tail_suffix) || name.ends_with(radius_suffix)) continue;
    Doubles values = doubles_of(tensor);
    const std::size_t size = values.size();
    enclosures[compressor::parse_slot(name)] = {tensor.shape, std::move(values),
                                                part_of(file, name + tail_suffix, size),
                                                part_of(file, name + radius_suffix, size)};
  }
  return enclosures;
}

/// The files of the cache with their sizes, the longest unused first.
struct Entry {
  fs::path path;
  fs::file_time_type used;
  std::uint64_t bytes = 0;
};
std::vector<Entry> entries(const fs::path& folder) {
  std::vector<Entry> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    const bool is_whole = name.starts_with(prefix) && name.ends_with(extension);
    const bool is_part = name.starts_with(std::string(".") + prefix) && name.ends_with(".tmp");
    std::error_code gone;  // another process may remove it now
    const Entry entry{at->path(), at->last_write_time(gone), at->file_size(gone)};
    if (gone) continue;
    // A writer that was killed leaves its part behind; one that lives is done within a day.
    if (is_part && fs::file_time_type::clock::now() - entry.used > std::chrono::hours(24)) fs::remove(entry.path, gone);
    if (is_whole) found.push_back(entry);
  }
  std::sort(found.begin(), found.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
  return found;
}

class Folder {
 public:
  explicit Folder(const TruthCache& cache) : cache_(cache) {}

  std::optional<Enclosures> find(const std::string& key) const {
    const fs::path path = path_of(key);
    std::error_code error;
    if (!fs::exists(path, error)) return std::nullopt;
    try {
      std::optional<Enclosures> found = from_file(io::read_tensors(path), key);
      if (found) fs::last_write_time(path, fs::file_time_type::clock::now(), error);
      return found;
    } catch (const InputError&) {  // cut or altered
      return std::nullopt;
    }
  }

  void keep(const Enclosures& enclosures, const std::string& key) const {
    const io::TensorFile file = to_file(enclosures, key);
    std::uint64_t bytes = 0;
    for (const auto& [name, tensor] : file.tensors) bytes += tensor.bytes.size();
    if (bytes > cache_.limit) return;
    std::error_code error;
    fs::create_directories(cache_.folder, error);
    if (error) return;
    try {
      io::write_safetensors(path_of(key), file);
    } catch (const InputError&) {  // no permission, no room: computed again next time
      return;
    }
    shrink();
  }

 private:
  fs::path path_of(const std::string& key) const { return cache_.folder / (prefix + key + extension); }

  void shrink() const {
    const std::vector<Entry> found = entries(cache_.folder);
    std::uint64_t bytes = 0;
    for (const Entry& entry : found) bytes += entry.bytes;
    for (const Entry& entry : found) {
      if (bytes <= cache_.limit) return;
      std::error_code gone;
      fs::remove(entry.path, gone);
      bytes -= entry.bytes;
    }
  }

  TruthCache cache_;
};

}  // namespace

std::string truth_key(const judge::TruthInfo& tier, const ExactRequest& request) {
  const compressor::Plan plan(request.recipe, request.problem.config);
  io::Json recipe = request.recipe.spec;
  for (const char* name : {"name", "about", "source", "inputs"}) recipe.erase(name);  // the rounded inputs stand below
  std::vector<std::string> wanted;
  for (const Slot slot : request.wanted) wanted.push_back(to_string(slot));
  std::sort(wanted.begin(), wanted.end());
  const io::Json identity{
      {"format", format}, {"sources", version::sources},      {"tier", tier.tier},          {"bits", tier.bits},
      {"recipe", recipe}, {"config", to_json(plan.config())}, {"wanted", std::move(wanted)}};
  io::Sha256 hash;
  hash.update(identity.dump());
  for (const auto& [name, tensor] : request.problem.inputs) {
    const Doubles values = rounded(tensor, plan.input_format(name));
    io::hash_tensors(hash, {{std::string(compressor::to_string(name)), borrowed(values, tensor.shape)}});
  }
  return hash.hex_digest();
}

judge::Exact cached(judge::Exact exact, const TruthCache& cache) {
  if (exact.info.tier == "fp64") return exact;
  const auto compute = exact.run;
  const judge::TruthInfo tier = exact.info;
  exact.run = [compute, tier, folder = Folder(cache)](const ExactRequest& request) {
    if (!request.given.records().empty()) return compute(request);
    const std::string key = truth_key(tier, request);
    if (std::optional<Enclosures> known = folder.find(key)) return std::move(*known);
    Enclosures enclosures = compute(request);
    folder.keep(enclosures, key);
    return enclosures;
  };
  return exact;
}

}  // namespace ulpscope::reference
