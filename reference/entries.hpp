// SPDX-License-Identifier: Apache-2.0
// S6, S8, S9: what is done to an entry after pooling (S7, the rotation, is in rope.hpp).
#pragma once

#include "core/compressor/config.hpp"
#include "reference/arrays.hpp"

namespace ulpscope::reference {

struct Norm {
  Matrix mean_square;  ///< [B,n]
  Entries normalized;  ///< before gamma
  Entries normed;      ///< after gamma
};
Norm rms_norm(const Entries& pooled, const Vector& gamma, double eps);

struct NormGradient {
  Vector gamma;
  Entries normalized;
  Entries pooled;
};
/// The VJP of rms_norm for the cotangent [B,n,d] of `normed`.
NormGradient rms_norm_vjp(const Norm& forward, const Vector& gamma, double eps, const Entries& d_normed);

/// Orthonormal Walsh-Hadamard transform over the channels (a power of two). Symmetric, self-inverse: its own VJP.
Entries hadamard(const Entries& x);

/// Quantise and dequantise blocks of all channels but the last skip_last, scales powers of two. The VJP is
/// straight-through.
Entries quantize(const Entries& x, const compressor::Quantize& rule, double amax_floor);

}  // namespace ulpscope::reference
