// SPDX-License-Identifier: Apache-2.0
// The self-test's sweeps over floats. Internal to app.
#pragma once

#include <optional>
#include <string>

#include "app/verbs.hpp"

namespace ulpscope::app {

/// What failed, or nothing. Quick: 2^18 floats spread over all binades; exhaustive: all of them, on all threads.
std::optional<std::string> rounding_of_floats(Thoroughness thoroughness, const Progress& progress);
std::optional<std::string> exp_of_floats(Thoroughness thoroughness, const Progress& progress);

}  // namespace ulpscope::app
