// SPDX-License-Identifier: Apache-2.0
// Backend `cuda` in terms of the traced engine.
#include "gpu/run_cuda.hpp"

#include <algorithm>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/io/error.hpp"
#include "gpu/device.hpp"
#include "gpu/errors.hpp"
#include "gpu/rehearsal.hpp"
#if defined(ULPSCOPE_HAVE_CUDA)
#include "gpu/kinds.hpp"
#endif

namespace ulpscope::gpu {
namespace {

using compressor::Kind;
using compressor::kernels::Provider;

#if defined(ULPSCOPE_HAVE_CUDA)
const compressor::kernels::KernelSet<float>& in_float(Kind kind) {
  return kind == Kind::native_float ? native_float_on_device() : emulated_float_on_device();
}
const compressor::kernels::KernelSet<double>& in_double(Kind kind) {
  return kind == Kind::native_double ? native_double_on_device() : emulated_double_on_device();
}
constexpr Provider device{"cuda", in_float, in_double};
#else
constexpr Provider device{"cuda", nullptr, nullptr};  // never asked: there is no device
#endif

compressor::Run run_by(const Provider& provider, const compressor::Problem& problem, const compressor::Recipe& recipe,
                       compressor::RunOptions options) {
  options.provider = &provider;
  return compressor::run_traced(problem, recipe, options);
}

}  // namespace

void require_device_text(const compressor::Recipe& recipe, const compressor::Config& config) {
  const auto refuse = [&](const std::string& what) {
    throw InputError("backend cuda: recipe '" + recipe.name + "' has " + what +
                     ", which calls the C library: no device has its bits; backend traced runs it");
  };
  if (recipe.softmax == compressor::Softmax::log_softmax) refuse("softmax log_softmax");
  const compressor::SlotArithmetics arithmetic = compressor::Plan(recipe, config).all();
  const bool libm = std::any_of(arithmetic.begin(), arithmetic.end(), [&](const compressor::SlotArithmetic& slot) {
    const auto called_at = [&](std::size_t channel) {
      return precision::at_channel(slot.exp, channel, config.head_dim).full == precision::Exp::libm;
    };
    return (called_at(0) || called_at(config.head_dim - 1)) && !precision::is_plain_fp64(slot.compute);
  });
  if (libm) refuse("exp libm");
}

compressor::Run run_cuda(const compressor::Problem& problem, const compressor::Recipe& recipe,
                         const compressor::RunOptions& options) {
  require_device_text(recipe, problem.config);
  require_device();
  return run_by(device, problem, recipe, options);
}

compressor::Run run_rehearsed(const compressor::Problem& problem, const compressor::Recipe& recipe,
                              const compressor::RunOptions& options) {
  require_device_text(recipe, problem.config);
  if (rehearsal() == nullptr) throw Unavailable("the rehearsal needs a build with CUDA's compiler");
  return run_by(*rehearsal(), problem, recipe, options);
}

}  // namespace ulpscope::gpu
