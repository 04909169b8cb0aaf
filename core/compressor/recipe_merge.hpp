// SPDX-License-Identifier: Apache-2.0
// Laying one recipe's JSON over another: what `base` and `--set` mean.
#pragma once

#include "core/compressor/recipe.hpp"
#include "core/io/json.hpp"

namespace ulpscope::compressor {

/// `base` with everything that `overlay` says: objects field by field, other values replaced, null takes a field away.
/// An object by slot laid over a bare value keeps the value for the other slots. Neither needs to be checked yet.
io::Json merged(const io::Json& base, const io::Json& overlay);

/// "softmax.compute=bf16" -> {"stages":{"softmax":{"compute":"bf16"}}}. The value is JSON where it parses as JSON, else
/// a string; `omit` also takes names between commas. Throws InputError.
io::Json setting_overlay(const std::string& assignment);

}  // namespace ulpscope::compressor
