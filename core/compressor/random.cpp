// SPDX-License-Identifier: Apache-2.0
// JAX's random streams: threefry bits, then XLA's float32 operations one by one, every fused multiply-add explicit.
#include "core/compressor/random.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

// Kernels are plain loops over blocks: always inlined into one function per instruction set and vectorised there.
#define ULPSCOPE_INLINE [[gnu::always_inline]] inline
#if defined(__x86_64__) && !defined(__FMA__)
#define ULPSCOPE_TARGET_FMA [[gnu::target("avx2,fma")]]
#else
#define ULPSCOPE_TARGET_FMA
#endif

namespace ulpscope::compressor {
namespace {

constexpr std::size_t kBlock = 64;
using Words = std::array<std::uint32_t, kBlock>;
using Floats = std::array<float, kBlock>;

// --- fused multiply-add: a * b + c, rounded once ---

struct HardwareFma {
  ULPSCOPE_INLINE static float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
};

/// The product is exact in double; only where the double sum looks like a tie of floats can rounding twice do harm.
struct PortableFma {
  ULPSCOPE_INLINE static float fma(float a, float b, float c) {
    const double product = static_cast<double>(a) * static_cast<double>(b);
    const double sum = product + static_cast<double>(c);
    const bool tie = (std::bit_cast<std::uint64_t>(sum) & 0x1FFFFFFFU) == 0x10000000U;
    if (!tie && std::fabs(sum) >= 0x1p-126) [[likely]]
      return static_cast<float>(sum);
    return round_to_odd(product, static_cast<double>(c), sum);
  }

