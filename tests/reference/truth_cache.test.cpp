// SPDX-License-Identifier: Apache-2.0
// Keys change with everything that enters; a hit has the bits that were computed; damaged files are computed again.
#include "reference/truth_cache.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>
#include <thread>

#include "core/compressor/run.hpp"
#include "core/io/atomic_file.hpp"
#include "core/io/tensor_file.hpp"
#include "core/judge/truth.hpp"
#include "reference/truth.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;
using judge::Enclosures;
using reference::TruthCache;

namespace {

namespace fs = std::filesystem;

const Tape nothing;

Recipe truth_of(const std::string& name, const Problem& problem, const std::vector<std::string>& settings = {}) {
  return judge::truth_recipe(test::with_settings(load_recipe(name), settings), problem.config, judge::Basis::quantized);
}

Problem small_problem() { return test::small_problems().front().problem; }

/// The certified tier, which counts how often it is asked.
struct Counted {
  judge::Exact exact;
  std::shared_ptr<int> asked = std::make_shared<int>(0);

  Counted() : exact(reference::exact_in("certified")) {
    exact.run = [asked = asked, run = exact.run](const judge::ExactRequest& request) {
      ++*asked;
      return run(request);
    };
  }
};

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}
bool same_bits(const Enclosures& a, const Enclosures& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [slot, enclosure] : a) {
    const auto found = b.find(slot);
    if (found == b.end() || found->second.shape != enclosure.shape) return false;
    if (!same_bits(enclosure.value, found->second.value) || !same_bits(enclosure.tail, found->second.tail))
      return false;
    if (!same_bits(enclosure.radius, found->second.radius)) return false;
  }
  return true;
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  return files;
}

/// A request of everything that a recipe computes, and its answer.
struct Asked {
  Problem problem;
  Recipe recipe;
  std::vector<Slot> wanted = program_order(problem, recipe);

  Enclosures from(const judge::Exact& exact) const { return exact.run({problem, recipe, nothing, wanted}); }
  std::string key() const { return reference::truth_key(reference::exact_in("certified").info, request()); }
  judge::ExactRequest request() const { return {problem, recipe, nothing, wanted}; }
};

Asked asked(const std::string& recipe = "hf") {
  const Problem problem = small_problem();
  return {problem, truth_of(recipe, problem)};
}

}  // namespace

TEST_CASE("a truth is computed once, and read back bit by bit: values, tails, radii, classes") {
  const test::TempDir folder;
  for (const test::SmallProblem& small : test::small_problems()) {
    INFO(small.name);
    const Asked one{small.problem, truth_of("pr3810", small.problem)};
    Counted counted;
    const Enclosures expected = one.from(counted.exact);
    const judge::Exact exact = reference::cached(counted.exact, {folder.path()});
    CHECK(same_bits(one.from(exact), expected));
    CHECK(*counted.asked == 2);
    CHECK(same_bits(one.from(exact), expected));
    CHECK(*counted.asked == 2);
  }
}

TEST_CASE("NaN, infinities, what is unbounded and negative zeros come back as they were") {
  const test::TempDir folder;
  Asked one = asked();
  std::vector<double> values = to_doubles(one.problem.input(Name::hidden));
  values[0] = __builtin_nan("");
  values[1] = HUGE_VAL;
  values[2] = -0.0;
  values[3] = 1e300;
  one.problem.inputs[Name::hidden] = {one.problem.input(Name::hidden).shape, values, io::DType::f64};
  Counted counted;
  const judge::Exact exact = reference::cached(counted.exact, {folder.path()});
  const Enclosures computed = one.from(exact);
  bool nan = false, unbounded = false;
  for (const auto& [slot, enclosure] : computed) {
    for (std::size_t i = 0; i < enclosure.value.size(); ++i) {
      nan |= std::isnan(enclosure.value[i]);
      unbounded |= std::isinf(enclosure.radius[i]);
    }
  }
  CHECK(nan);
  CHECK(same_bits(one.from(exact), computed));
  CHECK(*counted.asked == 1);
}

