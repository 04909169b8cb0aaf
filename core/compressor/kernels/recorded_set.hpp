// SPDX-License-Identifier: Apache-2.0
// The kernel set of recorded numbers: computes one element of a slot, and what stands beside it, and nothing else.
#pragma once

#include <cstddef>

#include "core/compressor/kernels/job.hpp"
#include "precision/recording.hpp"

namespace ulpscope::compressor::kernels {

/// The element to compute, for each kernel in its own terms. What a kernel leaves out stays 0.
struct RecordedTarget {
  bool one_window = false;   ///< a window's slot; else (gradients that windows scatter to tokens) every window
  std::size_t window = 0;    ///< of [B*n]
  std::size_t channel = 0;   ///< of a window's frame
  std::size_t entry = 0;     ///< of [B*n]
  bool elementwise = false;  ///< element by element (or the store of a sum): only `element`
  std::size_t element = 0;   ///< flat, in its slot
};

/// Sets the target of this thread's recorded kernels while it lives.
class RecordedFocus {
 public:
  explicit RecordedFocus(const RecordedTarget& target);
  ~RecordedFocus();
  RecordedFocus(const RecordedFocus&) = delete;
  RecordedFocus& operator=(const RecordedFocus&) = delete;
};

/// Runs on the thread that holds the focus, which must also hold a precision::Recorder.
const KernelSet<precision::Recorded>& recorded_kernels();

}  // namespace ulpscope::compressor::kernels
