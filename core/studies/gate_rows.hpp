// SPDX-License-Identifier: Apache-2.0
// Rows of gates without pads, by a word: how far apart a row's logits lie.
#pragma once

#include <string>

#include "core/studies/windows.hpp"

namespace ulpscope::studies {

/// Axis::check of such words: throws InputError.
void gates_word(const std::string& word);

/// 64 rows of `length` gates. "normal:S": N(0, S); "low:L": N(-L, 1); "gap:G": 0, then -G; "range:R": evenly from -R to
/// 0, each row a little further along. kv and the cotangent of `pooled` are N(0, 1), ape is 0.
Start gate_rows(const std::string& word, std::size_t length, std::uint64_t seed);

}  // namespace ulpscope::studies
