// SPDX-License-Identifier: Apache-2.0
// The calls into BLAS.
#include "precision/blas.hpp"

#include <cblas.h>

namespace ulpscope::precision {
namespace {

CBLAS_TRANSPOSE code(Transpose transpose) { return transpose == Transpose::yes ? CblasTrans : CblasNoTrans; }
blasint count(std::size_t value) { return static_cast<blasint>(value); }

}  // namespace

void use_one_blas_thread() { openblas_set_num_threads(1); }

void blas_multiply(const BlasCall<float>& call) {
  cblas_sgemm(CblasRowMajor, code(call.a_transposed), code(call.b_transposed), count(call.rows), count(call.columns),
              count(call.depth), 1.0F, call.a, count(call.a_row), call.b, count(call.b_row),
              call.continued ? 1.0F : 0.0F, call.out, count(call.out_row));
}

void blas_multiply(const BlasCall<double>& call) {
  cblas_dgemm(CblasRowMajor, code(call.a_transposed), code(call.b_transposed), count(call.rows), count(call.columns),
              count(call.depth), 1.0, call.a, count(call.a_row), call.b, count(call.b_row), call.continued ? 1.0 : 0.0,
              call.out, count(call.out_row));
}

}  // namespace ulpscope::precision
