// SPDX-License-Identifier: Apache-2.0
// Upcast: the format in which slots are stored, and the one in which the softmax computes, as one word.
#pragma once

#include <string>

#include "core/io/json.hpp"

namespace ulpscope::studies {

/// "bf16": everything is bf16; "bf16/fp32": stored in bf16, from the bias to the softmax's division in fp32, as is the
/// sum of the products (PR 3810, Hugging Face); the weights are cast back.
struct Upcast {
  std::string stored;
  std::string computed;
};

/// Throws std::invalid_argument with the known formats.
Upcast parse_upcast(const std::string& word);
/// Axis::check of such words.
void upcast_word(const std::string& word);
/// What a recipe sets for it.
io::Json overlay_of(const Upcast& upcast);
/// Axis::sets of such words.
io::Json sets_upcast(const std::string& word);

}  // namespace ulpscope::studies