TEST_CASE("pinned slots and the fp64 tier never touch the folder") {
  const test::TempDir folder;
  const Asked one = asked();
  const Run run = run_traced(one.problem, load_recipe("hf"), {});
  Tape given;
  given.set(forward(Name::kv), run.tape.find(forward(Name::kv))->tensor, precision::parse_format("fp64"));
  const judge::Exact exact = reference::cached(reference::exact_in("certified"), {folder.path()});
  exact.run({one.problem, one.recipe, given, {forward(Name::output)}});
  one.from(reference::cached(reference::exact_in("fp64"), {folder.path()}));
  CHECK(files_of(folder.path()).empty());
}

TEST_CASE("a file that was cut, altered, renamed or never was one is computed again and replaced") {
  const test::TempDir folder;
  const Asked one = asked(), other = asked("pr3810");
  Counted counted;
  const judge::Exact exact = reference::cached(counted.exact, {folder.path()});
  const Enclosures expected = one.from(exact);
  REQUIRE(files_of(folder.path()).size() == 1);
  const fs::path path = files_of(folder.path()).front();
  const std::string whole = io::read_text(path);

  const fs::path elsewhere = folder / "elsewhere";
  other.from(reference::cached(reference::exact_in("certified"), {elsewhere}));
  std::string altered = whole;
  altered[altered.size() - 9] ^= 1;
  const std::vector<std::string> damaged{"",
                                         "not a tensor file",
                                         whole.substr(0, whole.size() / 2),
                                         whole.substr(0, whole.size() - 8),
                                         whole + "x",
                                         altered,
                                         io::read_text(files_of(elsewhere).front())};
  for (std::size_t i = 0; i < damaged.size(); ++i) {
    INFO("damage " << i);
    std::ofstream(path, std::ios::binary) << damaged[i];
    const int before = *counted.asked;
    CHECK(same_bits(one.from(exact), expected));
    CHECK(*counted.asked == before + 1);
    CHECK(io::read_text(path) == whole);
  }
  fs::remove(path);
  fs::create_directory(path);  // where the file should be: neither read nor replaced
  CHECK(same_bits(one.from(exact), expected));
}

TEST_CASE("a folder that cannot be made or written to is as none") {
  const test::TempDir folder;
  std::ofstream(folder / "file") << "here";
  const Asked one = asked();
  const Enclosures expected = one.from(reference::exact_in("certified"));
  CHECK(
      same_bits(one.from(reference::cached(reference::exact_in("certified"), {folder / "file" / "below"})), expected));
  CHECK(io::read_text(folder / "file") == "here");
}

TEST_CASE("the longest unused go first, until all fit; what alone is too large is not kept") {
  const test::TempDir folder;
  const std::vector<Asked> all{asked("hf"), asked("pr3810"), asked("fp32")};
  const auto with_limit = [&](std::uint64_t limit) {
    return reference::cached(reference::exact_in("certified"), {folder.path(), limit});
  };
  all[0].from(with_limit(1000));
  CHECK(files_of(folder.path()).empty());

  const auto path_of = [&](const Asked& one) { return folder / ("truth-" + one.key() + ".safetensors"); };
  for (const Asked& one : all) one.from(with_limit(std::uint64_t{1} << 30));
  REQUIRE(files_of(folder.path()).size() == 3);
  const auto now = fs::file_time_type::clock::now();
  for (std::size_t i = 0; i < all.size(); ++i)
    fs::last_write_time(path_of(all[i]), now - std::chrono::hours(10 - static_cast<int>(i)));
  std::ofstream(folder / ".truth-left.safetensors.1.0.tmp") << "by a writer that was killed";
  fs::last_write_time(folder / ".truth-left.safetensors.1.0.tmp", now - std::chrono::hours(48));
  std::ofstream(folder / "mine.txt") << "no file of the cache";
  fs::last_write_time(folder / "mine.txt", now - std::chrono::hours(48));

  all[0].from(with_limit(std::uint64_t{1} << 30));  // a hit: now the latest used
  const Asked fourth{all[0].problem, truth_of("hf", all[0].problem, {"pad.gate=-1e4"})};
  std::uint64_t kept = fs::file_size(path_of(all[0])) + 4096;  // what it and the fourth take
  kept += fs::file_size(path_of(all[2])) + fs::file_size(path_of(all[1]));
  fourth.from(with_limit(kept));
  CHECK(fs::exists(path_of(all[0])));
  CHECK_FALSE(fs::exists(path_of(all[1])));
  CHECK(fs::exists(path_of(fourth)));
  CHECK_FALSE(fs::exists(folder / ".truth-left.safetensors.1.0.tmp"));
  CHECK(fs::exists(folder / "mine.txt"));
}

