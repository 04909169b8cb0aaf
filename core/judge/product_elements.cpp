// SPDX-License-Identifier: Apache-2.0
// Which way costs least: few elements or many, whole rows or not.
#include "core/judge/product_elements.hpp"

#include <algorithm>
#include <variant>

#include "core/judge/product_dots.hpp"
#include "core/judge/product_scaled.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::judge {
namespace {

/// Elements up to this share of a product, and up to so many, are summed in fp64: the errors of few estimates do not
/// average out.
constexpr std::size_t few_share = 64;
constexpr std::size_t most_few = 8192;

bool fits_floats(const GivenFactor& factor) {
  return std::holds_alternative<io::Buffer<float>>(factor.tensor.data) &&
         (!factor.format || precision::Rounder<float>::supports(*factor.format));
}

template <class T>
void answer_in(const GivenProduct& given, Inquiry& inquiry) {
  pays_to_scale(given, inquiry.count()) ? answer_by_scaled_rows<T>(given, inquiry) : answer_by_dots<T>(given, inquiry);
}

}  // namespace

void answer_product(const GivenProduct& given, Inquiry& inquiry) {
  const std::size_t few = std::min(given.product.rows * given.product.columns / few_share, most_few);
  if (inquiry.count() <= few) return answer_by_dots<double>(given, inquiry);
  fits_floats(given.left) && fits_floats(given.right) ? answer_in<float>(given, inquiry)
                                                      : answer_in<double>(given, inquiry);
}

}  // namespace ulpscope::judge
