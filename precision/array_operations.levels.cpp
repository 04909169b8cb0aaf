// SPDX-License-Identifier: Apache-2.0
// Array operations, compiled once per SIMD level.
#include "precision/array_operations_levels.hpp"
#include "precision/elementary.hpp"
#include "precision/emulated.hpp"
#include "precision/for_each_pack.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace {

/// to[i] = f(a[i], b[i], c[i]), pack by pack; stochastic arithmetics are told the element.
template <class V, class T, class F>
void for_operands(const ArrayOperation<T>& operation, T* to, F f) {
  const Emulated<V> arithmetic(operation.format, operation.operands);
  const bool random = operation.format.mode == RoundingMode::stochastic;
  const T *a = operation.a.data(), *b = operation.b.data(), *c = operation.c.data();
  const std::size_t count = operation.a.size(), whole = random ? 0 : count - count % lanes_v<V>;
  for (std::size_t i = 0; i < whole; i += lanes_v<V>) {
    store<V>(to + i, f(arithmetic, load<V>(a + i), load<V>(b + i), load<V>(c + i)));
  }
  for (std::size_t i = whole; i < count; i += lanes_v<V>) {
    const V x = load_padded<V>(a, i, count), y = load_padded<V>(b, i, count), z = load_padded<V>(c, i, count);
    store_padded<V>(to, i, count, f(arithmetic.at({0, i, 0}), x, y, z));
  }
}

template <class T>
void apply_packs(const ArrayOperation<T>& operation, T* to) {
  using V = NativePack<T>;
  using A = Emulated<V>;
  switch (operation.operation) {
    case Operator::add:
      return for_operands<V>(operation, to, [](const A& m, V a, V b, V) { return m.add(a, b); });
    case Operator::sub:
      return for_operands<V>(operation, to, [](const A& m, V a, V b, V) { return m.sub(a, b); });
    case Operator::mul:
      return for_operands<V>(operation, to, [](const A& m, V a, V b, V) { return m.mul(a, b); });
    case Operator::div:
      return for_operands<V>(operation, to, [](const A& m, V a, V b, V) { return m.div(a, b); });
    case Operator::fma:
      return for_operands<V>(operation, to, [](const A& m, V a, V b, V c) { return m.fma(a, b, c); });
    case Operator::sqrt:
      return for_operands<V>(operation, to, [](const A& m, V a, V, V) { return m.sqrt(a); });
    case Operator::exp:
      return for_operands<V>(operation, to, [](const A& m, V a, V, V) { return m.exp(a); });
    case Operator::round:
      return for_operands<V>(operation, to, [](const A& m, V a, V, V) { return m.round(a); });
  }
}

}  // namespace

void apply_elements(const ArrayOperation<float>& operation, float* to) { apply_packs(operation, to); }
void apply_elements(const ArrayOperation<double>& operation, double* to) { apply_packs(operation, to); }

void exp_elements(const float* from, float* to, std::size_t count, Exp variant) {
  using V = NativePack<float>;
  // The two that are timed have loops of their own; the others choose in the loop.
  if (variant == Exp::correct) {
    for_each_pack<V>(
        from, to, count, [](V x, std::size_t) __attribute__((always_inline)) { return exp_binary32(x); });
  } else if (variant == Exp::fast) {
    for_each_pack<V>(
        from, to, count, [](V x, std::size_t) __attribute__((always_inline)) { return exp_fast(x); });
  } else {
    for_each_pack<V>(from, to, count, [variant](V x, std::size_t) { return exp_fp32(x, variant); });
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
