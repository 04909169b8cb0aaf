// SPDX-License-Identifier: Apache-2.0
// The kernel set of dual numbers over double. Heavy: include from few sources.
#pragma once

#include "core/compressor/kernels/job.hpp"
#include "precision/dual.hpp"

namespace ulpscope::compressor {

/// value + derivative, both in double.
using DoubleDual = precision::DualNumber<double>;

namespace kernels {

const KernelSet<DoubleDual>& double_dual_kernels();

}  // namespace kernels
}  // namespace ulpscope::compressor