TEST_CASE("everything that enters changes the key; names and threads do not") {
  const Asked base = asked();
  std::set<std::string> keys{base.key()};
  std::size_t count = 1;
  const auto differs = [&](const std::string& what, const Asked& one) {
    INFO(what);
    keys.insert(one.key());
    CHECK(keys.size() == ++count);
  };
  const auto with_recipe = [&](const std::string& setting) {
    return Asked{base.problem, truth_of("hf", base.problem, {setting})};
  };
  for (const char* setting :
       {"omit=rotate", "pad.gate=-1e4", "pad.gate=exclude", "pad.kv=1", "mask=pad", "segments=strict", "loss_scale=8",
        "pipeline=pad_first", "softmax=log_softmax", "inputs.ape=e4m3fn"}) {
    differs(setting, with_recipe(setting));
  }
  Asked changed = base;
  changed.problem.config.eps *= 2;
  differs("eps", changed);
  changed = base;
  changed.wanted.pop_back();
  differs("wanted", changed);
  for (const auto& [name, tensor] : base.problem.inputs) {
    changed = base;
    std::vector<double> values = to_doubles(tensor);
    values[0] = 2 * values[0] + 1;
    changed.problem.inputs[name] = {tensor.shape, values, io::DType::f64};
    differs(std::string(to_string(name)), changed);
  }
  changed = base;
  test::add_mask_and_segments(changed.problem);
  differs("mask and segments", changed);
  changed = base;
  test::add_prior(changed.problem);
  differs("prior", changed);
  for (const char* tier : {"mpfr", "fp64"}) {
    keys.insert(reference::truth_key(reference::exact_in(tier).info, base.request()));
    CHECK(keys.size() == ++count);
  }
  judge::TruthInfo more = reference::exact_in("mpfr").info;
  more.bits *= 2;
  keys.insert(reference::truth_key(more, base.request()));
  CHECK(keys.size() == ++count);

  changed = base;
  changed.problem.source = "elsewhere";
  changed.recipe.name = "truth of another";
  changed.recipe.spec["name"] = "truth of another";
  CHECK(changed.key() == base.key());
  // hidden is of bf16 values: rounding it to bf16 changes nothing, and so not the key; rounding ape did.
  CHECK(with_recipe("inputs.hidden=fp32").key() == base.key());
}

TEST_CASE("several that write one truth at once leave it whole, and no part of a file", "[threads]") {
  const test::TempDir folder;
  const Asked one = asked();
  const Enclosures expected = one.from(reference::exact_in("certified"));
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) {
        // A limit that removes the file again, so that readers meet writers and removals.
        const std::uint64_t limit = round % 2 == 0 ? std::uint64_t{1} << 30 : 1;
        if (!same_bits(one.from(reference::cached(reference::exact_in("certified"), {folder.path(), limit})), expected))
          ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  for (const fs::path& path : files_of(folder.path())) CHECK(path.filename().string().starts_with("truth-"));
}
