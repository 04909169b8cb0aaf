// SPDX-License-Identifier: Apache-2.0
// `summation: blas`: single-threaded calls on fixed blocks of 256 rows, so that bits do not depend on threads or
// splits.
#pragma once

#include "precision/blas.hpp"

namespace ulpscope::compressor {

inline constexpr std::size_t blas_rows = 256;

using precision::blas_multiply;
using precision::BlasCall;
using precision::Transpose;
using precision::use_one_blas_thread;

}  // namespace ulpscope::compressor
