// SPDX-License-Identifier: Apache-2.0
// Bad command lines: each gives exit code 2, one sentence on standard error, nothing on standard output, and no file.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/cli/subprocess.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using Words = std::vector<std::string>;
using ulpscope::test::golden;
using ulpscope::test::Ran;
using ulpscope::test::run_command;

/// A line and a word that its sentence must hold.
struct Line {
  Words words;
  std::string tells;
};

/// In the lines below, "@" stands for a fresh directory.
const std::string problem = golden("csa-tiny.problem.safetensors");
const std::string dump = golden("csa-tiny.hf-fp32.safetensors");

/// Of the command itself and of report.
std::vector<Line> report_lines() {
  return {
      {{}, "no verb"},
      {{"reprot"}, "did you mean 'report'"},
      {{"--nonsense"}, "--nonsense"},
      {{"report", "--nonsense"}, "--nonsense"},
      {{"report", "@/absent.safetensors"}, "absent.safetensors"},
      {{"report", "@"}, "@"},
      {{"report", "--preset", "small-cas"}, "small-csa"},
      {{"report", "--recipe", "hff"}, "did you mean 'hf'"},
      {{"report", "--recipe", "@/none.json"}, "none.json"},
      {{"report", "--truth", "exact"}, "certified"},
      {{"report", "--basis", "guessed"}, "quantized"},
      {{"report", "--backend", "gpu"}, "traced"},
      {{"report", "--backend", "file"}, "traced"},
      {{"report", "--fail-on", "rms_rel"}, "METRIC>NUMBER"},
      {{"report", "--fail-on", "rms>1"}, "rms_rel"},
      {{"report", "--fail-on", "rms_rel>nan"}, "METRIC>NUMBER"},
      {{"report", "--threads", "0"}, "--threads"},
      {{"report", "--threads", "-2"}, "--threads"},
      {{"report", "--seed", "1.5"}, "--seed"},
      {{"report", "--set", "softmax"}, "softmax"},
      {{"report", "--set", "softmax.compute=fp33"}, "fp33"},
      {{"report", "--set", "sofmax.compute=fp32"}, "sofmax"},
      {{"report", "--omit", "window"}, "window"},
      {{"report", "--remainder", "drop"}, "truncate"},
      {{"report", "--json", "@/no/such/folder/report.json"}, "no directory"},
      {{"report", "--json", "@"}, "directory"},
      {{"report", "--json", "-", "--markdown", "-"}, "standard output"},
      {{"report", problem, "--json", problem}, "input"},
      {{"report", "--json"}, "--json"},
      {{"report", "--attribution", "guessed"}, "ladder"},
      {{"report", "--target", "outputs"}, "known: hidden"},
      {{"report", "--recipe", "pr3810", "--target", "rotated"}, "does not compute it"},
  };
}

/// Of verbs that write files.
std::vector<Line> writing_lines() {
  return {
      {{"make", "-o", "@/p.safetensors"}, "--preset"},
      {{"make", "--preset", "small-csa"}, "--output"},
      {{"make", "--preset", "small-csa", "--config", "x.json", "-o", "@/p.safetensors"}, "exactly one"},
#ifndef __SANITIZE_ADDRESS__  // whose allocator ends the process itself
      {{"make", "--preset", "v4-pro-csa", "--seq", "1000000000", "-o", "@/p.safetensors"}, "out of memory"},
#endif
      {{"make", "--preset", "small-csa", "--seq", "-5", "-o", "@/p.safetensors"}, "--seq"},
      {{"make", "--preset", "small-csa", "--batch", "0", "-o", "@/p.safetensors"}, "batch"},
      {{"make", "--preset", "small-csa", "--head-dim", "33", "-o", "@/p.safetensors"}, "head_dim"},
      {{"make", "--preset", "small-csa", "--gate-sigma", "nan", "-o", "@/p.safetensors"}, "--gate-sigma"},
      {{"make", "--preset", "small-csa", "--seq", "99999999999999999999", "-o", "@/p.safetensors"}, "--seq"},
      {{"make", "--config", "@/absent.json", "-o", "@/p.safetensors"}, "absent.json"},
      {{"make", "--from", problem, "--input", "hiden=" + dump, "-o", "@/p.safetensors"}, "hidden"},
      {{"make", "--from", problem, "--input", "hidden=" + dump, "-o", "@/p.safetensors"}, "hidden"},
      {{"make", "--from", problem, "--input", "hidden=" + golden("csa-small.problem.safetensors"), "-o",
        "@/p.safetensors"},
       "csa-small.problem.safetensors: tensor 'hidden'"},
      {{"make", "--from", problem, "--seed", "3", "-o", "@/p.safetensors"}, "--seed"},
      {{"make", "--from", problem, "--gate-sigma", "2", "-o", "@/p.safetensors"}, "--gate-sigma"},
      {{"make", "--preset", "small-csa", "--layer", "3", "-o", "@/p.safetensors"}, "--layer"},
      {{"make", "--preset", "small-csa", "--indexer", "-o", "@/p.safetensors"}, "--indexer"},
      {{"make", "--from", problem, "--input", "ape=" + problem, "--input", "ape=" + problem, "-o", "@/p.safetensors"},
       "twice"},
      {{"make", "--from", problem, "--dtype", "kv=bf16", "-o", "@/p.safetensors"}, "--dtype"},
      {{"run", problem, "--recipe", "hf", "--backend", "fused", "--chunks", "9,4", "-o", "@/d.safetensors"}, "traced"},
      {{"run", problem, "--recipe", "hf", "--dtype", "hidden=f64", "-o", "@/d.safetensors"}, "hidden"},
      {{"make", "--checkpoint", "@", "--layer", "3", "-o", "@/p.safetensors"}, "safetensors"},
      {{"run", problem, "-o", "@/d.safetensors"}, "--recipe"},
      {{"run", problem, "--recipe", "hf"}, "--output"},
      {{"run", dump, "--recipe", "hf", "-o", "@/d.safetensors"}, "hidden"},
      {{"run", problem, "--recipe", "hf", "--remainder", "error", "-o", "@/d.safetensors"}, "ratio"},
      {{"run", problem, "--recipe", "hf", "-o", "@/no/d.safetensors"}, "no directory"},
      {{"run", problem, "--recipe", "hf", "--chunks", "3,,4", "-o", "@/d.safetensors"}, "--chunks"},
      {{"run", problem, "--recipe", "hf", "--chunks", "12,1", "--remainder", "error", "-o", "@/d.safetensors"},
       "ratio"},
      {{"run", problem, "--recipe", "hf", "--mutant", "pads", "-o", "@/d.safetensors"}, "halves_swapped"},
      {{"run", problem, "--recipe", "hf", "-o", "/dev/full"}, "space"},
      {{"convert", problem, "-o", problem}, "input"},
      {{"convert", problem, "-o", "@/p.npy"}, "npy"},
      {{"convert", problem, "-o", "@/p.txt"}, "p.txt: unknown suffix '.txt'; known: .safetensors .npz .npy"},
      {{"convert", problem, "-o", "@/p"}, "known: .safetensors .npz .npy"},
      {{"convert", problem}, "--output"},
  };
}

