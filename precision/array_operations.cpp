// SPDX-License-Identifier: Apache-2.0
// Chooses the level at which arrays are computed.
#include "precision/array_operations.hpp"

#include <stdexcept>

namespace ulpscope::precision {
namespace {

void require_equal_sizes(std::size_t a, std::size_t b) {
  if (a != b) throw std::invalid_argument("array operation: the arrays differ in size");
}

template <class T>
void dispatch(SimdLevel level, const ArrayOperation<T>& operation, std::span<T> to) {
  require_equal_sizes(operation.a.size(), to.size());
  require_equal_sizes(operation.b.size(), to.size());
  require_equal_sizes(operation.c.size(), to.size());
#if defined(ULPSCOPE_X86_LEVELS)
  switch (level) {
    case SimdLevel::v4:
      return v4::apply_elements(operation, to.data());
    case SimdLevel::v3:
      return v3::apply_elements(operation, to.data());
    case SimdLevel::v2:
      return v2::apply_elements(operation, to.data());
  }
#else
  static_cast<void>(level);
  apply_elements(operation, to.data());
#endif
}

}  // namespace

void apply(SimdLevel level, const ArrayOperation<float>& operation, std::span<float> to) {
  dispatch(level, operation, to);
}
void apply(SimdLevel level, const ArrayOperation<double>& operation, std::span<double> to) {
  dispatch(level, operation, to);
}

void exp_array(SimdLevel level, std::span<const float> from, std::span<float> to, Exp variant) {
  require_equal_sizes(from.size(), to.size());
#if defined(ULPSCOPE_X86_LEVELS)
  switch (level) {
    case SimdLevel::v4:
      return v4::exp_elements(from.data(), to.data(), from.size(), variant);
    case SimdLevel::v3:
      return v3::exp_elements(from.data(), to.data(), from.size(), variant);
    case SimdLevel::v2:
      return v2::exp_elements(from.data(), to.data(), from.size(), variant);
  }
#else
  static_cast<void>(level);
  exp_elements(from.data(), to.data(), from.size(), variant);
#endif
}

}  // namespace ulpscope::precision
