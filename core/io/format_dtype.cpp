// SPDX-License-Identifier: Apache-2.0
// Formats against the floats that files know.
#include "core/io/format_dtype.hpp"

namespace ulpscope::io {

DType dtype_for(const precision::Format& format) {
  for (const DTypeInfo& info : dtypes()) {
    if (is_float(info.dtype) && info.format == format.name) return info.dtype;
  }
  const auto fits = [&](int precision, int emin, int emax) {
    return format.precision <= precision && format.emin >= emin && format.emax <= emax;
  };
  if (fits(8, -126, 127)) return DType::bf16;
  if (fits(11, -14, 15)) return DType::f16;
  return fits(24, -126, 127) ? DType::f32 : DType::f64;
}

}  // namespace ulpscope::io
