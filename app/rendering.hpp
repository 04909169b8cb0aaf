// SPDX-License-Identifier: Apache-2.0
// Rendering: a report, a study's results or a check, by the schema that its JSON names, in every form there is.
#pragma once

#include <string>
#include <vector>

#include "core/io/json.hpp"
#include "core/judge/render.hpp"

namespace ulpscope::app {

/// What keeps a document from being rendered: no schema that is known, or the places where it does not follow it.
/// Empty: it can be.
std::vector<std::string> faults_of(const io::Json& report);

std::string terminal_text(const io::Json& report, judge::Colour colour);
std::string markdown_text(const io::Json& report);
std::string html_fragment(const io::Json& report);
/// A page of its own: style inside, nothing loaded from elsewhere.
std::string html_text(const io::Json& report);
/// Of a report or a check. Throws InputError for a study: it judges nothing.
std::string junit_xml(const io::Json& report);
/// Of a study. Throws InputError for the others: their JSON has the numbers.
std::string csv_text(const io::Json& report);

}  // namespace ulpscope::app
