// SPDX-License-Identifier: Apache-2.0
// Telling a tensor what its bits are.
#pragma once

#include <string>

#include "core/io/tensor_file.hpp"

namespace ulpscope::io {

/// Gives one tensor another dtype of the same width; the bytes stay. InputError headed by `where` if there is no such
/// tensor or the widths differ.
void reinterpret(TensorFile& file, const DTypeOverride& change, const std::string& where);

}  // namespace ulpscope::io
