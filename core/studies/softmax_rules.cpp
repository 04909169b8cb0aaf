// SPDX-License-Identifier: Apache-2.0
// Rules that a study would otherwise walk in vain: they change nothing.
#include "core/studies/softmax_rules.hpp"

namespace ulpscope::studies {

std::string refused_vjp(compressor::Softmax softmax, const std::string& vjp) {
  if (softmax == compressor::Softmax::log_softmax && vjp != "gy_minus_ys")
    return "log_softmax has one VJP, g y - y sum g y";
  if (compressor::is_online(softmax) && vjp.starts_with("autodiff")) return "online algorithms take a closed VJP";
  return "";
}

}  // namespace ulpscope::studies
