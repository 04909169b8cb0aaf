// SPDX-License-Identifier: Apache-2.0
// Whose error a target's is: steps in program order, each with what it adds. Data of a report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/compressor/slot.hpp"

namespace ulpscope::judge {

/// ladder: pinned slots, telescoping, no residual. tangent: each local error through the exact linearisation at the
/// truth. switched: one stage low at a time on exact inputs.
enum class AttributionMethod : std::uint8_t { ladder, tangent, switched };
/// "ladder", "tangent", "switch".
std::string_view to_string(AttributionMethod method);
/// Throws InputError with the known names.
AttributionMethod parse_attribution_method(std::string_view name);

/// What one step adds to the target: ||contribution|| / ||truth||, and <contribution, error> / <error, error>.
struct Contribution {
  double rms_rel = 0;
  std::optional<double> share = {};   ///< signed; none: the target has no error
  std::optional<double> radius = {};  ///< of the share; none: the tier has none
};

struct AttributionStep {
  std::optional<compressor::Slot> slot;  ///< the slot that was pinned; none: the rounding of the inputs
  std::string owner;                     ///< "softmax", "backward pool", "normalize + scale (merged)", "inputs"
  Contribution contribution;
  std::optional<double> expected =
      {};  ///< the share that half an ulp per rounding makes of it on average; none: not asked
};

struct Attribution {
  compressor::Slot target;
  AttributionMethod method = AttributionMethod::ladder;
  std::vector<AttributionStep> steps;  ///< inputs first, then the slots present, in program order, to the target
  std::size_t count = 0;               ///< elements of the target
  std::size_t excluded = 0;            ///< of them: not finite, and not equal infinities, somewhere on the ladder
  double residual = 0;                 ///< ||error - sum of contributions|| / ||error||; 0 where there is no error
};

}  // namespace ulpscope::judge
