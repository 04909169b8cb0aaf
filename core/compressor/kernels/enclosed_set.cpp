// SPDX-License-Identifier: Apache-2.0
// Which level's enclosing kernels this machine runs.
#include "core/compressor/kernels/enclosed_set.hpp"

#include "precision/simd_level.hpp"

namespace ulpscope::compressor::kernels {

KernelSet<precision::Enclosed> enclosed_v2();
KernelSet<precision::Enclosed> enclosed_v3();
KernelSet<precision::Enclosed> enclosed_v4();

const KernelSet<precision::Enclosed>& enclosed_kernels() {
  static const std::array<KernelSet<precision::Enclosed>, 3> sets{enclosed_v2(), enclosed_v3(), enclosed_v4()};
  return sets.at(static_cast<std::size_t>(precision::best_simd_level()));
}

}  // namespace ulpscope::compressor::kernels
