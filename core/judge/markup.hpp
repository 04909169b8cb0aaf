// SPDX-License-Identifier: Apache-2.0
// Markup: text inside XML and HTML. Internal to core/judge.
#pragma once

#include <string>
#include <string_view>

namespace ulpscope::judge {

/// The text for an element's content or a quoted attribute: & < > " ' are entities, control characters spaces.
std::string escaped(std::string_view text);

}  // namespace ulpscope::judge
