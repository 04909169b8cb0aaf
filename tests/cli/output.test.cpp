// SPDX-License-Identifier: Apache-2.0
// Where the command's output goes: standard output, files, devices and places that take none.
#include <unistd.h>

#include <filesystem>

#include "core/io/json.hpp"
#include "core/io/json_schema.hpp"
#include "tests/cli/subprocess.hpp"
#include "tests/core/io/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

const std::string problem = golden("csa-tiny.problem.safetensors");
const std::string dump = golden("csa-tiny.hf-fp32.safetensors");

/// One sentence on standard error, exit code 2, nothing else.
void check_refused(const Ran& ran, const std::string& tells) {
  INFO(ran.err);
  CHECK(ran.exit == 2);
  CHECK(ran.out.empty());
  CHECK(ran.err.starts_with("ulpscope: "));
  CHECK(ran.err.find(tells) != std::string::npos);
}

}  // namespace

TEST_CASE("--json - prints the report alone, and every verb's report conforms to the schema") {
  const io::Json schema = io::read_json(test::source_path("core/judge/schemas/report.schema.json"));
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"report", problem, "--recipe", "hf"},
           {"report", problem, "--backend", "fused"},
           {"compare", problem, dump, "--recipe", "hf-fp32"},
           {"compare", problem, dump},
           {"compare", problem, dump, "--rtol", "1e-5"},
           {"diff", dump, golden("csa-tiny.hf-bf16.safetensors")},
       }) {
    std::vector<std::string> line = words;
    line.insert(line.end(), {"--json", "-"});
    const Ran ran = run_command(line);
    INFO(words[0] << " " << words.back() << ": " << ran.err);
    const auto faults = io::SchemaChecker(schema).faults(io::parse_json(ran.out, "standard output"));
    for (const std::string& fault : faults) UNSCOPED_INFO(fault);
    CHECK(faults.empty());
    CHECK(ran.err.empty());
  }
}

TEST_CASE("files of one run hold the same numbers, and --quiet prints nothing") {
  const TempDir folder;
  const std::string stem = (folder / "report").string();

  const Ran ran = run_command({"report", problem, "--recipe", "hf", "--quiet", "--json", stem + ".json", "--markdown",
                               stem + ".md", "--junit", stem + ".xml"});

  CHECK(ran.exit == 0);
  CHECK(ran.out.empty());
  CHECK(io::read_json(stem + ".json")["exit"] == 0);
  CHECK(get(stem + ".md").find("| pooled | bf16 |") != std::string::npos);
  CHECK(get(stem + ".xml").find("<testsuites name=\"ulpscope\"") != std::string::npos);
  const Ran shown = run_command({"inspect", stem + ".json"});
  CHECK(shown.exit == 0);
  CHECK(shown.out.find("pooled") != std::string::npos);
}

TEST_CASE("a place that takes no file is refused with a sentence") {
  check_refused(run_command({"report", problem, "--recipe", "hf", "--json", "/dev/full"}), "/dev/full");
  check_refused(run_command_into("/dev/full", {"list", "formats"}), "standard output");
  check_refused(run_command_into("/dev/full", {"report", problem, "--recipe", "hf"}), "standard output");
  check_refused(run_command({"make", "--preset", "small-csa", "-o", "/proc/p.safetensors"}), "/proc/p.safetensors");
  check_refused(run_command({"convert", problem, "-o", "/nowhere/p.npz"}), "no directory");
}

TEST_CASE("a directory that cannot be written to is refused before the work") {
  if (::geteuid() == 0) return;  // root may write everywhere
  const TempDir folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  check_refused(run_command({"report", problem, "--json", (folder / "r.json").string()}), "cannot be written to");
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
}
