// SPDX-License-Identifier: Apache-2.0
// SIMD packs as GCC vector types, and the free functions on them that need no error-free transformation.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if !defined(__CUDACC__) && defined(__SSE2__)
#include <immintrin.h>
#endif

/// Functions that nvcc compiles for host and device carry this word; elsewhere it is empty.
#if defined(__CUDACC__)
#define ULPSCOPE_HD __host__ __device__
#else
#define ULPSCOPE_HD
#endif

/// Hot headers live in `inline namespace ULPSCOPE_LEVEL`: a source compiled for x86-64-v4 must not hand its inline
/// functions to a source compiled for v2, which the linker would otherwise do silently.
#ifndef ULPSCOPE_LEVEL
#define ULPSCOPE_LEVEL base
#endif

/// Small hot functions are always inlined: as calls they would pass packs through memory. Device code has no packs, and
/// its compiler knows when to inline.
#if defined(__CUDACC__)
#define ULPSCOPE_INLINE ULPSCOPE_HD inline
#define ULPSCOPE_INLINED
/// What is large and called from many places is one function there: copies would take minutes to compile.
#define ULPSCOPE_INLINE_ON_HOST __noinline__ ULPSCOPE_HD
#define ULPSCOPE_OUTLINE_ON_DEVICE __noinline__ ULPSCOPE_HD
#else
#define ULPSCOPE_INLINE [[gnu::always_inline]] inline
/// The same for lambdas: [&](int r) ULPSCOPE_INLINED { ... }
#define ULPSCOPE_INLINED __attribute__((always_inline))
#define ULPSCOPE_INLINE_ON_HOST ULPSCOPE_INLINE
#define ULPSCOPE_OUTLINE_ON_DEVICE
#endif

#if !defined(__CUDACC__)
// Packs never cross a boundary between sources compiled for different levels, so the ABI note does not apply.
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

ULPSCOPE_INLINE constexpr double infinity() { return __builtin_inf(); }

#if !defined(__CUDACC__)
template <class T, int N>
struct PackOf {
  using type [[gnu::vector_size(static_cast<int>(sizeof(T)) * N)]] = T;
};
/// N lanes of T, N a power of two. Arithmetic and comparison operators are lane by lane.
template <class T, int N>
using Pack = typename PackOf<T, N>::type;

#if defined(__AVX512F__)
inline constexpr int native_bytes = 64;
#elif defined(__AVX__)
inline constexpr int native_bytes = 32;
#else
inline constexpr int native_bytes = 16;
#endif
/// Lanes of one hardware register at this level, and that pack.
template <class T>
inline constexpr int native_lanes = native_bytes / static_cast<int>(sizeof(T));
template <class T>
using NativePack = Pack<T, native_lanes<T>>;
#endif

template <class V>
struct LaneTraits {
  using scalar = std::remove_cvref_t<decltype(std::declval<V&>()[0])>;
  static constexpr int lanes = static_cast<int>(sizeof(V) / sizeof(scalar));
};
template <class V>
requires std::is_arithmetic_v<V>
struct LaneTraits<V> {
  using scalar = V;
  static constexpr int lanes = 1;
};
template <class V>
using scalar_t = typename LaneTraits<V>::scalar;
template <class V>
inline constexpr int lanes_v = LaneTraits<V>::lanes;
template <class V>
inline constexpr bool is_double_v = std::is_same_v<scalar_t<V>, double>;

template <class T, int N>
struct WithLanes {
#if !defined(__CUDACC__)
  using type = Pack<T, N>;
#endif
};
template <class T>
struct WithLanes<T, 1> {
  using type = T;
};
/// The pack (or scalar) of T with as many lanes as V.
template <class V, class T>
using rebind_t = typename WithLanes<T, lanes_v<V>>::type;
/// Half as many lanes of T as V has; a scalar keeps its one lane.
template <class V, class T = scalar_t<V>>
using half_t = typename WithLanes<T, (lanes_v<V> > 1 ? lanes_v<V> / 2 : 1)>::type;
template <class V>
using bits_t = rebind_t<V, std::conditional_t<sizeof(scalar_t<V>) == 8, std::uint64_t, std::uint32_t>>;
template <class V>
using ints_t = rebind_t<V, std::conditional_t<sizeof(scalar_t<V>) == 8, std::int64_t, std::int32_t>>;
/// What a comparison of two V gives: bool, or a pack of 0 and -1.
template <class V>
using mask_t = std::conditional_t<lanes_v<V> == 1, bool, ints_t<V>>;

/// Facts of a carrier type: significand bits, and the pieces of its encoding.
template <class T>
struct Carrier;
template <>
struct Carrier<float> {
  using bits = std::uint32_t;
  static constexpr int precision = 24, emin = -126, emax = 127;
  static constexpr bits sign = 0x80000000u, exponent = 0x7f800000u;
};
template <>
struct Carrier<double> {
  using bits = std::uint64_t;
  static constexpr int precision = 53, emin = -1022, emax = 1023;
  static constexpr bits sign = 0x8000000000000000u, exponent = 0x7ff0000000000000u;
};

/// Every lane equal to x.
template <class V>
ULPSCOPE_INLINE V splat(scalar_t<V> x) {
  if constexpr (lanes_v<V> == 1) {
    return x;
  } else if constexpr (std::is_floating_point_v<scalar_t<V>>) {
    using B = bits_t<V>;  // V{} + x would turn -0 into +0
    return __builtin_bit_cast(V, static_cast<B>(B{} + __builtin_bit_cast(scalar_t<B>, x)));
  } else {
    return V{} + x;
  }
}

