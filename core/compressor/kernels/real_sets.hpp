// SPDX-License-Identifier: Apache-2.0
// The kernel sets of MPFR numbers and of dual numbers over them. Heavy: include from few sources.
#pragma once

#include "core/compressor/kernels/job.hpp"
#include "precision/dual.hpp"
#include "precision/real.hpp"

namespace ulpscope::compressor {

/// value + derivative, both in MPFR.
using RealDual = precision::Dual<precision::RealArithmetic>::scalar_type;

namespace kernels {

const KernelSet<precision::Real>& real_kernels();
const KernelSet<RealDual>& real_dual_kernels();

}  // namespace kernels
}  // namespace ulpscope::compressor
