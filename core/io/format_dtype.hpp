// SPDX-License-Identifier: Apache-2.0
// Which container element holds the values of a number format.
#pragma once

#include "core/io/dtype.hpp"
#include "precision/format.hpp"

namespace ulpscope::io {

/// The format's own element type, or the narrowest float that holds every value of it (fp64's range ends at F64).
DType dtype_for(const precision::Format& format);

}  // namespace ulpscope::io
