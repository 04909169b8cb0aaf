// SPDX-License-Identifier: Apache-2.0
// Chooses the level at which arrays are rounded.
#include "precision/round_array.hpp"

#include <stdexcept>

#include "precision/round_array_levels.hpp"

namespace ulpscope::precision {
namespace {

template <class T>
void dispatch(SimdLevel level, std::span<const T> from, std::span<T> to, const Format& format) {
  if (from.size() != to.size()) throw std::invalid_argument("round_array: the two arrays differ in size");
#if defined(ULPSCOPE_X86_LEVELS)
  switch (level) {
    case SimdLevel::v4:
      return v4::round_elements(from.data(), to.data(), from.size(), format);
    case SimdLevel::v3:
      return v3::round_elements(from.data(), to.data(), from.size(), format);
    case SimdLevel::v2:
      return v2::round_elements(from.data(), to.data(), from.size(), format);
  }
#else
  static_cast<void>(level);
  round_elements(from.data(), to.data(), from.size(), format);
#endif
}

}  // namespace

void round_array_at(SimdLevel level, std::span<const float> from, std::span<float> to, const Format& format) {
  dispatch(level, from, to, format);
}
void round_array_at(SimdLevel level, std::span<const double> from, std::span<double> to, const Format& format) {
  dispatch(level, from, to, format);
}
void round_array(std::span<const float> from, std::span<float> to, const Format& format) {
  dispatch(best_simd_level(), from, to, format);
}
void round_array(std::span<const double> from, std::span<double> to, const Format& format) {
  dispatch(best_simd_level(), from, to, format);
}

}  // namespace ulpscope::precision
