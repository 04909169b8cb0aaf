// SPDX-License-Identifier: Apache-2.0
// The array operations that each SIMD level defines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "precision/exp_variant.hpp"
#include "precision/format.hpp"
#include "precision/lanes.hpp"
#include "precision/operands.hpp"

namespace ulpscope::precision {

enum class Operator : std::uint8_t { add, sub, mul, div, fma, sqrt, exp, round };

/// One operation on arrays of one size (unused operands may be any of them), in one format.
template <class T>
struct ArrayOperation {
  Operator operation;
  std::span<const T> a, b, c;
  const Format& format;
  Operands operands = Operands::any;
};

#define ULPSCOPE_DECLARE_ARRAY_OPERATIONS                                   \
  void apply_elements(const ArrayOperation<float>& operation, float* to);   \
  void apply_elements(const ArrayOperation<double>& operation, double* to); \
  void exp_elements(const float* from, float* to, std::size_t count, Exp variant);

#if defined(ULPSCOPE_X86_LEVELS)
inline namespace v2 {
ULPSCOPE_DECLARE_ARRAY_OPERATIONS
}
inline namespace v3 {
ULPSCOPE_DECLARE_ARRAY_OPERATIONS
}
inline namespace v4 {
ULPSCOPE_DECLARE_ARRAY_OPERATIONS
}
#else
inline namespace ULPSCOPE_LEVEL {
ULPSCOPE_DECLARE_ARRAY_OPERATIONS
}
#endif

#undef ULPSCOPE_DECLARE_ARRAY_OPERATIONS

}  // namespace ulpscope::precision
