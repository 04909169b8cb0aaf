// SPDX-License-Identifier: Apache-2.0
// The one source that holds the tree's place, so that a clone elsewhere finds all others compiled.
#include "tests/support/data.hpp"

namespace ulpscope::test {

std::string source_path(const std::string& name) { return ULPSCOPE_SOURCES "/" + name; }

}  // namespace ulpscope::test
