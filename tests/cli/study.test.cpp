// SPDX-License-Identifier: Apache-2.0
// The verbs study and render: axes as options, files, interruption and resumption, bad input.
#include <csignal>
#include <filesystem>

#include "core/io/atomic_file.hpp"
#include "core/io/json.hpp"
#include "tests/cli/subprocess.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope;
using namespace ulpscope::test;
using Catch::Matchers::Contains;

TEST_CASE("axes are options, a comma or a repetition gives several values") {
  const Ran ran = run_command({"study", "accumulate", "--format", "bf16,fp32", "--summation", "tensor_core:25,16",
                               "--summation", "sequential", "--data=ones", "--json", "-"});
  INFO(ran.err);
  REQUIRE(ran.exit == 0);
  const io::Json json = io::parse_json(ran.out, "standard output");
  CHECK(json["schema"] == "ulpscope.study/1");
  CHECK(json["axes"][0]["values"] == io::Json({"tensor_core:25,16", "sequential"}));
  CHECK(json["axes"][1]["values"] == io::Json({"bf16", "fp32"}));
  CHECK(json["cells"].size() == 4);
  CHECK(json["cells"][0]["at"]["length"] == "128");
}

TEST_CASE("unknown studies, axes and values are one sentence with the known ones") {
  check_refused({"study"}, "study: no name given; known: ");
  check_refused({"study", "acumulate"}, "unknown study 'acumulate'; did you mean 'accumulate'?");
  check_refused({"study", "accumulate", "--colour", "red"}, "--colour");
  check_refused({"study", "accumulate", "--data", "blue"}, "data: unknown value 'blue'; known: ones equal");
#ifndef __SANITIZE_ADDRESS__  // whose allocator ends the process itself
  check_refused({"study", "accumulate", "--length", "1000000000000"}, "smaller values of the study's axes");
#endif
  check_refused({"study", "accumulate", "--format", "bf17"}, "unknown format 'bf17'");
  check_refused({"study", "accumulate", "--length", "nan"}, "length: 'nan' is not a whole number");
  check_refused({"study", "packing", "--shift", "99999999999"}, "shift: '99999999999' is more than 1048576 tokens");
  check_refused({"study", "accumulate", "--seeds", "0"}, "--seeds");
  check_refused({"study", "accumulate", "no-such-file"}, "no-such-file");
  check_refused({"study", "accumulate", golden("csa-tiny.problem.safetensors"), "--length", "8"},
                "length is how the study's own inputs are made");
}

TEST_CASE("a value or a file that is called as a study is leaves the study what it is") {
  check_refused({"study", "quantize", "--format", "e4m3fn", "--poison", "nan"},
                "study quantize: poison: 'nan' is not a number");
  check_refused({"study", "pads", "--softmax", "shifted", "range"}, "range");
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"study", "--pad-kv", "nan", "pads", "--softmax", "shifted"},
        {"study", "pads", "--softmax", "shifted", "--pad-kv", "nan"},
        {"study", "--quiet", "nan", "--case", "ordinary"}}) {
    const Ran ran = run_command(line);
    INFO(ran.err);
    CHECK(ran.exit == 0);
  }
}

TEST_CASE("a setting that would be lost is one sentence, others are kept and asked for again") {
  check_refused(
      {"study", "loss_scale", "--set", "loss_scale=8"},
      "study loss_scale: setting 'loss_scale=8' would change nothing: axis loss_scale decides the same field");
  check_refused({"study", "pads", "--set", "softmax=naive"}, "axis softmax decides the same field");
  check_refused({"study", "accumulate", "--set", "pool.storage=bf16"}, "the study runs no recipe");
  check_refused({"study", "rope", "--omit", "rotate"}, "setting 'omit=rotate' would change nothing");
  const TempDir folder;
  const std::string file = (folder / "casts.json").string();
  const std::vector<std::string> line{"study",    "casts", "--cast", "pool", "--set", "scale.storage=fp32",
                                      "--resume", file};
  const Ran ran = run_command(line);
  INFO(ran.err);
  REQUIRE(ran.exit == 0);
  CHECK_THAT(ran.out, Contains("study casts, with scale.storage=fp32: "));
  CHECK(run_command(line).exit == 0);
  check_refused({"study", "casts", "--cast", "pool", "--resume", file},
                "its list of settings is scale.storage=fp32, not none");
}

TEST_CASE("the list names every study with its question and axes") {
  const Ran ran = run_command({"study", "--list"});
  CHECK(ran.exit == 0);
  CHECK_THAT(ran.out, Contains("accumulate") && Contains("summation format length data"));
}

