// SPDX-License-Identifier: Apache-2.0
// Array rounding, compiled once per SIMD level.
#include <cstddef>

#include "precision/emulated.hpp"
#include "precision/for_each_pack.hpp"
#include "precision/round_array_levels.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace {

/// The path is chosen once, outside the loop.
template <class V>
void round_packs(const scalar_t<V>* from, scalar_t<V>* to, std::size_t count, const Rounder<V>& rounder) {
  using Path = typename Rounder<V>::Path;
  const Rounder<V> local = rounder;
  if (local.path_is_all() && local.path() == Path::add_subtract) {
    for_each_pack<V>(from, to, count, [&](V x, std::size_t) { return local.template apply<Path::add_subtract>(x); });
  } else if (local.path_is_all() && local.path() == Path::integer) {
    for_each_pack<V>(from, to, count, [&](V x, std::size_t) { return local.template apply<Path::integer>(x); });
  } else {
    for_each_pack<V>(from, to, count, [&](V x, std::size_t) { return local(x); });
  }
}

template <class T>
void round_all(const T* from, T* to, std::size_t count, const Format& format) {
  using V = NativePack<T>;
  if (format.mode != RoundingMode::stochastic && Rounder<V>::supports(format)) {
    round_packs<V>(from, to, count, Rounder<V>(format));
    return;
  }
  const Emulated<V> arithmetic(format);
  for_each_pack<V>(from, to, count, [&](V x, std::size_t i) { return arithmetic.at({0, i, 0}).round(x); });
}

}  // namespace

void round_elements(const float* from, float* to, std::size_t count, const Format& format) {
  round_all(from, to, count, format);
}
void round_elements(const double* from, double* to, std::size_t count, const Format& format) {
  round_all(from, to, count, format);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
