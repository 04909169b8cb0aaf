// SPDX-License-Identifier: Apache-2.0
// Estimates of sums of products: how far they are off, and what becomes of those that leave a question open. Internal
// to core/judge.
#pragma once

#include <array>
#include <type_traits>
#include <utility>

#include "core/judge/inquiry.hpp"
#include "core/judge/slot_product.hpp"
#include "precision/formats.hpp"

namespace ulpscope::judge {

/// Of sums in fp32 that add each term in at most so many additions; nothing of sums in fp64, which are what is exact
/// here.
template <class T>
SumError estimate_error(std::size_t terms, std::size_t additions) {
  if (std::is_same_v<T, double>) return {};
  const precision::Format fp32 = precision::parse_format("fp32");
  SumError error = sum_error(additions, fp32, precision::unit_roundoff(fp32));
  error.absolute = static_cast<double>(terms) * precision::min_normal(fp32);
  return error;
}

/// `exact` gives an element, by its place, in fp64.
template <class F>
void give(Inquiry& inquiry, const Answers& estimates, F&& exact) {
  const Neighbours open = inquiry.take(estimates);
  if (open == 0) return;
  std::array<double, inquiry_block> values{};
  const std::array<double, inquiry_block> errors{};
  for_each_place(open, [&](std::size_t place) { values[place] = exact(place); });
  inquiry.take({estimates.first, open, values.data(), errors.data()});
}

}  // namespace ulpscope::judge
