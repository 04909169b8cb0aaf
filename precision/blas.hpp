// SPDX-License-Identifier: Apache-2.0
// Matrix products by BLAS, on the calling thread.
#pragma once

#include <cstddef>

namespace ulpscope::precision {

enum class Transpose : unsigned char { no, yes };

/// out[m,n] = op(a) op(b) (+ out, if `continued`); leading dimensions as stored, row-major. One call, one thread.
template <class T>
struct BlasCall {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t depth = 0;
  const T* a = nullptr;
  std::size_t a_row = 0;
  Transpose a_transposed = Transpose::no;
  const T* b = nullptr;
  std::size_t b_row = 0;
  Transpose b_transposed = Transpose::no;
  T* out = nullptr;
  std::size_t out_row = 0;
  bool continued = false;
};
void blas_multiply(const BlasCall<float>& call);
void blas_multiply(const BlasCall<double>& call);
/// OpenBLAS itself stays on one thread; called before the first product.
void use_one_blas_thread();

}  // namespace ulpscope::precision
