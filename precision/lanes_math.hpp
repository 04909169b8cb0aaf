// SPDX-License-Identifier: Apache-2.0
// sqrt, fma and any for scalars and packs: the operations that GCC's vector types leave to intrinsics.
#pragma once

#include "precision/lanes_core.hpp"
#include "precision/two_sum.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

template <class V>
ULPSCOPE_HD V fma(V a, V b, V c);

namespace detail {

/// a b + c in binary32 without fused hardware: the product is exact in binary64, and rounding the sum to odd first
/// makes the second rounding harmless [Boldo-Melquiond08, theorem 3].
template <class W>
ULPSCOPE_INLINE auto fma_through_double(W a, W b, W c) {
  const TwoTerm<W> sum = two_sum(a * b, c);
  return convert<rebind_t<W, float>>(to_odd(sum.high, sum.low));
}
ULPSCOPE_INLINE float fma_through_double(float a, float b, float c) {
  return fma_through_double(static_cast<double>(a), static_cast<double>(b), static_cast<double>(c));
}

template <class T>
ULPSCOPE_INLINE T scalar_fma(T a, T b, T c) {
#if defined(__FMA__) || defined(__CUDA_ARCH__)
  if constexpr (sizeof(T) == 4) {
    return __builtin_fmaf(a, b, c);
  } else {
    return __builtin_fma(a, b, c);
  }
#else
  if constexpr (sizeof(T) == 4) {
    return fma_through_double(a, b, c);
  } else {
    return __builtin_fma(a, b, c);  // the C library's, exact
  }
#endif
}

#if !defined(__CUDACC__)
template <class V>
ULPSCOPE_INLINE V fma_by_parts(V a, V b, V c) {
  if constexpr (lanes_v<V> * sizeof(scalar_t<V>) > native_bytes) {
    return join<V>(fma(half<0>(a), half<0>(b), half<0>(c)), fma(half<1>(a), half<1>(b), half<1>(c)));
  } else if constexpr (!is_double_v<V>) {
    using W = half_t<V, double>;
    return join<V>(fma_through_double(convert<W>(half<0>(a)), convert<W>(half<0>(b)), convert<W>(half<0>(c))),
                   fma_through_double(convert<W>(half<1>(a)), convert<W>(half<1>(b)), convert<W>(half<1>(c))));
  } else {
    V r{};
    for (int i = 0; i < lanes_v<V>; ++i) r[i] = scalar_fma<scalar_t<V>>(a[i], b[i], c[i]);
    return r;
  }
}
template <class V>
ULPSCOPE_INLINE V sqrt_by_parts(V a) {
  V r{};
  for (int i = 0; i < lanes_v<V>; ++i) r[i] = static_cast<scalar_t<V>>(__builtin_sqrt(static_cast<double>(a[i])));
  return r;
}
#endif
}  // namespace detail

/// Square root, correctly rounded.
template <class V>
ULPSCOPE_INLINE V sqrt(V a) {
  if constexpr (lanes_v<V> == 1) {
    if constexpr (sizeof(V) == 4) {
      return __builtin_sqrtf(a);
    } else {
      return __builtin_sqrt(a);
    }
  } else {
#if !defined(__CUDACC__)
    if constexpr (!is_double_v<V>) {
#if defined(__AVX512F__)
      if constexpr (sizeof(V) == 64) return V(_mm512_maskz_sqrt_ps(0xffff, __m512(a)));
#endif
#if defined(__AVX__)
      if constexpr (sizeof(V) == 32) return V(_mm256_sqrt_ps(__m256(a)));
#endif
      if constexpr (sizeof(V) == 16) return V(_mm_sqrt_ps(__m128(a)));
    } else {
#if defined(__AVX512F__)
      if constexpr (sizeof(V) == 64) return V(_mm512_maskz_sqrt_pd(0xff, __m512d(a)));
#endif
#if defined(__AVX__)
      if constexpr (sizeof(V) == 32) return V(_mm256_sqrt_pd(__m256d(a)));
#endif
      if constexpr (sizeof(V) == 16) return V(_mm_sqrt_pd(__m128d(a)));
    }
    return detail::sqrt_by_parts(a);
#endif
  }
}

/// a b + c rounded once, at every level: hardware where it is there, exact emulation where it is not.
template <class V>
ULPSCOPE_INLINE V fma(V a, V b, V c) {
  if constexpr (lanes_v<V> == 1) {
    return detail::scalar_fma(a, b, c);
  } else {
#if !defined(__CUDACC__)
#if defined(__AVX512F__)
    if constexpr (sizeof(V) == 64 && is_double_v<V>) return V(_mm512_fmadd_pd(__m512d(a), __m512d(b), __m512d(c)));
    if constexpr (sizeof(V) == 64 && !is_double_v<V>) return V(_mm512_fmadd_ps(__m512(a), __m512(b), __m512(c)));
#endif
#if defined(__FMA__)
    if constexpr (sizeof(V) == 32 && is_double_v<V>) return V(_mm256_fmadd_pd(__m256d(a), __m256d(b), __m256d(c)));
    if constexpr (sizeof(V) == 32 && !is_double_v<V>) return V(_mm256_fmadd_ps(__m256(a), __m256(b), __m256(c)));
    if constexpr (sizeof(V) == 16 && is_double_v<V>) return V(_mm_fmadd_pd(__m128d(a), __m128d(b), __m128d(c)));
    if constexpr (sizeof(V) == 16 && !is_double_v<V>) return V(_mm_fmadd_ps(__m128(a), __m128(b), __m128(c)));
#endif
    return detail::fma_by_parts(a, b, c);
#endif
  }
}

/// a b + c where one rounding or two does not matter to the caller, as fast as the level allows.
template <class V>
ULPSCOPE_INLINE V multiply_add(V a, V b, V c) {
#if defined(__FMA__) || defined(__CUDA_ARCH__)
  return fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// True if any lane of the mask is set: of integers, if the sign of any is.
ULPSCOPE_INLINE bool any(bool mask) { return mask; }
#if !defined(__CUDACC__)
template <class M>
requires(!std::is_arithmetic_v<M>) ULPSCOPE_INLINE bool any(M mask) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
  if constexpr (sizeof(M) == 64 && sizeof(scalar_t<M>) == 4) return _mm512_movepi32_mask(__m512i(mask)) != 0;
  if constexpr (sizeof(M) == 64 && sizeof(scalar_t<M>) == 8) return _mm512_movepi64_mask(__m512i(mask)) != 0;
#endif
#if defined(__AVX__)
  if constexpr (sizeof(M) == 32) return _mm256_movemask_ps(__m256(mask)) != 0;
#endif
  if constexpr (sizeof(M) == 16) return _mm_movemask_ps(__m128(mask)) != 0;
  bool found = false;
  for (int i = 0; i < lanes_v<M>; ++i) found |= mask[i] < 0;
  return found;
}
#endif

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
