// SPDX-License-Identifier: Apache-2.0
// Products of operands that were cut into windows, block by block of rows: exact_dot.md.
#include "precision/exact_dot.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "precision/exact_dot_block.hpp"

namespace ulpscope::precision {
namespace {

// Ranges of rows are multiples of it. A rounded product (of tails) is one BLAS call for each, so that its bits do not
// depend on ranges; an exact one may be a call of several.
constexpr std::size_t row_grain = dot_block_rows;
constexpr std::size_t block_elements = std::size_t{1} << 20;

void require(const DotOperand& a, const DotOperand& b) {
  if (a.depth() != b.depth())
    throw std::invalid_argument("exact_dot: the rows of its operands have " + std::to_string(a.depth()) + " and " +
                                std::to_string(b.depth()) + " numbers");
  if (a.enclosed() && b.enclosed()) throw std::invalid_argument("exact_dot: only one operand may be enclosed");
}

}  // namespace

DotRoads exact_dot(const DotOperand& a, const DotOperand& b, const DotResult& result, const DotSettings& settings) {
  require(a, b);
  DotRoads roads;
  if (a.rows() == 0 || b.rows() == 0) return roads;
  DotProduct product(a, b, result, settings);
  const std::size_t rows = std::max<std::size_t>(1, block_elements / b.rows() / row_grain) * row_grain;
  settings.ranges(a.rows(), row_grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t first = begin; first < end; first += rows)
      DotBlock(product, first, std::min(end, first + rows)).compute();
  });
  return product.roads();
}

}  // namespace ulpscope::precision
