// SPDX-License-Identifier: Apache-2.0
// The only place that prints, beside main.
#include "cli/output.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "app/rendering.hpp"
#include "core/io/atomic_file.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"

namespace ulpscope::cli {
namespace {

std::vector<std::string> files_of(const Outputs& outputs) {
  std::vector<std::string> files;
  for (const auto& file : {outputs.json, outputs.markdown, outputs.junit, outputs.html, outputs.csv, outputs.product}) {
    if (file) files.push_back(*file);
  }
  return files;
}

void check_place(const std::string& file) {
  if (file == "-") return;
  std::filesystem::path folder = std::filesystem::path(file).parent_path();
  if (folder.empty()) folder = ".";
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored))
    throw InputError(io::shown(file) + ": there is no directory " + io::in_quotes(folder.string()));
  if (std::filesystem::is_directory(file, ignored))
    throw InputError(io::shown(file) + ": is a directory, not a file to write");
  if (::access(folder.c_str(), W_OK) != 0)
    throw InputError(io::shown(file) + ": the directory " + io::in_quotes(folder.string()) + " cannot be written to");
}

void print(const std::string& text) {
  const bool complete = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!complete || std::fflush(stdout) != 0) throw InputError(std::string("standard output: ") + std::strerror(errno));
}

void write(const std::string& file, const std::string& text) {
  if (file == "-") {
    print(text);
  } else {
    io::write_text(file, text);
  }
}

judge::Colour terminal_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool forbidden = no_colour != nullptr && *no_colour != '\0';
  return ::isatty(STDOUT_FILENO) == 1 && !forbidden ? judge::Colour::on : judge::Colour::off;
}

}  // namespace

void check_outputs(const Outputs& outputs) {
  const std::vector<std::string> files = files_of(outputs);
  for (std::size_t i = 0; i < files.size(); ++i) {
    check_place(files[i]);
    for (std::size_t j = 0; j < i; ++j) {
      if (files[i] != files[j] && !io::same_file(files[i], files[j])) continue;
      throw InputError((files[i] == "-" ? std::string("standard output") : io::shown(files[i])) +
                       ": two outputs go to the same place");
    }
    for (const std::string& input : outputs.inputs) {
      if (files[i] != "-" && io::same_file(files[i], input))
        throw InputError(io::shown(files[i]) + ": the output is the input itself; name another file");
    }
  }
}

void deliver(const app::Outcome& outcome, const Outputs& outputs) {
  if (outputs.json) write(*outputs.json, judge::compact_text(outcome.report));
  if (outputs.markdown) write(*outputs.markdown, app::markdown_text(outcome.report));
  if (outputs.junit) write(*outputs.junit, app::junit_xml(outcome.report));
  if (outputs.html) write(*outputs.html, app::html_text(outcome.report));
  if (outputs.csv) write(*outputs.csv, app::csv_text(outcome.report));
  for (const std::string& file : files_of(outputs)) {
    if (file == "-") return;
  }
  if (outputs.quiet) return;
  if (outputs.json_to_terminal) {
    print(judge::compact_text(outcome.report));
  } else {
    print(outcome.text.empty() && outcome.report.is_object() ? app::terminal_text(outcome.report, terminal_colour())
                                                             : outcome.text);
  }
}

app::Progress terminal_progress(const Outputs& outputs) {
  if (outputs.quiet || ::isatty(STDERR_FILENO) != 1) return {};
  return [](const std::string& what) {
    std::fprintf(stderr, "\r\x1b[K%s", what.c_str());
    std::fflush(stderr);
  };
}

}  // namespace ulpscope::cli
