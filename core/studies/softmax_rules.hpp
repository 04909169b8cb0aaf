// SPDX-License-Identifier: Apache-2.0
// Which rule of the gradient belongs to which softmax. Internal to core/studies.
#pragma once

#include <string>

#include "core/compressor/algorithms.hpp"

namespace ulpscope::studies {

/// Why the engine's softmax does not read such a `vjp`; empty where it does.
std::string refused_vjp(compressor::Softmax softmax, const std::string& vjp);

}  // namespace ulpscope::studies
