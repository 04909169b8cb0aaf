// SPDX-License-Identifier: Apache-2.0
// Softmax and weighted sum by their formulas.
#include "reference/pool.hpp"

#include <xtensor/xbuilder.hpp>
#include <xtensor/xmath.hpp>

namespace ulpscope::reference {
namespace {

constexpr std::size_t slot_axis = 2;

/// max_r x_r, NaN where any x_r is. Not xt::amax: it starts from the lowest finite number, which is above a row of
/// -inf, and keeps or loses a NaN depending on its place.
Entries max_over_slots(const Windows& x) {
  Entries greatest = xt::view(x, xt::all(), xt::all(), 0, xt::all());
  for (std::size_t r = 1; r < x.shape(slot_axis); ++r) {
    const Entries next = xt::view(x, xt::all(), xt::all(), r, xt::all());
    greatest = xt::eval(xt::where(greatest >= next || xt::isnan(greatest), greatest, next));
  }
  return greatest;
}

}  // namespace

Pool pool(const Windows& logits, const Windows& values) {
  Pool p;
  // W_r = exp(Z_r - max Z) / sum_s exp(Z_s - max Z)
  p.row_max = max_over_slots(logits);
  p.shifted = logits - at_slots(p.row_max);
  p.exp = xt::exp(p.shifted);
  p.denominator = xt::sum(p.exp, {slot_axis});
  p.weights = p.exp / at_slots(p.denominator);
  // C = sum_r W_r V_r
  p.products = p.weights * values;
  p.pooled = xt::sum(p.products, {slot_axis});
  return p;
}

PoolGradient pool_vjp(const Pool& forward, const Windows& values, const Entries& d_pooled) {
  PoolGradient g;
  // dV_r = W_r dC,  dW_r = V_r dC
  g.products = xt::broadcast(at_slots(d_pooled), values.shape());
  g.values = forward.weights * g.products;
  g.weights = values * g.products;
  // dZ_r = W_r dC (V_r - C): never through dW, whose sum over r cancels
  g.logits = forward.weights * g.products * (values - at_slots(forward.pooled));
  return g;
}

}  // namespace ulpscope::reference
