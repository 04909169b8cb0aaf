// SPDX-License-Identifier: Apache-2.0
// The verbs bless and check: our runs and a port's dumps, blessed, held to it, and caught when they get worse.
#include <filesystem>

#include "core/io/atomic_file.hpp"
#include "core/io/json.hpp"
#include "core/io/json_schema.hpp"
#include "tests/cli/subprocess.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope;
using namespace ulpscope::test;
using Catch::Matchers::Contains;

namespace {

std::string blessed(const TempDir& folder, std::vector<std::string> what) {
  const std::string file = (folder.path() / "baseline.json").string();
  what.insert(what.begin(), "bless");
  what.insert(what.end(), {"-o", file});
  const Ran ran = run_command(what);
  INFO(ran.err);
  REQUIRE(ran.exit == 0);
  return file;
}

io::Json checked(const std::string& baseline, int exit) {
  const Ran ran = run_command({"check", baseline, "--json", "-"});
  INFO(ran.err << ran.out);
  REQUIRE(ran.exit == exit);
  return io::parse_json(ran.out, "standard output");
}

const io::Json* change_of(const io::Json& check, const std::string& slot) {
  for (const io::Json& run : check["runs"]) {
    for (const io::Json& change : run["changes"]) {
      if (change["slot"] == slot) return &change;
    }
  }
  return nullptr;
}

/// The run that `change` acts on.
io::Json& only_run(io::Json& baseline) { return baseline["runs"].begin().value(); }

}  // namespace

TEST_CASE("what was blessed passes its check, and follows its schemas") {
  const TempDir folder;
  const std::string file =
      blessed(folder, {golden("csa-tiny.problem.safetensors"), "--recipe", "hf", "--recipe", "fp32"});
  const std::string schemas = test::source_path("core/judge/schemas/");
  const io::Json baseline = io::read_json(file);
  CHECK(io::SchemaChecker(io::read_json(schemas + "baseline.schema.json")).faults(baseline).empty());
  CHECK(baseline["runs"].size() == 2);
  const io::Json check = checked(file, 0);
  CHECK(io::SchemaChecker(io::read_json(schemas + "check.schema.json")).faults(check).empty());
  CHECK(check["runs"][0]["same"].size() > 30);
  CHECK_THAT(check["summary"][0].get<std::string>(), Contains("have the blessed bits"));
}

TEST_CASE("a baseline names its problem from its own folder, and a preset by its seed") {
  const TempDir folder;
  std::filesystem::create_directory(folder.path() / "kept");
  std::filesystem::copy(golden("csa-tiny.problem.safetensors"), folder.path() / "p.safetensors");
  const std::string file = (folder.path() / "kept" / "b.json").string();
  REQUIRE(run_command({"bless", (folder.path() / "p.safetensors").string(), "--recipe", "fp32", "-o", file}).exit == 0);
  CHECK(io::read_json(file)["problems"].begin().key() == "../p.safetensors");
  checked(file, 0);
  const std::string drawn = blessed(folder, {"--preset", "small-csa", "--seed", "5", "--recipe", "fp32"});
  CHECK(io::read_json(drawn)["problems"]["preset small-csa, seed 5"]["seed"] == 5);
  checked(drawn, 0);
}

TEST_CASE("a check without derived tolerances says why, where it would have needed them") {
  const TempDir folder;
  const std::string file =
      blessed(folder, {golden("csa-tiny.problem.safetensors"), "--recipe", "hf", "--basis", "given"});
  CHECK(checked(file, 0)["runs"][0]["notes"].empty());
  io::Json changed = io::read_json(file);
  only_run(changed)["slots"]["pooled"]["bits"] = "0000000000000000";
  io::write_json(file, changed);
  CHECK_THAT(checked(file, 0)["runs"][0]["notes"][0].get<std::string>(), Contains("on basis given"));
}

TEST_CASE("an edited recipe is blessed as it was edited") {
  const TempDir folder;
  const std::string file =
      blessed(folder, {golden("csa-tiny.problem.safetensors"), "--recipe", "fp32", "--set", "pool.accumulate=bf16"});
  CHECK(io::read_json(file)["recipes"].begin().value()["builtin"] == false);
  checked(file, 0);
}

