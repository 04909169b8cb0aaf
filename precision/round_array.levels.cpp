// SPDX-License-Identifier: Apache-2.0
// Array rounding, compiled once per SIMD level.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "precision/emulated.hpp"
#include "precision/for_each_pack.hpp"
#include "precision/in_register.hpp"
#include "precision/round_array_levels.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace {

/// for_each_pack of an operation that does not ask which element it has: two packs at a time, each stored to a whole
/// cache line where a pack fills one.
template <class V, class F>
[[gnu::noinline]] void for_each_line(const scalar_t<V>* from, scalar_t<V>* to, std::size_t count, F operation) {
  constexpr std::size_t n = lanes_v<V>;
  const auto one = [&](V x, std::size_t) ULPSCOPE_INLINED { return operation(x); };
  const std::size_t beyond = reinterpret_cast<std::uintptr_t>(to) / sizeof(scalar_t<V>) % n;
  std::size_t i = beyond == 0 ? 0 : std::min(n - beyond, count);
  for_each_pack<V>(from, to, i, one);
  for (; i + 2 * n <= count; i += 2 * n) {
    const V first = operation(in_register(load<V>(from + i)));
    const V second = operation(in_register(load<V>(from + i + n)));
    store<V>(to + i, first);
    store<V>(to + i + n, second);
  }
  for_each_pack<V>(from + i, to + i, count - i, one);
}

/// The path is chosen once, outside the loop.
template <class V>
void round_packs(const scalar_t<V>* from, scalar_t<V>* to, std::size_t count, const Rounder<V>& rounder) {
  using Path = typename Rounder<V>::Path;
  const Rounder<V> local = rounder;
  const auto by = [&]<Path path>(std::integral_constant<Path, path>) {
    for_each_line<V>(from, to, count, [local](V x) ULPSCOPE_INLINED { return local.template apply<path>(x); });
  };
  if (local.path_is_all() && local.path() == Path::add_subtract) {
    by(std::integral_constant<Path, Path::add_subtract>{});
  } else if (local.path_is_all() && local.path() == Path::integer) {
    by(std::integral_constant<Path, Path::integer>{});
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