/// Of verbs that judge or show.
std::vector<Line> judging_lines() {
  return {
      {{"compare", problem}, "DUMP"},
      {{"compare", problem, problem, "--recipe", "hf"}, "slot"},
      {{"compare", problem, golden("csa-small.hf-fp32.safetensors"), "--recipe", "hf"}, "another problem"},
      {{"compare", problem, dump, "--recipe", "hf", "--rtol", "-1"}, "--rtol"},
      {{"compare", problem, dump, "--recipe", "hf", "--slots", "("}, "regular expression"},
      {{"compare", problem, dump, "--recipe", "hf", "--slots", "nothing"}, "no slot"},
      {{"compare", problem, dump, "--recipe", "hf", "--map", "@/absent.json"}, "absent.json"},
      {{"compare", problem, dump, "--dtype", "kv=b16"}, "b16"},
      {{"compare", problem, dump, "--omit", "rotat"}, "did you mean 'rotate'"},
      {{"compare", problem, dump, "--remainder", "drop"}, "truncate"},
      {{"compare", problem, dump, "--remainder", "error"}, "not a multiple of ratio"},
      {{"compare", problem, dump, "--set", "softmax.compute=fp16"}, "--recipe"},
      {{"compare", problem, dump, "--recipe", "hf", "--save-case", "@/none/case"}, "there is no directory"},
      {{"diff", dump, dump, "--dtype", "nothing=bf16"}, "nothing"},
      {{"diff", dump}, "REFERENCE"},
      {{"diff", dump, problem}, "slot"},
      {{"diff", dump, dump, "--slots", "nothing"}, "no slot"},
      {{"list"}, "WHAT"},
      {{"list", "formates"}, "formats"},
      {{"selftest", "--threads", "0"}, "--threads"},
      {{"inspect", "@/absent.npz"}, "absent.npz"},
  };
}

std::vector<Line> hostile_lines() {
  std::vector<Line> lines = report_lines();
  for (const auto& more : {writing_lines(), judging_lines()}) lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

Words with_folder(Words words, const std::string& folder) {
  for (std::string& word : words) {
    if (word.starts_with("@")) word.replace(0, 1, folder);
  }
  return words;
}

}  // namespace

TEST_CASE("every bad command line ends with exit code 2, one sentence, and no file") {
  for (const Line& line : hostile_lines()) {
    const ulpscope::test::TempDir folder;
    const Ran ran = run_command(with_folder(line.words, folder.path().string()));
    std::string shown;
    for (const std::string& word : line.words) shown += word + ' ';
    INFO(shown << "\n" << ran.err);
    const std::string tells = line.tells == "@" ? folder.path().string() : line.tells;

    CHECK(ran.exit == 2);
    CHECK(ran.out.empty());
    CHECK(ran.err.starts_with("ulpscope: "));
    CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
    CHECK(ran.err.find(tells) != std::string::npos);
    CHECK(std::filesystem::is_empty(folder.path()));
  }
}

TEST_CASE("a report that cannot be written leaves the old one as it was") {
  const ulpscope::test::TempDir folder;
  const std::string path = (folder / "report.json").string();
  std::ofstream(path) << "old";

  const Ran ran = run_command({"report", "--recipe", "hff", "--json", path});

  std::ifstream file(path);
  const std::string content((std::istreambuf_iterator<char>(file)), {});
  CHECK(ran.exit == 2);
  CHECK(content == "old");
}
