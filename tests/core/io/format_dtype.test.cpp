// SPDX-License-Identifier: Apache-2.0
// Each format finds an element that holds it, and none that does not.
#include "core/io/format_dtype.hpp"

#include "tests/support/catch.hpp"

using namespace ulpscope;
using io::DType;

TEST_CASE("formats that files know keep their own element, others the narrowest that holds them") {
  const auto found = [](const char* name) { return io::dtype_for(precision::parse_format(name)); };
  CHECK(found("fp64") == DType::f64);
  CHECK(found("fp32") == DType::f32);
  CHECK(found("bf16") == DType::bf16);
  CHECK(found("fp16") == DType::f16);
  CHECK(found("e4m3fn") == DType::f8_e4m3);
  CHECK(found("e5m2") == DType::f8_e5m2);
  CHECK(found("e2m1") == DType::bf16);
  CHECK(found("tf32") == DType::f32);
  CHECK(found("e5m9") == DType::f16);
  CHECK(found("e8m10") == DType::f32);  // fp16's precision, but not its range
  CHECK(found("e6m8") == DType::f32);
}
