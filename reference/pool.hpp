// SPDX-License-Identifier: Apache-2.0
// S4 and S5: softmax over the slots of a window, for each channel, and the weighted sum of the values.
#pragma once

#include "reference/arrays.hpp"

namespace ulpscope::reference {

struct Pool {
  Entries row_max;
  Windows shifted;
  Windows exp;
  Entries denominator;
  Windows weights;
  Windows products;
  Entries pooled;
};
Pool pool(const Windows& logits, const Windows& values);

struct PoolGradient {
  Windows products;
  Windows weights;
  Windows values;
  Windows logits;
};
/// The VJP of pool for the cotangent [B,n,d] of `pooled`.
PoolGradient pool_vjp(const Pool& forward, const Windows& values, const Entries& d_pooled);

}  // namespace ulpscope::reference
