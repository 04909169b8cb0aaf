// SPDX-License-Identifier: Apache-2.0
// Recording arithmetic: values are Emulated's, every operation can be followed back, classes of births by hand.
#include "precision/recording.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/support/catch.hpp"

using namespace ulpscope;
using precision::Recorded;
using precision::Recorder;
using precision::Recording;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::string class_of(const Recorder& recorder, const Recorded& value) {
  const precision::Operation* birth = recorder.birth_of(value);
  return birth == nullptr ? "none" : std::string(precision::birth_class(*birth));
}

}  // namespace

TEST_CASE("each class of birth has its name") {
  Recorder recorder(precision::Exp::correct);
  const Recording fp16(precision::parse_format("fp16"));
  const Recorded inf = Recorded::input(infinity, 0);
  const Recorded zero = Recorded::input(0, 1);
  const Recorded one = Recorded::input(1, 2);
  const Recorded big = Recorded::input(60000, 3);
  CHECK(class_of(recorder, fp16.sub(inf, inf)) == "inf - inf");
  CHECK(class_of(recorder, fp16.add(inf, fp16.neg(inf))) == "inf - inf");
  CHECK(class_of(recorder, fp16.fma(inf, one, fp16.neg(inf))) == "inf - inf");
  CHECK(class_of(recorder, fp16.mul(zero, inf)) == "0 * inf");
  CHECK(class_of(recorder, fp16.fma(inf, zero, one)) == "0 * inf");
  CHECK(class_of(recorder, fp16.div(zero, zero)) == "0/0");
  CHECK(class_of(recorder, fp16.div(inf, inf)) == "inf/inf");
  CHECK(class_of(recorder, fp16.div(one, zero)) == "x/0");
  CHECK(class_of(recorder, fp16.add(big, big)) == "overflow");
  CHECK(class_of(recorder, fp16.exp(Recorded::input(12, 4))) == "overflow");
  CHECK(class_of(recorder, fp16.round(Recorded::input(1e5, 5))) == "overflow");
  CHECK(class_of(recorder, fp16.sqrt(fp16.neg(one))) == "sqrt of a negative number");
  CHECK(class_of(recorder, fp16.log(zero)) == "log of zero");
  CHECK(class_of(recorder, fp16.log(fp16.neg(one))) == "log of a negative number");
  CHECK(class_of(recorder, fp16.add(inf, one)) == "inf");
  CHECK(class_of(recorder, fp16.add(Recorded::input(std::nan(""), 6), one)) == "nan");
  CHECK(class_of(recorder, inf) == "none");
}

TEST_CASE("a format without infinities overflows to NaN") {
  Recorder recorder(precision::Exp::correct);
  const Recording e4m3(precision::parse_format("e4m3fn"));
  const Recorded big = e4m3.mul(Recorded::input(448, 0), Recorded::input(2, 1));
  CHECK(std::isnan(big.value));
  CHECK(class_of(recorder, big) == "overflow");
}

TEST_CASE("a birth is the first operation whose own operands are finite, however far back") {
  Recorder recorder(precision::Exp::correct);
  const Recording fp32(precision::parse_format("fp32"));
  const Recorded big = Recorded::input(3e38, 7);
  const Recorded square = fp32.mul(big, big);
  const Recorded sum = fp32.add(Recorded::input(1, 8), square);
  const Recorded nan = fp32.sub(sum, Recording::max(sum, big));
  REQUIRE(std::isnan(nan.value));
  const precision::Operation* birth = recorder.birth_of(nan);
  REQUIRE(birth != nullptr);
  CHECK(birth->name == "mul");
  CHECK(birth->operands[0].is_input());
  CHECK(birth->operands[0].input_number() == 7);
  CHECK(recorder.format(birth->format).name == "fp32");
}

TEST_CASE("a NaN of infinities that were given is born where they meet, not where the first of them was read") {
  Recorder recorder(precision::Exp::correct);
  const Recording fp32(precision::parse_format("fp32"));
  const Recorded inf = Recorded::input(infinity, 0);
  const Recorded zero = Recorded::input(0, 1);
  const Recorded sum = fp32.add(zero, inf);
  CHECK(class_of(recorder, fp32.add(fp32.add(sum, fp32.neg(inf)), zero)) == "inf - inf");
  CHECK(class_of(recorder, fp32.mul(sum, zero)) == "0 * inf");
  CHECK(class_of(recorder, fp32.add(sum, zero)) == "inf");
  const Recorded square = fp32.mul(Recorded::input(3e38, 2), Recorded::input(3e38, 2));
  CHECK(class_of(recorder, fp32.sub(sum, square)) == "overflow");
  CHECK(class_of(recorder, fp32.add(fp32.add(Recorded::input(std::nan(""), 3), square), zero)) == "nan");
}

TEST_CASE("a rounding that changes nothing is no operation, and the maker of a value lies below its storing") {
  Recorder recorder(precision::Exp::correct);
  const Recording fp32(precision::parse_format("fp32"));
  const Recording bf16(precision::parse_format("bf16"));
  const Recorded product = fp32.mul(Recorded::input(1.5, 0), Recorded::input(1.0078125, 1));
  const Recorded stored = bf16.round(product);
  CHECK(stored.value != product.value);
  CHECK(recorder.find(stored)->name == "round");
  CHECK(recorder.maker_of(stored)->name == "mul");
  CHECK(bf16.round(stored).origin == stored.origin);
}

TEST_CASE("one recorder at a time, and none is refused") {
  CHECK_THROWS_AS(Recorder::current(), std::logic_error);
  const Recorder recorder(precision::Exp::correct);
  CHECK_THROWS_AS(Recorder(precision::Exp::correct), std::logic_error);
}
