// SPDX-License-Identifier: Apache-2.0
// Variables of the environment, by their names.
#include "cli/environment.hpp"

#include <cstdlib>
#include <string>

#include "cli/numbers.hpp"
#include "core/io/error.hpp"

namespace ulpscope::cli {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// [XDG Base Directory]: a path that is not absolute is as none.
std::optional<std::filesystem::path> usual_folder() {
  const std::filesystem::path named = variable("XDG_CACHE_HOME").value_or("");
  if (named.is_absolute()) return named / "ulpscope";
  const std::filesystem::path home = variable("HOME").value_or("");
  if (home.is_absolute()) return home / ".cache" / "ulpscope";
  return std::nullopt;
}

}  // namespace

std::optional<reference::TruthCache> cache_from_environment() {
  const std::optional<std::string> named = variable("ULPSCOPE_CACHE");
  const std::optional<std::filesystem::path> folder =
      named ? std::optional<std::filesystem::path>(*named) : usual_folder();
  if (!folder || folder->empty()) return std::nullopt;
  reference::TruthCache cache{*folder};
  if (const std::optional<std::string> limit = variable("ULPSCOPE_CACHE_MIB")) {
    const std::size_t most = std::size_t{1} << 40;
    const std::size_t size = whole_number("ULPSCOPE_CACHE_MIB", *limit);
    if (size > most) throw InputError("ULPSCOPE_CACHE_MIB: " + *limit + " is more than 2^40");
    cache.limit = std::uint64_t{size} << 20;
  }
  return cache;
}

}  // namespace ulpscope::cli