TEST_CASE("a study that was interrupted leaves a valid file and goes on from it to the same results") {
  const TempDir folder;
  const std::string file = (folder / "sums.json").string();
  const std::vector<std::string> walk{"study", "accumulate", "--length", "8,4096", "--format", "bf16", "--seeds", "20"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> line = walk;
    line.insert(line.end(), more.begin(), more.end());
    return line;
  };
  const Ran cut = interrupt_command(with({"--threads", "1", "--resume", file}), SIGINT, 700);
  REQUIRE(cut.exit == 130);
  const io::Json kept = io::read_json(file);
  CHECK(kept["complete"] == false);
  CHECK(!kept["cells"].empty());
  const Ran shown = run_command({"render", file});
  CHECK(shown.exit == 0);
  CHECK_THAT(shown.out, Contains("not complete"));

  const Ran resumed = run_command(with({"--resume", file, "--json", "-"}));
  REQUIRE(resumed.exit == 0);
  CHECK(io::read_json(file)["complete"] == true);
  const Ran fresh = run_command(with({"--json", "-"}));
  CHECK(io::parse_json(resumed.out, "resumed")["cells"] == io::parse_json(fresh.out, "fresh")["cells"]);
  check_refused({"study", "accumulate", "--seeds", "3", "--resume", file},
                "cannot be continued: its seeds is 20, not 3");
  const std::string whole = io::read_text(file);
  check_refused({"study", "accumulate", "--length", "8", "--format", "bf16", "--seeds", "20", "--resume", file},
                "its points of length 4096 are not in this walk and would be lost");
  CHECK(io::read_text(file) == whole);
}

TEST_CASE("render shows a result again, in every form") {
  const TempDir folder;
  const std::string stem = (folder / "sums").string();
  const Ran made = run_command({"study", "accumulate", "--format", "bf16", "--json", stem + ".json", "--csv",
                                stem + ".csv", "--markdown", stem + ".md", "--html", stem + ".html"});
  REQUIRE(made.exit == 0);
  const Ran again = run_command(
      {"render", stem + ".json", "--csv", stem + "2.csv", "--markdown", stem + "2.md", "--html", stem + "2.html"});
  CHECK(again.exit == 0);
  CHECK(again.out == made.out);
  for (const std::string form : {".csv", ".md", ".html"})
    CHECK(io::read_text(stem + form) == io::read_text(stem + "2" + form));
  check_refused({"render", stem + ".json", "--junit", stem + ".xml"}, "a study judges nothing");
  CHECK(!std::filesystem::exists(stem + ".xml"));
}

TEST_CASE("what is no result is refused, not rendered") {
  const TempDir folder;
  const std::string file = (folder / "x.json").string();
  for (const auto& [text, tells] : std::vector<std::pair<std::string, std::string>>{
           {"{}", "holds neither a report, a study's results nor a check"},
           {"[1, 2]", "holds neither"},
           {R"({"schema": "ulpscope.study/2"})", "holds neither"},
           {R"({"schema": "ulpscope.study/1"})", "lacks provenance"},
           {R"({"schema": "ulpscope.report/1", "runs": 3})", "lacks provenance"},
           {R"({"schema": "ulpscope.study/1", "study": 1, "axes": {}})", "lacks provenance"},
           {"{", "x.json"},
       }) {
    io::write_text(file, text);
    check_refused({"render", file}, tells);
  }
  check_refused({"render", (folder / "absent.json").string()}, "absent.json");
  io::write_text(file, R"({"schema": "ulpscope.report/1"})");
  CHECK(run_command({"inspect", file}).exit == 0);  // shown as the JSON that it is
}

TEST_CASE("a result that lost any one of its fields is refused or shown, never a crash") {
  const TempDir folder;
  const std::string file = (folder / "x.json").string();
  const Ran made =
      run_command({"study", "accumulate", "--format", "bf16", "--data", "ones", "--json", file, "--quiet"});
  REQUIRE(made.exit == 0);
  const io::Json whole = io::read_json(file);
  for (const auto& [field, value] : whole.items()) {
    for (const io::Json& other : {io::Json(), io::Json(7), io::Json("x"), io::Json::array({1}), io::Json{{"a", 1}}}) {
      io::Json changed = whole;
      changed[field] = other;
      io::write_json(file, changed);
      INFO(field << " = " << other.dump());
      const int exit = run_command({"render", file}).exit;
      CHECK((exit == 0 || exit == 2));
    }
  }
  for (const char* part : {"at", "rms"}) {
    io::Json changed = whole;
    changed["cells"][0].erase(part);
    io::write_json(file, changed);
    const int exit = run_command({"render", file}).exit;
    CHECK((exit == 0 || exit == 2));
  }
  io::Json changed = whole;
  changed["cells"][0]["at"].erase("format");
  io::write_json(file, changed);
  CHECK(run_command({"render", file}).exit == 0);
}
