// SPDX-License-Identifier: Apache-2.0
// The exponential as different libraries compute it, chosen at run time.
#pragma once

#include "precision/arithmetic.hpp"
#include "precision/exp_correct.hpp"
#include "precision/exp_glibc.hpp"
#include "precision/exp_libraries.hpp"
#include "precision/exp_variant.hpp"

namespace ulpscope::precision {

inline namespace ULPSCOPE_LEVEL {

/// The variant's fp32 algorithm on float or a pack of float.
template <class F>
ULPSCOPE_INLINE_ON_HOST F exp_fp32(F x, Exp variant) {
  switch (variant) {
    case Exp::correct:
      break;
    case Exp::libm:
      return exp_libm(x);
    case Exp::sleef_u10:
      return exp_sleef_u10(x);
    case Exp::xla_cpu:
      return exp_xla_cpu(x);
    case Exp::fast:
      return exp_fast(x);
    case Exp::cuda:
      return exp_cuda(x);
    case Exp::cuda_fast:
      return exp_cuda_fast(x);
    case Exp::xla_ynn:
      return exp_xla_ynn(x);
    case Exp::glibc:
      return exp_glibc(x);
  }
  return exp_binary32(x);
}

/// exp in an arithmetic. Variants other than `correct` run their fp32 algorithm on the fp32 value of x, and the result
/// is rounded to compute's format. fp64, MPFR and dual numbers have one exp, their own, whatever the variant.
template <Arithmetic A>
ULPSCOPE_INLINE typename A::value_type exp_as(const A& compute, typename A::value_type x, Exp variant) {
  using V = typename A::value_type;
  if constexpr (std::is_same_v<typename A::scalar_type, float>) {
    if (variant != Exp::correct) return compute.round(exp_fp32(x, variant));
  } else if constexpr (std::is_same_v<typename A::scalar_type, double>) {
    if (variant != Exp::correct && !compute.is_fp64()) {
      return compute.round(convert<V>(exp_fp32(convert<rebind_t<V, float>>(x), variant)));
    }
  }
  return compute.exp(x);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
