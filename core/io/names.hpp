// SPDX-License-Identifier: Apache-2.0
// Words for error sentences: quoted names, lists of known names, the nearest known name.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope::io {

/// 'name', with control characters and bytes that are not UTF-8 written as \xHH, cut to about 80 characters.
std::string in_quotes(std::string_view name);

/// The whole text with control characters (C0, DEL, C1), marks that turn the direction of writing, and bytes that are
/// not UTF-8 written as \xHH: nothing that a terminal or a table would act on.
std::string printable(std::string_view text);

/// The path as it appears at the head of a sentence; escaped like in_quotes(), but neither cut nor in quotes.
std::string shown(const std::filesystem::path& path);

/// "a b c": the names, quoted only where they hold a space; after 40 names "... (N in all)"; "none" for an empty list.
std::string listed(const std::vector<std::string>& names);

/// The known name that is nearest to `name` in edit distance, or "" when none is near enough to be meant.
std::string nearest(std::string_view name, const std::vector<std::string>& known);

/// "unknown recipe 'hff'; did you mean 'hf'? known: fp64 fp32 hf": the whole sentence for an unknown `what`.
std::string unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& known);

/// Whether the bytes are well-formed UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF).
bool is_utf8(std::string_view text);

}  // namespace ulpscope::io
