// SPDX-License-Identifier: Apache-2.0
// What the judging verbs tell: the first difference, what failed a report, which problem a dump is of.
#include <algorithm>
#include <cmath>

#include "core/io/json.hpp"
#include "core/io/tensor_file.hpp"
#include "tests/cli/subprocess.hpp"
#include "tests/core/io/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

const std::string problem = golden("csa-tiny.problem.safetensors");
const std::string fp32 = golden("csa-tiny.hf-fp32.safetensors");

/// The output's lines as one.
std::string unfolded(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}
bool says(const Ran& ran, const std::string& part) {
  UNSCOPED_INFO(ran.out << ran.err);
  return unfolded(ran.out).find(part) != std::string::npos;
}

/// A copy of a dump with one change.
template <class Change>
std::string changed(const TempDir& folder, const std::string& from, Change change) {
  io::TensorFile file = io::read_tensors(from);
  change(file);
  const std::string path = (folder / "changed.safetensors").string();
  io::write_tensors(path, file);
  return path;
}

void set_values(io::TensorFile& file, const std::string& name, const std::vector<double>& values) {
  io::Tensor& tensor = file.tensors.at(name);
  tensor = io::from_values(values, tensor.shape, tensor.dtype);
}

}  // namespace

TEST_CASE("a diff that fails tells the first slot, element and both values, and never speaks of a truth") {
  const TempDir folder;
  const std::string other = changed(folder, fp32, [](io::TensorFile& file) {
    auto values = io::to_doubles(file.tensors.at("pooled"));
    values[9] = 0.5;
    set_values(file, "pooled", values);
    set_values(file, "normed", std::vector<double>(24, 0));
  });
  const Ran ran = run_command({"diff", other, fp32});
  CHECK(ran.exit == 1);
  CHECK(says(ran, "The first difference: pooled at window 1, channel 1 (element 9) is 0.5, and"));
  CHECK_FALSE(says(ran, "truth"));
  CHECK_FALSE(says(run_command({"diff", other, other}), "truth"));
}

TEST_CASE("diff and run read the bits that npz holds as integers") {
  const TempDir folder;
  const std::string bits = changed(folder, fp32, [](io::TensorFile& file) {
    file.tensors = {{"pooled", io::from_values(io::to_doubles(file.tensors.at("pooled")), {1, 3, 8}, io::DType::bf16)}};
    file.tensors["pooled"].dtype = io::DType::u16;
  });
  const std::string npz = (folder / "bits.npz").string();
  io::write_tensors(npz, io::read_tensors(bits));
  const Ran refused = run_command({"compare", problem, npz, "--recipe", "hf"});
  CHECK(refused.exit == 2);
  CHECK(refused.err.find("--dtype pooled=bf16") != std::string::npos);
  CHECK(run_command({"diff", npz, npz, "--problem", problem}).exit == 2);
  CHECK(run_command({"diff", npz, npz, "--problem", problem, "--dtype", "pooled=bf16"}).exit == 0);

  const std::string hidden = changed(folder, problem, [](io::TensorFile& file) {
    io::Tensor& tensor = file.tensors.at("hidden");
    tensor = io::from_values(io::to_doubles(tensor), tensor.shape, io::DType::bf16);
    tensor.dtype = io::DType::u16;
  });
  const std::string with_bits = (folder / "hidden.npz").string();
  io::write_tensors(with_bits, io::read_tensors(hidden));
  const std::string out = (folder / "out.safetensors").string();
  CHECK(run_command({"run", with_bits, "--recipe", "hf", "-o", out}).exit == 2);
  CHECK(run_command({"run", with_bits, "--recipe", "hf", "--dtype", "hidden=bf16", "-o", out}).exit == 0);
  CHECK(run_command({"report", with_bits, "--recipe", "hf", "--dtype", "hidden=bf16", "--quiet"}).exit == 0);
  CHECK(run_command({"make", "--from", with_bits, "--dtype", "hidden=bf16", "-o", out}).exit == 0);
  CHECK(run_command({"make", "--from", problem, "--input", "hidden=" + with_bits, "--dtype", "hidden=bf16", "-o", out})
            .exit == 0);
}

