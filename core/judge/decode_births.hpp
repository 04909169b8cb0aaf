// SPDX-License-Identifier: Apache-2.0
// Births in tensors of decoding in chunks: their places in the slots of the whole run. Internal to core/judge.
#pragma once

#include "core/judge/births.hpp"
#include "core/judge/dump.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::judge {

/// The dump's tape with the judged entries.KK that hold what is not finite in the rows of `output`, state.* in those of
/// `kv` and `gate`; where several hold a row, what is not finite wins. The other rows are the dump's, else the
/// recipe's. A note of the report names the tensors.
compressor::Tape with_decoded_strays(RunReport& report, const Suspect& suspect, const Dump& dump, unsigned threads);

}  // namespace ulpscope::judge
