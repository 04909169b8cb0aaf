// SPDX-License-Identifier: Apache-2.0
// Every verb through the command: what it prints, and the exit codes 0, 1, 2, 3.
#include <algorithm>
#include <filesystem>

#include "app/verbs.hpp"
#include "core/io/json.hpp"
#include "core/io/tensor_file.hpp"
#include "tests/cli/subprocess.hpp"
#include "tests/core/io/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

using Words = std::vector<std::string>;

const std::string problem = golden("csa-tiny.problem.safetensors");
const std::string fp32 = golden("csa-tiny.hf-fp32.safetensors");
const std::string bf16 = golden("csa-tiny.hf-bf16.safetensors");

int exit_of(const Words& words) {
  const Ran ran = run_command(words);
  UNSCOPED_INFO(ran.out << ran.err);
  return ran.exit;
}

bool says(const Ran& ran, const std::string& part) { return ran.out.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("report describes and exits 0 unless --fail-on says otherwise") {
  const Words overflowing{"report", problem, "--recipe", "fp32", "--set", "project_gate.storage=e2m2"};
  const auto with = [](Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  CHECK(exit_of(overflowing) == 0);
  CHECK(exit_of(with(overflowing, {"--fail-on", "fail"})) == 1);
  CHECK(exit_of(with(overflowing, {"--fail-on", "undecided"})) == 0);
  const Words plain{"report", problem, "--recipe", "hf"};
  CHECK(exit_of(with(plain, {"--fail-on", "fail", "--fail-on", "undecided"})) == 0);
  CHECK(exit_of(with(plain, {"--fail-on", "rms_rel>1"})) == 0);
  CHECK(exit_of(with(plain, {"--fail-on", "rms_rel>1e-6"})) == 1);
  CHECK(exit_of(with(plain, {"--fail-on", "max_ulp>1e300", "--fail-on", "rms_rel>1e-6"})) == 1);
}

TEST_CASE("compare exits 0, 1, 2 and 3 for a pass, a failure, bad input and no way to tell") {
  CHECK(exit_of({"compare", problem, bf16, "--recipe", "hf"}) == 0);
  CHECK(exit_of({"compare", problem, bf16, "--recipe", "fp32"}) == 1);
  CHECK(exit_of({"compare", problem, bf16, "--recipe", "fp31"}) == 2);
  CHECK(exit_of({"compare", problem, bf16}) == 3);
  CHECK(exit_of({"compare", problem, bf16, "--rtol", "0.1", "--atol", "0.1"}) == 0);
  CHECK(exit_of({"compare", problem, bf16, "--rtol", "1e-5"}) == 1);
}

TEST_CASE("compare without a recipe leaves out the stages of --omit") {
  const auto status_of = [](const Ran& ran, const std::string& slot) {
    const io::Json report = io::parse_json(ran.out, "standard output");
    for (const io::Json& row : report["runs"][0]["rows"]) {
      if (row["slot"] == slot) return row["status"].get<std::string>();
    }
    return std::string("no row");
  };
  const Words words{"compare", problem, fp32, "--json", "-"};
  CHECK(status_of(run_command(words), "rotated") == "undecided");
  Words omitting = words;
  omitting.insert(omitting.end(), {"--omit", "rotate", "--remainder", "buffer"});
  const Ran ran = run_command(omitting);
  CHECK(ran.exit == 3);
  CHECK(status_of(ran, "rotated") == "skipped");
  CHECK(status_of(ran, "normed") == "undecided");
}

TEST_CASE("fewer tokens than one window: report exits 0, compare 3") {
  const TempDir folder;
  const std::string short_problem = (folder / "p.safetensors").string();
  const std::string dump = (folder / "d.safetensors").string();
  REQUIRE(exit_of({"make", "--preset", "small-hca", "--seq", "100", "-o", short_problem}) == 0);
  REQUIRE(exit_of({"run", short_problem, "--recipe", "fp32", "-o", dump}) == 0);

  CHECK(exit_of({"report", short_problem}) == 0);
  const Ran ran = run_command({"compare", short_problem, dump, "--slots", "output"});
  CHECK(ran.exit == 3);
  CHECK(says(ran, "100 tokens are fewer than one window of 128"));
  CHECK(exit_of({"compare", short_problem, dump, "--slots", "kv"}) == 3);
  CHECK(exit_of({"diff", dump, dump, "--slots", "output"}) == 1);
  CHECK(exit_of({"report", short_problem, "--remainder", "error"}) == 2);
}

TEST_CASE("diff passes for the same bits, or within a tolerance, of the same slots only") {
  const TempDir folder;
  const std::string some = (folder / "some.safetensors").string();
  const std::string others = (folder / "others.safetensors").string();
  auto file = io::read_tensors(fp32);
  auto rest = file;
  for (const char* slot : {"logits", "pooled"}) file.tensors.erase(slot);
  std::erase_if(rest.tensors, [&](const auto& tensor) { return file.tensors.contains(tensor.first); });
  io::write_tensors(some, file);
  io::write_tensors(others, rest);

  CHECK(exit_of({"diff", fp32, fp32}) == 0);
  CHECK(exit_of({"diff", fp32, bf16}) == 1);
  CHECK(exit_of({"diff", fp32, bf16, "--rtol", "0.1", "--atol", "0.1"}) == 0);
  const Ran missing = run_command({"diff", some, fp32});
  CHECK(missing.exit == 1);
  CHECK(says(missing, "2 slots are only in"));
  CHECK(says(missing, "logits, pooled"));
  CHECK(exit_of({"diff", fp32, some, "--rtol", "1", "--atol", "1"}) == 1);
  CHECK(exit_of({"diff", some, fp32, "--slots", "kv|gate"}) == 0);
  const Ran disjoint = run_command({"diff", some, others});
  CHECK(disjoint.exit == 1);
  CHECK(says(disjoint, "no slot in common"));
}

TEST_CASE("make gives the same bytes for any number of threads, and other bytes for another seed") {
  const TempDir folder;
  const auto made = [&](const std::string& name, const Words& more) {
    Words words{"make", "--preset", "small-csa", "-o", (folder / name).string()};
    words.insert(words.end(), more.begin(), more.end());
    CHECK(exit_of(words) == 0);
    return get(folder / name);
  };
  const std::string one = made("a", {"--threads", "1", "--seed", "5"});
  CHECK(one == made("b", {"--threads", "3", "--seed", "5"}));
  CHECK(one != made("c", {"--seed", "6"}));
  const std::string again = (folder / "d").string();
  CHECK(exit_of({"make", "--from", (folder / "a").string(), "-o", again}) == 0);
  CHECK(get(again) == one);
  CHECK(exit_of({"make", "--from", (folder / "a").string(), "--input", "ape=" + problem, "-o", again}) == 2);
  CHECK(get(again) == one);
}

TEST_CASE("convert keeps every bit through npz, and inspect shows what is there") {
  const TempDir folder;
  const std::string npz = (folder / "d.npz").string();
  const std::string back = (folder / "d.safetensors").string();
  CHECK(exit_of({"convert", fp32, "-o", npz}) == 0);
  CHECK(exit_of({"convert", npz, "-o", back}) == 0);
  CHECK(exit_of({"diff", fp32, back, "--problem", problem}) == 0);

  const Ran shown = run_command({"inspect", npz});
  CHECK(shown.exit == 0);
  CHECK(says(shown, "grad.w_kv"));
  const io::Json json = io::parse_json(run_command({"inspect", fp32, "--json", "-"}).out, "standard output");
  CHECK(json["tensors"].size() == io::read_tensors(fp32).tensors.size());
  CHECK(json["tensors"][0]["nan"] == 0);
}

TEST_CASE("run writes a dump that compare passes by the recipe it names, and decodes in chunks") {
  const TempDir folder;
  const std::string dump = (folder / "d.safetensors").string();
  CHECK(exit_of({"run", problem, "--recipe", "hf", "--set", "pool.summation=pairwise", "-o", dump}) == 0);
  CHECK(exit_of({"compare", problem, dump}) == 0);
  CHECK(exit_of({"run", problem, "--recipe", "hf", "--chunks", "9,1,3", "-o", dump}) == 0);
  CHECK(exit_of({"compare", problem, dump, "--slots", "output"}) == 0);
}

TEST_CASE("run plants a mutant, whose dump claims its recipe and is refused; it runs traced and in one shot") {
  const TempDir folder;
  const std::string dump = (folder / "d.safetensors").string();
  CHECK(exit_of({"run", problem, "--recipe", "hf", "--mutant", "gate_ignored", "-o", dump}) == 0);
  CHECK(exit_of({"compare", problem, dump}) == 1);
  CHECK(run_command({"inspect", dump}).out.find("gate_ignored") != std::string::npos);
  CHECK(exit_of({"run", problem, "--recipe", "hf", "--mutant", "gate_ignored", "--backend", "fused", "-o", dump}) == 2);
  CHECK(exit_of({"run", problem, "--recipe", "hf", "--mutant", "gate_ignored", "--chunks", "9,1", "-o", dump}) == 2);
}

TEST_CASE("every table of list has rows as text and as JSON") {
  for (const std::string& topic : app::list_topics()) {
    const Ran text = run_command({"list", topic});
    const Ran json = run_command({"list", topic, "--json"});
    INFO(topic);
    CHECK(text.exit == 0);
    CHECK(json.exit == 0);
    CHECK_FALSE(text.out.empty());
    const io::Json rows = io::parse_json(json.out, "standard output");
    CHECK(rows.is_array());
    CHECK(!rows.empty());
    for (const io::Json& row : rows) CHECK(row["name"].is_string());
  }
  for (const char* topic : {"formats", "recipes", "presets", "slots", "stages", "pads", "softmax", "summations", "exps",
                            "vjps", "metrics", "studies", "mutants", "diagnoses", "maps", "backends"}) {
    INFO(topic);
    const auto topics = app::list_topics();
    CHECK(std::find(topics.begin(), topics.end(), topic) != topics.end());
  }
}

TEST_CASE("backend cuda runs where there is a device; elsewhere it exits 77, says why and writes nothing") {
  const io::Json rows = io::parse_json(run_command({"list", "backends", "--json"}).out, "standard output");
  const auto cuda = std::find_if(rows.begin(), rows.end(), [](const io::Json& row) { return row["name"] == "cuda"; });
  REQUIRE(cuda != rows.end());
  const bool available = (*cuda)["available"].get<bool>();
  const std::string device = (*cuda)["device"].get<std::string>();
  CHECK_FALSE(device.empty());
  const TempDir folder;
  const std::string out = (folder / "out").string();
  for (const Words& words : std::vector<Words>{{"run", problem, "--recipe", "hf", "--backend", "cuda", "-o", out},
                                               {"report", problem, "--backend", "cuda", "--json", out}}) {
    const Ran ran = run_command(words);
    INFO(words.front() << ": " << ran.err);
    CHECK(ran.exit == (available ? 0 : 77));
    CHECK(std::filesystem::exists(out) == available);
    if (!available) CHECK(ran.err == "ulpscope: backend cuda: " + device + "\n");
  }
  const Words refused{"run", problem, "--recipe", "hf", "--backend", "cuda", "--set", "softmax=log_softmax", "-o", out};
  CHECK(exit_of(refused) == 2);
}

TEST_CASE("a report names the device, or why there is none") {
  const io::Json report =
      io::parse_json(run_command({"report", problem, "--recipe", "fp32", "--json", "-"}).out, "report");
  const std::string device = report["provenance"]["gpu"].get<std::string>();
  CHECK_FALSE(device.empty());
  CHECK(device != "none: ");
}

TEST_CASE("hostile files are refused by every verb that reads them, with no output") {
  const std::string overlapping = safetensors(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                                              R"("b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
                                              "xxxxxxxx");
  const std::string huge =
      safetensors(R"({"kv":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}})", "xxxxxxxx");
  const std::string good = get(fp32);
  Entry lying{.name = "kv.npy", .content = npy("<f4", "(2,)", "xxxxxxxx")};
  lying.crc = 1;
  for (const std::string& bytes : {std::string(), overlapping, huge, good.substr(0, good.size() / 2), zip({lying}),
                                   std::string("PK\x03\x04 and nothing else")}) {
    const TempDir folder;
    const std::string bad = (folder / "bad").string();
    put(bad, bytes);
    const std::string out = (folder / "out.safetensors").string();
    for (const Words& words : std::vector<Words>{{"report", bad, "--json", out},
                                                 {"compare", problem, bad, "--json", out},
                                                 {"compare", bad, fp32, "--json", out},
                                                 {"diff", fp32, bad, "--json", out},
                                                 {"run", bad, "--recipe", "hf", "-o", out},
                                                 {"make", "--from", bad, "-o", out},
                                                 {"make", "--preset", "small-csa", "--input", "ape=" + bad, "-o", out},
                                                 {"inspect", bad},
                                                 {"convert", bad, "-o", out}}) {
      const Ran ran = run_command(words);
      INFO(words[0] << ": " << ran.err);
      CHECK(ran.exit == 2);
      CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
      CHECK(ran.err.find("bad") != std::string::npos);
      CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
    }
  }
}