TEST_CASE("a report that fails on a metric tells the slot, its value and the limit, in JUnit too") {
  const TempDir folder;
  const std::string xml = (folder / "r.xml").string();
  const Ran ran = run_command({"report", problem, "--recipe", "hf", "--fail-on", "max_abs>1e-4", "--junit", xml});
  CHECK(ran.exit == 1);
  CHECK(says(ran, "--fail-on max_abs>0.0001: in grad.weights of hf on"));
  CHECK(says(ran, "max_abs is 0.0345, above 0.0001, and"));
  CHECK(get(xml).find("<failure message=\"max_abs is") != std::string::npos);
  const Ran classes = run_command({"report", problem, "--recipe", "fp32", "--set", "default=e4m3fn", "--set",
                                   "project_kv.accumulate=e2m2", "--fail-on", "class_mismatch>0"});
  CHECK((classes.exit == 0) == !says(classes, "--fail-on class_mismatch"));
}

TEST_CASE("a dump of another problem is told first, and a map's idle keys are noted") {
  const TempDir folder;
  const std::string dump = (folder / "d.safetensors").string();
  REQUIRE(run_command({"run", problem, "--recipe", "hf", "-o", dump}).exit == 0);
  const std::string other =
      changed(folder, problem, [](io::TensorFile& file) { set_values(file, "gamma", std::vector<double>(8, 1)); });
  const Ran ran = run_command({"compare", other, dump, "--json", "-"});
  const io::Json report = io::parse_json(ran.out, "standard output");
  CHECK(report["summary"][0].get<std::string>().find("was made from another problem") != std::string::npos);
  CHECK(report["runs"][0]["notes"][0].get<std::string>().find("problem.sha256") != std::string::npos);
  CHECK_FALSE(says(run_command({"compare", problem, dump}), "another problem"));

  const std::string map = (folder / "map.json").string();
  put(map, R"json({"their.kv": "kv", "x(.*)": "$1"})json");
  CHECK(says(run_command({"compare", problem, dump, "--map", map}), "--map: 'their.kv' matches no tensor"));
}

TEST_CASE("names from files cannot act on the terminal") {
  const TempDir folder;
  const std::string hostile = changed(folder, fp32, [](io::TensorFile& file) {
    file.tensors["\x1b]0;owned\x07\nroot# \xC2\x9B"] = file.tensors.at("pooled");
    file.metadata["\x1b[2J"] = "\x1b[31m";
  });
  const std::string markdown = (folder / "r.md").string();
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"compare", problem, hostile, "--recipe", "hf-fp32", "--markdown", markdown}, {"inspect", hostile}}) {
    const Ran ran = run_command(words);
    CHECK(says(ran, "\\x1b"));
    CHECK(ran.out.find('\x1b') == std::string::npos);
    CHECK(ran.out.find("\xC2\x9B") == std::string::npos);
    CHECK(ran.out.find("\nroot#") == std::string::npos);
  }
  CHECK(get(markdown).find('\x1b') == std::string::npos);
}

TEST_CASE("a table that fails does not hide a larger failure behind it") {
  const TempDir folder;
  const std::string dump = (folder / "d.safetensors").string();
  REQUIRE(run_command({"run", problem, "--recipe", "fp32", "-o", dump}).exit == 0);
  const std::string wrong = changed(folder, dump, [](io::TensorFile& file) {
    auto cosines = io::to_doubles(file.tensors.at("rope_cos"));
    for (double& value : cosines) value *= 1 + 4e-7;
    set_values(file, "rope_cos", cosines);
    auto pooled = io::to_doubles(file.tensors.at("pooled"));
    for (double& value : pooled) value *= 2;
    set_values(file, "pooled", pooled);
  });
  const Ran ran = run_command({"compare", problem, wrong, "--recipe", "fp32"});
  CHECK(ran.exit == 1);
  CHECK(says(ran, "At stage rope_table: "));
  CHECK(says(ran, "Beyond the tables, the first to fail is pooled, at stage pool: pooled is 2 times"));
}

