// SPDX-License-Identifier: Apache-2.0
// Our roundings against CUDA's own conversions (host versions): an oracle that we did not write.
#include "precision/rounding.hpp"
#include "precision/ulp.hpp"
#include "tests/precision/cuda_headers.hpp"
#include "tests/precision/oracle.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;
using ulpscope::test::stratified_floats;

namespace {

/// Floats on which `bits_of` (CUDA) and the encoding of our rounding differ; NaN only has to be NaN in both.
template <class F>
[[maybe_unused]] int differences(const char* name, F bits_of) {
  const Format format = parse_format(name);
  int count = 0;
  for (const float x : stratified_floats(200000, 81)) {
    const std::uint64_t theirs = bits_of(x);
    const double ours = round(static_cast<double>(x), format);
    const bool equal = std::isnan(decode(theirs, format)) ? std::isnan(ours) : encode(ours, format) == theirs;
    if (!equal && count++ == 0)
      UNSCOPED_INFO(name << "(" << x << "): ours " << ours << ", theirs " << decode(theirs, format));
  }
  return count;
}

}  // namespace

TEST_CASE("bf16 and fp16 round as CUDA's conversions do") {
#if defined(ULPSCOPE_HAS_CUDA_HEADERS)
  CHECK(differences("bf16", [](float x) { return __bfloat16_as_ushort(__float2bfloat16_rn(x)); }) == 0);
  CHECK(differences("bf16:rz", [](float x) { return __bfloat16_as_ushort(__float2bfloat16_rz(x)); }) == 0);
  CHECK(differences("bf16:rd", [](float x) { return __bfloat16_as_ushort(__float2bfloat16_rd(x)); }) == 0);
  CHECK(differences("bf16:ru", [](float x) { return __bfloat16_as_ushort(__float2bfloat16_ru(x)); }) == 0);
  CHECK(differences("fp16", [](float x) { return __half_as_ushort(__float2half_rn(x)); }) == 0);
  CHECK(differences("fp16:rz", [](float x) { return __half_as_ushort(__float2half_rz(x)); }) == 0);
  CHECK(differences("fp16:rd", [](float x) { return __half_as_ushort(__float2half_rd(x)); }) == 0);
  CHECK(differences("fp16:ru", [](float x) { return __half_as_ushort(__float2half_ru(x)); }) == 0);
#else
  WARN("no CUDA headers here: nothing compared");
#endif
}

TEST_CASE("fp8 rounds as CUDA's conversions do, saturating and not") {
#if defined(ULPSCOPE_HAS_CUDA_HEADERS)
  CHECK(differences("e4m3fn", [](float x) { return __nv_cvt_float_to_fp8(x, __NV_NOSAT, __NV_E4M3); }) == 0);
  CHECK(differences("e4m3fn:sat", [](float x) { return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3); }) == 0);
  CHECK(differences("e5m2", [](float x) { return __nv_cvt_float_to_fp8(x, __NV_NOSAT, __NV_E5M2); }) == 0);
  CHECK(differences("e5m2:sat", [](float x) { return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E5M2); }) == 0);
#else
  WARN("no CUDA headers here: nothing compared");
#endif
}

TEST_CASE("fp6 and fp4 round as CUDA's conversions do") {
#if defined(ULPSCOPE_HAS_CUDA_SMALL_FORMATS)
  CHECK(differences("e3m2", [](float x) { return __nv_cvt_float_to_fp6(x, __NV_E3M2, cudaRoundNearest); }) == 0);
  CHECK(differences("e2m3", [](float x) { return __nv_cvt_float_to_fp6(x, __NV_E2M3, cudaRoundNearest); }) == 0);
  CHECK(differences("e2m1", [](float x) { return __nv_cvt_float_to_fp4(x, __NV_E2M1, cudaRoundNearest); }) == 0);
#else
  WARN("no CUDA headers here: nothing compared");
#endif
}