template <class V>
ULPSCOPE_INLINE V load(const scalar_t<V>* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
template <class V>
ULPSCOPE_INLINE void store(scalar_t<V>* to, V v) {
  __builtin_memcpy(to, &v, sizeof v);
}

template <class V>
ULPSCOPE_INLINE scalar_t<V> lane(V v, int i) {
  if constexpr (lanes_v<V> == 1) {
    return v;
  } else {
    return v[i];
  }
}
template <class V>
ULPSCOPE_INLINE void set_lane(V& v, int i, scalar_t<V> x) {
  if constexpr (lanes_v<V> == 1) {
    v = x;
  } else {
    v[i] = x;
  }
}

template <class V>
ULPSCOPE_INLINE bits_t<V> as_bits(V v) {
  return __builtin_bit_cast(bits_t<V>, v);
}
template <class V>
ULPSCOPE_INLINE V from_bits(bits_t<V> b) {
  return __builtin_bit_cast(V, b);
}

/// a where the mask is set, else b.
template <class M, class V>
ULPSCOPE_INLINE V select(M mask, V a, V b) {
  return mask ? a : b;
}

template <class V>
ULPSCOPE_INLINE auto is_nan(V v) -> mask_t<V> {
  return v != v;
}
template <class V>
ULPSCOPE_INLINE V abs(V v) {
  return from_bits<V>(as_bits(v) & ~Carrier<scalar_t<V>>::sign);
}
/// The sign bit of v and no other.
template <class V>
ULPSCOPE_INLINE bits_t<V> sign_bits(V v) {
  return as_bits(v) & Carrier<scalar_t<V>>::sign;
}
/// b where it is larger, else a (where either is NaN too). By intrinsics where there are some: GCC folds what follows
/// into one long chain of masks.
template <class V>
ULPSCOPE_INLINE V larger_or_first(V a, V b) {
#if !defined(__CUDACC__)
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64 && is_double_v<V>) return V(_mm512_maskz_max_pd(0xff, __m512d(b), __m512d(a)));
  if constexpr (sizeof(V) == 64 && !is_double_v<V>) return V(_mm512_maskz_max_ps(0xffff, __m512(b), __m512(a)));
#endif
#if defined(__AVX__)
  if constexpr (sizeof(V) == 32 && is_double_v<V>) return V(_mm256_max_pd(__m256d(b), __m256d(a)));
  if constexpr (sizeof(V) == 32 && !is_double_v<V>) return V(_mm256_max_ps(__m256(b), __m256(a)));
#endif
#endif
  return select(b > a, b, a);
}

/// The larger; NaN if either is NaN, b if both are. Of two equal values (signed zeros) the first. A maximum that runs
/// along in `a` waits for one comparison and one selection only.
template <class V>
ULPSCOPE_INLINE V max_nan(V a, V b) {
  return select(is_nan(b), b, larger_or_first(a, b));
}

/// Lane by lane conversion to another element type with the same number of lanes (round to nearest even).
template <class To, class V>
ULPSCOPE_INLINE To convert(V v) {
  static_assert(lanes_v<To> == lanes_v<V>);
  if constexpr (lanes_v<V> == 1) {
    return static_cast<To>(v);
  } else {
#if !defined(__CUDACC__)
    // GCC 12 widens packs in two steps and a shuffle.
#if defined(__AVX512F__)
    if constexpr (is_double_v<To> && std::is_same_v<scalar_t<V>, float> && sizeof(To) == 64) {
      return To(_mm512_maskz_cvtps_pd(0xff, __m256(v)));
    }
#endif
#if defined(__AVX__)
    if constexpr (is_double_v<To> && std::is_same_v<scalar_t<V>, float> && sizeof(To) == 32) {
      return To(_mm256_cvtps_pd(__m128(v)));
    }
#endif
    return __builtin_convertvector(v, To);
#endif
  }
}

#if !defined(__CUDACC__)
namespace detail {
template <int offset, class V, std::size_t... I>
ULPSCOPE_INLINE half_t<V> take(V v, std::index_sequence<I...>) {
  return __builtin_shufflevector(v, v, (static_cast<int>(I) + offset)...);
}
template <class V, std::size_t... I>
ULPSCOPE_INLINE V concatenate(half_t<V> low, half_t<V> high, std::index_sequence<I...>) {
  return __builtin_shufflevector(low, high, static_cast<int>(I)...);
}
}  // namespace detail
#endif

/// Lower (which = 0) or upper (which = 1) half of a pack; a scalar is its own lower half.
template <int which, class V>
ULPSCOPE_INLINE half_t<V> half(V v) {
  if constexpr (lanes_v<V> == 1) {
    return v;
  } else if constexpr (lanes_v<V> == 2) {
    return v[which];
  } else {
#if !defined(__CUDACC__)
    constexpr int n = lanes_v<V> / 2;
    return detail::take<which * n>(v, std::make_index_sequence<n>{});
#endif
  }
}
template <class V>
ULPSCOPE_INLINE V join(half_t<V> low, half_t<V> high) {
  if constexpr (lanes_v<V> == 2) {
    return V{low, high};
  } else {
#if !defined(__CUDACC__)
    return detail::concatenate<V>(low, high, std::make_index_sequence<lanes_v<V>>{});
#endif
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