TEST_CASE("a run that draws is the same on any threads, is explained by its own recipe, and changes with the seed") {
  const TempDir folder;
  const auto run = [&](const std::string& name, const std::string& seed, const std::string& threads) {
    const std::string path = (folder / name).string();
    REQUIRE(run_command({"run", problem, "--recipe", "fp32", "--set", "default=bf16:sr", "--seed", seed, "--threads",
                         threads, "-o", path})
                .exit == 0);
    return path;
  };
  const std::string one = run("one.safetensors", "3", "1");
  CHECK(get(one) == get(run("two.safetensors", "3", "2")));
  CHECK(get(one) != get(run("other.safetensors", "4", "1")));
  const Ran ran = run_command({"compare", problem, one});
  CHECK(ran.exit == 0);
  CHECK(says(ran, "100.0000%"));
}

TEST_CASE("where no tolerance is derived, a note in the report says why: size, basis; elsewhere there is none") {
  const TempDir folder;
  const std::string large = (folder / "p.safetensors").string(), dump = (folder / "d.safetensors").string();
  REQUIRE(run_command({"make", "--preset", "small-csa", "--seq", "32", "--hidden", "22528", "-o", large}).exit == 0);
  REQUIRE(run_command({"run", large, "--recipe", "fp32", "--no-grad", "-o", dump}).exit == 0);
  const auto noted = [&](const std::string& of, const std::string& made, const std::vector<std::string>& options) {
    const std::string file = (folder / "r.json").string();
    std::vector<std::string> line{"compare", of, made, "--recipe", "fp32", "--json", file};
    line.insert(line.end(), options.begin(), options.end());
    const Ran ran = run_command(line);
    REQUIRE(ran.exit == 0);
    std::string note;
    const io::Json report = io::read_json(file);
    for (const io::Json& each : report["runs"][0]["notes"]) {
      const bool about = each.get<std::string>().starts_with("no tolerance of a slot's distance from the truth");
      if (about) note = each;
    }
    for (const io::Json& row : report["runs"][0]["rows"]) {
      const bool derived = row["slot"] == "output" && !row["tolerance"].is_null();
      if (row["slot"] == "output") CHECK(derived == note.empty());
    }
    if (!note.empty()) CHECK(says(ran, note.substr(0, 60)));
    return note;
  };
  CHECK(
      noted(large, dump, {})
          .ends_with("derived: that takes 32 runs, each of 2.2e+09 operations in its projections, more than 2.1e+09"));
  CHECK(noted(problem, fp32, {"--basis", "given"}).find("on basis given that distance holds") != std::string::npos);
  CHECK(noted(problem, fp32, {}).empty());
}

TEST_CASE("a problem without a whole window is undecided, whatever the dump holds") {
  const TempDir folder;
  const std::string tokens = (folder / "p.safetensors").string();
  const std::string dump = (folder / "d.safetensors").string();
  REQUIRE(run_command({"make", "--preset", "small-csa", "--seq", "3", "-o", tokens}).exit == 0);
  for (const std::string recipe : {"hf", "fp64", "pr3810"}) {
    REQUIRE(run_command({"run", tokens, "--recipe", recipe, "-o", dump}).exit == 0);
    CHECK(run_command({"compare", tokens, dump}).exit == 3);
    CHECK(run_command({"report", tokens, "--recipe", recipe}).exit == 0);
  }
}

TEST_CASE("NaN all over a slot that the truth does not have is undecided, and the sentence names the slot") {
  const TempDir folder;
  const std::string dump = (folder / "d.safetensors").string();
  const std::vector<std::string> unguarded{"--recipe", "fp32", "--set", "softmax=online"};  // -inf - -inf in window 0
  std::vector<std::string> run{"run", problem, "-o", dump};
  run.insert(run.end(), unguarded.begin(), unguarded.end());
  REQUIRE(run_command(run).exit == 0);
  std::vector<std::string> compare{"compare", problem, dump};
  compare.insert(compare.end(), unguarded.begin(), unguarded.end());
  const Ran ran = run_command(compare);
  CHECK(ran.exit == 3);
  CHECK(says(ran, "slots are undecided, first grad.gamma: no element is finite on both sides"));
}
