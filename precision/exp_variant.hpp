// SPDX-License-Identifier: Apache-2.0
// Which library's exponential, as data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ulpscope::precision {

/// Which exp. `correct`: rounded once to the arithmetic's format. `libm`: std::exp(float). `sleef_u10`: SLEEF's expf as
/// PyTorch uses it on x86 [SLEEF]. `xla_cpu`: XLA:CPU's vector exp (Cephes polynomial) [XLA]; `xla_ynn`: that of XLA's
/// fused reductions (YNNPACK). `fast`: ours, < 1.2 ulp. `cuda`: nvcc's expf, `cuda_fast`: __expf, both with an ideal
/// ex2 (the hardware's is within 2 ulp) [CUDA-guide]. `glibc`: expf of the GNU C library 2.28 to 2.40 on x86-64 with
/// FMA, on any machine [glibc].
enum class Exp : std::uint8_t { correct, libm, sleef_u10, xla_cpu, fast, cuda, cuda_fast, xla_ynn, glibc };

/// Throws std::invalid_argument with one sentence listing the known names.
Exp parse_exp(std::string_view name);
std::string_view to_string(Exp variant);
/// Every name, in the order of the enumerators.
std::span<const std::string_view> exp_names();

/// An exponential by the place of its channel, as vectorised loops have it: `full` in the channels that fill vectors of
/// `vector`, `rest` in those beyond. Of vectors of 1 there is no rest.
struct ExpChoice {
  Exp full = Exp::correct;
  int vector = 1;
  Exp rest = Exp::correct;
  friend bool operator==(const ExpChoice&, const ExpChoice&) = default;
};
/// "sleef_u10", or FULL:V:REST as "sleef_u10:16:glibc", V from 2 to 65536. Throws as parse_exp does.
ExpChoice parse_exp_choice(std::string_view text);
/// Channels of a row of `width` that fill vectors.
std::size_t alike_channels(const ExpChoice& choice, std::size_t width);
/// What one channel of such a row takes, as a choice without a rest.
ExpChoice at_channel(const ExpChoice& choice, std::size_t channel, std::size_t width);

}  // namespace ulpscope::precision
