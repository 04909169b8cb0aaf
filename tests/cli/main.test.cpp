// SPDX-License-Identifier: Apache-2.0
// An interrupted command ends with 130 and leaves nothing behind.
#include <csignal>
#include <filesystem>

#include "tests/cli/subprocess.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope::test;

TEST_CASE("an interrupt ends the command with exit code 130 and without a file") {
  for (const int signal : {SIGINT, SIGTERM}) {
    const TempDir folder;
    const std::string json = (folder / "report.json").string();

    const Ran ran = interrupt_command({"report", "--preset", "v4-pro-csa", "--json", json}, signal, 300);

    CHECK(ran.exit == 130);
    CHECK(ran.out.empty());
    CHECK(std::filesystem::is_empty(folder.path()));
  }
}
