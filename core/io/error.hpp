// SPDX-License-Identifier: Apache-2.0
// InputError: bad input or usage, told in one sentence.
#pragma once

#include <stdexcept>
#include <string>

namespace ulpscope {

/// Bad input or bad usage. The message is ONE sentence on one line that names the file, the field, what was found and
/// the known values; the command prints it and exits with code 2. Control characters that came in with a hostile name
/// are replaced by '?', so the message never breaks a line or a terminal.
class InputError : public std::runtime_error {
 public:
  explicit InputError(const std::string& sentence) : std::runtime_error(one_line(sentence)) {}

 private:
  static std::string one_line(std::string text) {
    for (char& c : text) {
      const auto code = static_cast<unsigned char>(c);
      if (code < 0x20 || code == 0x7f) c = '?';
    }
    return text;
  }
};

}  // namespace ulpscope