 private:
  /// Knuth's two-sum finds the rounding error; an even last bit then steps towards the exact sum.
  [[gnu::noinline]] static float round_to_odd(double product, double addend, double sum) {
    const double virtual_addend = sum - product;
    const double error = (product - (sum - virtual_addend)) + (addend - virtual_addend);
    auto bits = std::bit_cast<std::uint64_t>(sum);
    if (error != 0 && (bits & 1U) == 0) bits += (error > 0) == (sum > 0) ? 1U : ~std::uint64_t{0};
    return static_cast<float>(std::bit_cast<double>(bits));
  }
};

// --- bits ---

template <int distance>
ULPSCOPE_INLINE void threefry_round(std::uint32_t& x, std::uint32_t& y) {
  x += y;
  y = (y << distance) | (y >> (32 - distance));
  y ^= x;
}

template <int a, int b, int c, int d>
ULPSCOPE_INLINE void four_rounds(std::uint32_t& x, std::uint32_t& y) {
  threefry_round<a>(x, y);
  threefry_round<b>(x, y);
  threefry_round<c>(x, y);
  threefry_round<d>(x, y);
}

ULPSCOPE_INLINE Key threefry(Key key, Key counter) {
  const std::uint32_t k0 = key.hi;
  const std::uint32_t k1 = key.lo;
  const std::uint32_t k2 = 0x1BD11BDAU ^ k0 ^ k1;
  std::uint32_t x = counter.hi + k0;
  std::uint32_t y = counter.lo + k1;
  four_rounds<13, 15, 26, 6>(x, y);
  x += k1, y += k2 + 1U;
  four_rounds<17, 29, 16, 24>(x, y);
  x += k2, y += k0 + 2U;
  four_rounds<13, 15, 26, 6>(x, y);
  x += k0, y += k1 + 3U;
  four_rounds<17, 29, 16, 24>(x, y);
  x += k1, y += k2 + 4U;
  four_rounds<13, 15, 26, 6>(x, y);
  x += k2, y += k0 + 5U;
  return {x, y};
}

ULPSCOPE_INLINE Key counter_of(std::uint64_t index) {
  return {static_cast<std::uint32_t>(index >> 32), static_cast<std::uint32_t>(index)};
}

ULPSCOPE_INLINE void draw(Key key, Key first, Words& words) {
  for (std::uint32_t j = 0; j < kBlock; ++j) {
    const std::uint32_t lo = first.lo + j;
    const std::uint32_t carry = lo < first.lo ? 1U : 0U;
    const Key hash = threefry(key, {first.hi + carry, lo});
    words[j] = hash.hi ^ hash.lo;
  }
}

// --- float32 elementary functions, operation by operation as XLA's CPU compiler emits them ---

/// Branch-free, so that the loops vectorise without -fno-trapping-math.
ULPSCOPE_INLINE float select(bool condition, float yes, float no) {
  const std::uint32_t mask = condition ? ~0U : 0U;
  const auto bits = (std::bit_cast<std::uint32_t>(yes) & mask) | (std::bit_cast<std::uint32_t>(no) & ~mask);
  return std::bit_cast<float>(bits);
}

/// Horner's rule, the highest coefficient first; unrolled by overloads, so that the loop around it vectorises.
template <class Fma>
ULPSCOPE_INLINE float horner(float, float sum) {
  return sum;
}
template <class Fma, class... Rest>
ULPSCOPE_INLINE float horner(float x, float sum, float coefficient, Rest... rest) {
  return horner<Fma>(x, Fma::fma(sum, x, coefficient), rest...);
}

/// log(x), x normal and positive: Cephes' logf, its polynomial in three interleaved parts.
template <class Fma>
ULPSCOPE_INLINE float log_positive(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  const float mantissa = std::bit_cast<float>((bits & 0x007FFFFF) | 0x3F000000);
  const bool low = mantissa < 0.707106781186547524F;
  const float exponent = static_cast<float>((bits >> 23) - 126) - select(low, 1.0F, 0.0F);
  const float r = (mantissa - 1.0F) + select(low, mantissa, 0.0F);
  const float square = r * r;
  const float cube = square * r;
  const float a = horner<Fma>(r, 7.0376836292E-2F, -1.1514610310E-1F, 1.1676998740E-1F);
  const float b = horner<Fma>(r, -1.2420140846E-1F, 1.4249322787E-1F, -1.6668057665E-1F);
  const float c = horner<Fma>(r, 2.0000714765E-1F, -2.4999993993E-1F, 3.3333331174E-1F);
  const float series = Fma::fma(Fma::fma(a, cube, b), cube, c);
  const float tail = Fma::fma(cube, series, exponent * -2.12194440E-4F);
  const float head = Fma::fma(square, -0.5F, r);
  return Fma::fma(exponent, 0.693359375F, head + tail);
}

/// log(1 + x), -1 < x <= 0: Cephes' rational function near 0, else the logarithm of the rounded sum.
template <class Fma>
ULPSCOPE_INLINE float log1p_negative(float x) {
  const float numerator =
      horner<Fma>(x, 4.5270000862445199635215E-5F, 4.9854102823193375972212E-1F, 6.5787325942061044846969E0F,
                  2.9911919328553073277375E1F, 6.0949667980987787057556E1F, 5.7112963590585538103336E1F,
                  2.0039553499201281259648E1F);
  const float denominator =
      horner<Fma>(x, 1.0F, 1.5062909083469192043167E1F, 8.3047565967967209469434E1F, 2.2176239823732856465394E2F,
                  3.0909872225312059774938E2F, 2.1642788614495947685003E2F, 6.0118660497603843919306E1F);
  const float square = x * x;
  const float near = x + Fma::fma(square, -0.5F, (x * square) * (numerator / denominator));
  const float far = log_positive<Fma>(1.0F + x);
  return select(std::fabs(x) < 0.41421356237309504880F, near, far);
}

/// erf_inv(x) / x where w = -log(1 - x^2) < 5 [Giles10].
template <class Fma>
ULPSCOPE_INLINE float erf_inv_centre(float minus_w) {
  return horner<Fma>(-2.5F - minus_w, 2.81022636e-08F, 3.43273939e-07F, -3.5233877e-06F, -4.39150654e-06F,
                     0.00021858087F, -0.00125372503F, -0.00417768164F, 0.246640727F, 1.50140941F);
}

/// The same for w >= 5, |x| < 1.
template <class Fma>
ULPSCOPE_INLINE float erf_inv_tail(float minus_w) {
  return horner<Fma>(std::sqrt(-minus_w) - 3.0F, -0.000200214257F, 0.000100950558F, 0.00134934322F, -0.00367342844F,
                     0.00573950773F, -0.0076224613F, 0.00943887047F, 1.00167406F, 2.83297682F);
}

/// erf(x): a rational function, +-1 beyond its range.
float erf_float(float x) {
  using Fma = PortableFma;
  constexpr float limit = 0x1.df38dp+1F;
  if (std::fabs(x) >= limit) return std::copysign(1.0F, x);
  const float square = x * x;
  const float numerator =
      horner<Fma>(square, 0x1.e05aa2p-13F, 0x1.bebb44p-9F, 0x1.a16dd6p-5F, 0x1.7b4e8p-3F, 0x1.20dd74p+0F);
  const float denominator = horner<Fma>(square, -0x1.fa720cp-24F, 0x1.8b11bep-16F, 0x1.0ada5p-10F, 0x1.cd0fa8p-7F,
                                        0x1.c69842p-4F, 0x1.fd6894p-2F, 1.0F);
  return x * numerator / denominator;
}

// --- block kernels ---

template <class Fma>
ULPSCOPE_INLINE void to_uniform(const Words& words, Range range, Floats& out) {
  const float width = range.high - range.low;
  for (std::size_t j = 0; j < kBlock; ++j) {
    const float unit = std::bit_cast<float>((words[j] >> 9) | 0x3F800000U) - 1.0F;
    const float value = Fma::fma(unit, width, range.low);
    out[j] = select(value > range.low, value, range.low);
  }
}

/// u -> sqrt(2) erf_inv(u), |u| <= 1; +-1 gives +-infinity. One u in 300 lies in the tail and is done again, alone.
template <class Fma>
ULPSCOPE_INLINE void to_normal(Floats& block) {
  constexpr float root2 = 1.41421356237309504880F;
  Floats logarithms;
  Floats centre;
  std::uint32_t tails = 0;
  for (std::size_t j = 0; j < kBlock; ++j) {
    const float u = block[j];
    logarithms[j] = log1p_negative<Fma>(u * -u);
    centre[j] = u * erf_inv_centre<Fma>(logarithms[j]) * root2;
    tails += logarithms[j] > -5.0F ? 0U : 1U;
  }
  if (tails != 0) {
    for (std::size_t j = 0; j < kBlock; ++j) {
      if (logarithms[j] > -5.0F) continue;
      const float slope = std::fabs(block[j]) < 1 ? erf_inv_tail<Fma>(logarithms[j]) : HUGE_VALF;
      centre[j] = block[j] * slope * root2;
    }
  }
  block = centre;
}

enum class Law : std::uint8_t { uniform, normal };

struct Stream {
  Key key;
  Law law = Law::uniform;
  Range uniform;  ///< of the uniform variable
  Range limits;   ///< of a normal's result; the whole line for an untruncated one
};

template <class Fma>
ULPSCOPE_INLINE void fill_block(const Stream& stream, std::uint64_t first, Floats& block) {
  Words words;
  draw(stream.key, counter_of(first), words);
  to_uniform<Fma>(words, stream.uniform, block);
  if (stream.law == Law::uniform) return;
  to_normal<Fma>(block);
  for (float& x : block) x = std::min(std::max(x, stream.limits.low), stream.limits.high);
}

template <class Fma>
ULPSCOPE_INLINE void fill_with(const Stream& stream, std::uint64_t first, std::span<float> out) {
  Floats block;
  for (std::size_t done = 0; done < out.size(); done += kBlock) {
    fill_block<Fma>(stream, first + done, block);
    std::memcpy(out.data() + done, block.data(), std::min(kBlock, out.size() - done) * sizeof(float));
  }
}

ULPSCOPE_TARGET_FMA void fill_fma(const Stream& stream, std::uint64_t first, std::span<float> out) {
  fill_with<HardwareFma>(stream, first, out);
}

void fill_portable(const Stream& stream, std::uint64_t first, std::span<float> out) {
  fill_with<PortableFma>(stream, first, out);
}

bool has_fma() {
#if defined(__FP_FAST_FMAF)
  return true;
#elif defined(__x86_64__)
  static const bool found = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return found;
#else
  return false;
#endif
}

void fill(const Stream& stream, std::uint64_t first, std::span<float> out) {
  has_fma() ? fill_fma(stream, first, out) : fill_portable(stream, first, out);
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Stream normal_stream(Key key) { return {key, Law::normal, {-0x1.fffffep-1F, 1.0F}, {-kInfinity, kInfinity}}; }

}  // namespace

Key threefry2x32(Key key, Key counter) { return threefry(key, counter); }

Key key(std::uint64_t seed) { return counter_of(seed); }

Key fold_in(Key key, std::uint32_t data) { return threefry(key, {0, data}); }

Key split(Key key, std::uint64_t index) { return threefry(key, counter_of(index)); }

std::uint32_t random_bits(Key key, std::uint64_t index) {
  const Key hash = threefry(key, counter_of(index));
  return hash.hi ^ hash.lo;
}

std::uint64_t random_bits64(Key key, std::uint64_t index) {
  const Key hash = threefry(key, counter_of(index));
  return (std::uint64_t{hash.hi} << 32) | hash.lo;
}

void uniform(Key key, std::uint64_t first, std::span<float> out, Range range) {
  fill({key, Law::uniform, range, {}}, first, out);
}

void normal(Key key, std::uint64_t first, std::span<float> out) { fill(normal_stream(key), first, out); }

void truncated_normal(Key key, std::uint64_t first, std::span<float> out, Range range) {
  constexpr float half_root2 = 0.707106781186547524F;
  const Range uniform = {erf_float(range.low * half_root2), erf_float(range.high * half_root2)};
  const Range limits = {std::nextafter(range.low, kInfinity), std::nextafter(range.high, -kInfinity)};
  fill({key, Law::normal, uniform, limits}, first, out);
}

void normal_portable(Key key, std::uint64_t first, std::span<float> out) {
  fill_portable(normal_stream(key), first, out);
}

float portable_fma(float a, float b, float c) { return PortableFma::fma(a, b, c); }

}  // namespace ulpscope::compressor
