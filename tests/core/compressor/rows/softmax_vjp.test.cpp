// SPDX-License-Identifier: Apache-2.0
// Automatic differentiation of e / sum e by hand: three slots in bf16, sums in fp32.
#include "core/compressor/rows/softmax_vjp.hpp"

#include <array>

#include "precision/emulated.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::compressor;
using ulpscope::precision::parse_format;
using Arithmetic = ulpscope::precision::Emulated<float>;
using Row = std::array<float, 3>;

namespace {

rows::Ops<Arithmetic> bf16_with_sums_in(const char* accumulate, SoftmaxVjp vjp) {
  const Arithmetic bf16(parse_format("bf16"));
  rows::Ops<Arithmetic> ops{bf16, Arithmetic(parse_format(accumulate)), bf16, bf16};
  ops.softmax_vjp = vjp;
  return ops;
}

/// ds of e = (1.5, 1.25, 3), g = (1, 3, 2), in units of 2^-12.
Row slopes(const rows::Ops<Arithmetic>& ops) {
  Row e{1.5F, 1.25F, 3};
  Row g{1, 3, 2};
  Row out{};
  rows::softmax_autodiff_vjp(ops, 3, {{e.data(), 1}, 5.75F}, {g.data(), 1}, {out.data(), 1});
  for (float& x : out) x *= 0x1p12F;
  return out;
}

}  // namespace

TEST_CASE("a gradient that comes back through two exponentials is rounded on either way, or once by FMA") {
  // g / D = (712, 2144, 1424); -g (e / D) / D = (-186, -464, -744), together -1394, in bf16 -1392.
  auto ops = bf16_with_sums_in("fp32", SoftmaxVjp::autodiff_torch_two_exp);
  // Products 1068 and 2088, 2680 and 1740, 4272 and 4176: of each pair both are rounded, or the second.
  CHECK(slopes(ops) == Row{1072 - 2080, 2688 - 1744, 4288 - 4160});
  ops.exact_products = true;
  CHECK(slopes(ops) == Row{1068 - 2080, 2680 - 1744, 4272 - 4160});
}

TEST_CASE("the sum of the denominator's gradient goes on in the compute format, whichever it was added in") {
  // (712 - 1392) 1.5, 752 * 1.25, 32 * 3; of -1394 the last would be 30 * 3.
  const auto ops = bf16_with_sums_in("fp32", SoftmaxVjp::autodiff_torch_div);
  CHECK(slopes(ops) == Row{-1020, 940, 96});
}

TEST_CASE("what flows back through the maximum goes on in the compute format too") {
  // 131 + 0.5 + 0 is 132 in bf16, a third of it 44; of 131.5 a third would be 43.75.
  const auto ops = bf16_with_sums_in("fp32", SoftmaxVjp::autodiff_torch_div);
  Row logits{1, 1, 1};
  Row out{131, 0.5F, 0};
  rows::add_max_cotangent(ops, 3, {logits.data(), 1}, 1.0F, {out.data(), 1});
  CHECK(out == Row{87, -43.5F, -44});
}
