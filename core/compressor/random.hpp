// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers that equal JAX's (threefry2x32, partitionable): element i depends on (key, i) alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ulpscope::compressor {

/// A threefry2x32 key, in the order of `jax.random.key_data`.
struct Key {
  std::uint32_t hi = 0;
  std::uint32_t lo = 0;
  bool operator==(const Key&) const = default;
};

/// low < high.
struct Range {
  float low = 0;
  float high = 1;
};

/// Threefry-2x32 with 20 rounds [Salmon11]: the counter block enciphered under `key`. JAX's hash.
Key threefry2x32(Key key, Key counter);

/// `jax.random.key(seed)`.
Key key(std::uint64_t seed);
/// `jax.random.fold_in(key, data)`.
Key fold_in(Key key, std::uint32_t data);
/// `jax.random.split(key, n)[index]`, for any n > index.
Key split(Key key, std::uint64_t index);

/// Element `index` of the row-major stream of `jax.random.bits(key, shape, uint32)`; its low bits are the 8 and 16 bit
/// streams.
std::uint32_t random_bits(Key key, std::uint64_t index);
/// Element `index` of `jax.random.bits(key, shape, uint64)`.
std::uint64_t random_bits64(Key key, std::uint64_t index);

/// Elements first .. first + out.size() - 1 of `jax.random.uniform(key, shape, float32, low, high)`: 23 random bits
/// each. Any split of a stream into calls gives the same bits, here and in the functions below.
void uniform(Key key, std::uint64_t first, std::span<float> out, Range range);

/// The same elements of `jax.random.normal(key, shape, float32)`: sqrt(2) * erf_inv(uniform in (-1, 1)), |x| < 5.42.
/// The bits are those of JAX 0.10 on a CPU with FMA (XLA's log1p, Giles' polynomials), on every machine.
void normal(Key key, std::uint64_t first, std::span<float> out);

/// The same elements of `jax.random.truncated_normal(key, low, high, shape, float32)`, inside the open range.
void truncated_normal(Key key, std::uint64_t first, std::span<float> out, Range range);

/// `normal` without FMA instructions: the path of machines that have none, equal bits. Public for its test.
void normal_portable(Key key, std::uint64_t first, std::span<float> out);
/// a * b + c rounded once, in double arithmetic: what `normal_portable` stands on.
float portable_fma(float a, float b, float c);

}  // namespace ulpscope::compressor
