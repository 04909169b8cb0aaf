// SPDX-License-Identifier: Apache-2.0
// The online pool by hand: how a product joins the running sum.
#include "core/compressor/rows/online.hpp"

#include <cmath>

#include "precision/native.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::compressor::rows;
using Arithmetic = ulpscope::precision::Native<float>;

namespace {

/// o of two slots with logits 0 and -1, one slot a tile.
float weighted_sum(float first, float second, const OnlineOptions<Arithmetic>& options) {
  float logits[] = {0, -1};
  float values[] = {first, second};
  const OnlineWindow<Arithmetic> window{2, {logits, 1}, {values, 1}, nullptr};
  return online_scan(Ops<Arithmetic>{}, options, window).weighted;
}

}  // namespace

TEST_CASE("a product of the online pool is rounded before it joins the sum, or joins it by FMA where it is exact") {
  const float e = Arithmetic{}.exp(-1.0F);
  const float first = 0.1F;
  int differing = 0;
  for (int i = 1; i <= 100; ++i) {
    const float second = static_cast<float>(i) / 7;
    const float rounded = weighted_sum(first, second, {1, {}, false, false});
    const float fused = weighted_sum(first, second, {1, {}, false, true});
    CHECK(rounded == first + e * second);
    CHECK(fused == std::fma(e, second, first));
    differing += rounded != fused ? 1 : 0;
  }
  CHECK(differing > 10);
}
