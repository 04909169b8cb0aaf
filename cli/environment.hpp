// SPDX-License-Identifier: Apache-2.0
// What the command takes from its environment. Internal to cli.
#pragma once

#include <optional>

#include "reference/truth_cache.hpp"

namespace ulpscope::cli {

/// ULPSCOPE_CACHE is the folder, none where it is empty; where it is not set: ulpscope in XDG_CACHE_HOME, else in
/// HOME/.cache. ULPSCOPE_CACHE_MIB is the limit of its size. Throws InputError where that is not a whole number.
std::optional<reference::TruthCache> cache_from_environment();

/// The same for --help.
inline constexpr char cache_help[] =
    "ULPSCOPE_CACHE is the folder (empty: none; unset: ~/.cache/ulpscope), "
    "ULPSCOPE_CACHE_MIB its size (4096)";

}  // namespace ulpscope::cli