TEST_CASE("larger errors, other classes and slots that are gone fail; other bits with the same errors do not") {
  const TempDir folder;
  const std::string file = blessed(folder, {golden("csa-tiny.problem.safetensors"), "--recipe", "hf"});
  const io::Json good = io::read_json(file);
  const auto with = [&](auto edit) {
    io::Json changed = good;
    edit(only_run(changed)["slots"]["pooled"]);
    io::write_json(file, changed);
  };
  with([](io::Json& slot) { slot["bits"] = "0000000000000000"; });
  CHECK((*change_of(checked(file, 0), "pooled"))["direction"] == "same");
  with([](io::Json& slot) {
    slot["bits"] = "0000000000000000";
    slot["rms_rel"] = slot["rms_rel"].get<double>() / 3;
  });
  const io::Json worse = checked(file, 1);
  CHECK((*change_of(worse, "pooled"))["direction"] == "worse");
  CHECK(run_command({"check", file, "--factor", "4", "--quiet"}).exit == 0);
  with([](io::Json& slot) { slot["nan"] = 2; });
  CHECK((*change_of(checked(file, 1), "pooled"))["reason"] == "has only finite elements, had 2 nan");
  with([](io::Json& slot) { slot["format"] = "fp16"; });
  checked(file, 1);
  io::Json more = good;
  only_run(more)["slots"]["imagined"] = only_run(more)["slots"]["pooled"];
  io::write_json(file, more);
  CHECK((*change_of(checked(file, 1), "imagined"))["reason"] == "is gone");
}

TEST_CASE("a port's dump is blessed once: a legal order of sums passes its check, a bug fails") {
  const TempDir folder;
  const std::string problem = golden("csa-small.problem.safetensors");
  const std::string dump = (folder.path() / "port.safetensors").string();
  const auto port = [&](const std::vector<std::string>& edits) {
    std::filesystem::remove(dump);
    std::vector<std::string> line{"run", problem, "--recipe", "fp32", "-o", dump};
    line.insert(line.end(), edits.begin(), edits.end());
    REQUIRE(run_command(line).exit == 0);
  };
  port({});
  const std::string file = blessed(folder, {problem, "--recipe", "fp32", "--dump", dump});
  CHECK(io::read_json(file)["runs"].begin().key().ends_with("fp32, port.safetensors"));
  CHECK_THAT(checked(file, 0)["summary"][0].get<std::string>(), Contains("have the blessed bits"));
  port({"--set", "pool.summation=pairwise", "--set", "project_kv.summation=pairwise"});
  const io::Json reordered = checked(file, 0);
  CHECK(change_of(reordered, "kv") != nullptr);
  port({"--set", "pad.gate=0"});
  const io::Json broken = checked(file, 1);
  REQUIRE(change_of(broken, "logits") != nullptr);
  CHECK((*change_of(broken, "logits"))["status"] == "fail");
}

TEST_CASE("a check is rendered, again from its JSON too, and its JUnit has a case for every slot") {
  const TempDir folder;
  const std::string file = blessed(folder, {golden("csa-tiny.problem.safetensors"), "--recipe", "hf"});
  const std::string json = (folder.path() / "check.json").string(), junit = (folder.path() / "check.xml").string();
  const Ran ran = run_command({"check", file, "--json", json, "--junit", junit});
  CHECK(ran.exit == 0);
  CHECK_THAT(ran.out, Contains("blessed by ulpscope") && Contains("have the blessed bits"));
  CHECK_THAT(io::read_text(junit), Contains("name=\"grad.hidden\"") && Contains("failures=\"0\""));
  const std::string html = (folder.path() / "check.html").string();
  CHECK(run_command({"render", json, "--html", html}).exit == 0);
  CHECK_THAT(io::read_text(html), Contains("blessed by ulpscope"));
}

TEST_CASE("bad input to bless and check is one sentence") {
  const TempDir folder;
  const std::string problem = golden("csa-tiny.problem.safetensors"), dump = golden("csa-tiny.hf-bf16.safetensors");
  const std::string out = (folder.path() / "b.json").string();
  check_refused({"bless", problem}, "--output");
  check_refused({"bless", "no-such-file", "-o", out}, "no-such-file");
  check_refused({"bless", problem, problem, "--recipe", "hf", "-o", out}, "named twice");
  check_refused({"bless", problem, "--recipe", "hf", "--recipe", "hf", "-o", out}, "two recipes are named 'hf'");
  check_refused({"bless", problem, "--dump", dump, "-o", out}, "one --recipe");
  check_refused({"bless", problem, "--recipe", "hf", "--backend", "tpu", "-o", out}, "unknown backend 'tpu'");
  check_refused({"bless", problem, "--recipe", "hf", "-o", problem}, "");
  CHECK(!std::filesystem::exists(out));
  check_refused({"check", "no-such-file"}, "no-such-file");
  check_refused({"check", problem}, "");
  io::write_text(out, "{}");
  check_refused({"check", out}, "schema");
  const std::string file = blessed(folder, {problem, "--recipe", "hf"});
  check_refused({"check", file, "--factor", "0.5"}, "--factor");
  check_refused({"check", file, "--factor", "nan"}, "--factor");
  check_refused({"check", file, "--csv", out}, "csv");
  io::Json changed = io::read_json(file);
  changed["problems"].begin().value()["sha256"] = "00";
  io::write_json(file, changed);
  check_refused({"check", file}, "is not the problem that was blessed");
  changed["problems"].begin().value()["file"] = "gone.safetensors";
  io::write_json(file, changed);
  check_refused({"check", file}, "gone.safetensors");
}
