// SPDX-License-Identifier: Apache-2.0
// `summation: blas`: single-threaded calls on fixed blocks of 1024 rows and 1024 columns, so that bits do not depend on
// threads or splits.
#pragma once

#include "precision/blas.hpp"

namespace ulpscope::compressor {

/// A call packs its part of each factor again: small blocks cost time, large ones keep few threads busy.
inline constexpr std::size_t blas_rows = 1024;
inline constexpr std::size_t blas_columns = 1024;
/// Depth of a call in a sum over tokens, which may come in parts.
inline constexpr std::size_t blas_tokens = 512;

using precision::blas_multiply;
using precision::BlasCall;
using precision::Transpose;
using precision::use_one_blas_thread;

}  // namespace ulpscope::compressor
