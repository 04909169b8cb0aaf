// SPDX-License-Identifier: Apache-2.0
// Numbers on the command line: whole texts only, no wrap-around, one sentence each.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace ulpscope::cli {

/// Throws InputError naming the option: "--seq: '-5' is not a whole number >= 0".
std::size_t whole_number(const std::string& option, const std::string& text);
/// > 0.
std::size_t positive_number(const std::string& option, const std::string& text);
/// Any finite number >= 0.
double real_number(const std::string& option, const std::string& text);
/// "9,1,1".
std::vector<std::size_t> number_list(const std::string& option, const std::string& text);

}  // namespace ulpscope::cli
