// SPDX-License-Identifier: Apache-2.0
// Which library's exponential, as data.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ulpscope::precision {

/// Which exp. `correct`: rounded once to the arithmetic's format. `libm`: std::exp(float). `sleef_u10`: SLEEF's expf as
/// PyTorch uses it on x86 [SLEEF]. `xla_cpu`: XLA:CPU's vector exp (Cephes polynomial) [XLA]; `xla_ynn`: that of XLA's
/// fused reductions (YNNPACK). `fast`: ours, < 1.2 ulp. `cuda`: nvcc's expf, `cuda_fast`: __expf, both with an ideal
/// ex2 (the hardware's is within 2 ulp) [CUDA-guide].
enum class Exp : std::uint8_t { correct, libm, sleef_u10, xla_cpu, fast, cuda, cuda_fast, xla_ynn };

/// Throws std::invalid_argument with one sentence listing the known names.
Exp parse_exp(std::string_view name);
std::string_view to_string(Exp variant);
/// Every name, in the order of the enumerators.
std::span<const std::string_view> exp_names();

}  // namespace ulpscope::precision
