// SPDX-License-Identifier: Apache-2.0
// What a caller knows about the operands of an emulated operation.
#pragma once

#include <cstdint>

namespace ulpscope::precision {

/// `of_the_format`: all operands are values of the object's own format, so that rounding twice is harmless where the
/// carrier has 2p + 2 bits [Figueroa95] and the plain carrier operation suffices. `any`: operands may be any carrier
/// values, say fp32 terms added to a bf16 sum; always right.
enum class Operands : std::uint8_t { any, of_the_format };

}  // namespace ulpscope::precision
