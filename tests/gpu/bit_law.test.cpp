// SPDX-License-Identifier: Apache-2.0
// The comparison of tapes by hand: what counts as the same bits, and what does not.
#include "gpu/bit_law.hpp"

#include <cmath>

#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;
using gpu::compare_bits;

namespace {

Tape tape_of(std::vector<float> values) {
  Tape tape;
  const Shape shape{values.size()};
  tape.set(forward(Name::kv), {shape, std::move(values), io::DType::f32}, precision::parse_format("fp32"));
  return tape;
}

}  // namespace

TEST_CASE("equal tapes have no difference, and all their elements are counted") {
  const gpu::LawResult result = compare_bits(tape_of({1, 2, -0.0F}), tape_of({1, 2, -0.0F}));
  CHECK_FALSE(result.first);
  CHECK(result.slots == 1);
  CHECK(result.elements == 3);
}

TEST_CASE("the first element that differs is named; signs of zero count, bits of a NaN do not") {
  CHECK(compare_bits(tape_of({1, 2, 3}), tape_of({1, 5, 4})).first->index == 1);
  CHECK(compare_bits(tape_of({0}), tape_of({-0.0F})).first);
  CHECK_FALSE(compare_bits(tape_of({NAN}), tape_of({-NAN})).first);
  CHECK(compare_bits(tape_of({NAN}), tape_of({1})).first);
}

TEST_CASE("missing slots, more slots, other sizes are differences") {
  CHECK(compare_bits(tape_of({1}), Tape{}).first->slot == "kv (missing)");
  CHECK(compare_bits(Tape{}, tape_of({1})).first);
  CHECK(compare_bits(tape_of({1}), tape_of({1, 2})).first->slot == "kv (another size)");
}
