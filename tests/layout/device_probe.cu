// SPDX-License-Identifier: Apache-2.0
// Device code that instantiates row mathematics: one thread pools one channel of one window. Compiled, not run.
#include "core/compressor/rows/pool.hpp"
#include "core/compressor/rows/rms_norm.hpp"
#include "core/compressor/rows/softmax.hpp"
#include "precision/emulated.hpp"
#include "precision/native.hpp"

namespace ulpscope::test {

using namespace ulpscope::compressor::rows;

template <class A>
struct Channel {
  Rows<A> logits;
  Rows<A> values;
  Rows<A> scratch;
};

template <class A>
__global__ void pool_channel(Ops<A> ops, int count, Channel<A> channel) {
  const auto [logits, values, scratch] = channel;
  const auto anchor = row_max(ops, count, logits, nullptr);
  shift(ops, count, logits, anchor, scratch);
  exponentials(ops, count, scratch, nullptr, scratch);
  const auto total = denominator(ops, count, scratch);
  quotients(ops, count, scratch, total, scratch);
  scratch.set(0, pooled_fused(ops, count, scratch, values));
  scratch.set(1, inverse_rms(ops, mean_square(ops, count, values), 1e-6));
}

template __global__ void pool_channel(Ops<precision::Native<float>>, int, Channel<precision::Native<float>>);
template __global__ void pool_channel(Ops<precision::Emulated<float>>, int, Channel<precision::Emulated<float>>);

}  // namespace ulpscope::test
