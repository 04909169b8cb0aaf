// SPDX-License-Identifier: Apache-2.0
// The kernel set of enclosures, at the best SIMD level of this machine: FMA halves the cost of an exact product.
#pragma once

#include "core/compressor/kernels/job.hpp"
#include "precision/enclosed_number.hpp"

namespace ulpscope::compressor::kernels {

const KernelSet<precision::Enclosed>& enclosed_kernels();

}  // namespace ulpscope::compressor::kernels
