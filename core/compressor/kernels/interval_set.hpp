// SPDX-License-Identifier: Apache-2.0
// The kernel set of intervals over MPFR. Heavy: include from few sources.
#pragma once

#include "core/compressor/kernels/job.hpp"
#include "precision/interval.hpp"

namespace ulpscope::compressor::kernels {

const KernelSet<precision::Interval>& interval_kernels();

}  // namespace ulpscope::compressor::kernels
