// SPDX-License-Identifier: Apache-2.0
// Files of the source tree that tests read.
#pragma once

#include <string>

namespace ulpscope::test {

/// The path of a file, named from the repository's root.
std::string source_path(const std::string& name);

}  // namespace ulpscope::test
