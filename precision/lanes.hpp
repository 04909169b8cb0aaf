// SPDX-License-Identifier: Apache-2.0
// SIMD packs as GCC vector types, and one set of free functions that reads the same for scalars and packs.
#pragma once

#include "precision/lanes_core.hpp"  // IWYU pragma: export
#include "precision/lanes_math.hpp"  // IWYU pragma: export
