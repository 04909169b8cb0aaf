// SPDX-License-Identifier: Apache-2.0
// Where truths are kept: the variables, --no-cache, two commands at once.
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "core/io/error.hpp"
#include "core/io/json.hpp"
#include "tests/cli/subprocess.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

namespace fs = std::filesystem;

/// A variable of the environment for as long as this lives; no value: unset.
class Variable {
 public:
  Variable(const char* name, const std::optional<std::string>& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(before_); }

 private:
  void set(const std::optional<std::string>& value) const {
    if (value) {
      ::setenv(name_, value->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

  const char* name_;
  std::optional<std::string> before_;
};

std::size_t truths_in(const fs::path& folder) {
  std::size_t count = 0;
  if (!fs::exists(folder)) return 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    INFO(entry.path());
    CHECK(entry.path().filename().string().starts_with("truth-"));
    ++count;
  }
  return count;
}

std::vector<std::string> report_to(const fs::path& json, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"report",     golden("csa-tiny.problem.safetensors"),
                                     "--recipe",   "hf",
                                     "--truth",    "certified",
                                     "--quiet",    "--json",
                                     json.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// A report without the time it was made at.
std::string rows_of(const fs::path& path) {
  io::Json json = io::read_json(path);
  json.erase("provenance");
  return json.dump();
}

}  // namespace

TEST_CASE("the folder is ULPSCOPE_CACHE, or in XDG_CACHE_HOME, or in HOME; empty is none") {
  const TempDir folder;
  const fs::path in_home = folder / "home" / ".cache" / "ulpscope", in_xdg = folder / "xdg" / "ulpscope";
  const fs::path named = folder / "named";
  const auto kept = [&] { return std::array<bool, 3>{fs::exists(in_home), fs::exists(in_xdg), fs::exists(named)}; };
  const auto report = [&] {
    CHECK(run_command(report_to(folder / "report.json")).exit == 0);
    const std::array<bool, 3> found = kept();
    for (const fs::path& each : {in_home, in_xdg, named}) fs::remove_all(each);
    return found;
  };
  using Found = std::array<bool, 3>;
  const Variable home("HOME", (folder / "home").string()), xdg("XDG_CACHE_HOME", std::nullopt);
  const Variable own("ULPSCOPE_CACHE", std::nullopt), size("ULPSCOPE_CACHE_MIB", std::nullopt);
  CHECK(report() == Found{true, false, false});
  {
    const Variable relative("XDG_CACHE_HOME", "caches");
    CHECK(report() == Found{true, false, false});
    const Variable absolute("XDG_CACHE_HOME", (folder / "xdg").string());
    CHECK(report() == Found{false, true, false});
    const Variable set("ULPSCOPE_CACHE", named.string());
    CHECK(report() == Found{false, false, true});
    const Variable empty("ULPSCOPE_CACHE", "");
    CHECK(report() == Found{false, false, false});
  }
  const Variable none("ULPSCOPE_CACHE_MIB", "0");
  CHECK(report() == Found{false, false, false});
  const Variable homeless("HOME", std::nullopt), enough("ULPSCOPE_CACHE_MIB", "1");
  CHECK(report() == Found{false, false, false});
}

TEST_CASE("a limit that is no number is bad input, of the verbs that keep truths") {
  const TempDir folder;
  const Variable own("ULPSCOPE_CACHE", folder.path().string());
  for (const char* text : {"-1", "many", "1.5", "99999999999999"}) {
    const Variable size("ULPSCOPE_CACHE_MIB", text);
    check_refused(report_to(folder / "report.json"), "ULPSCOPE_CACHE_MIB: ");
    CHECK(run_command({"list", "pads"}).exit == 0);
  }
}

TEST_CASE("a report from the cache is the report; --no-cache neither reads nor writes it; compare reads it too") {
  const TempDir folder;
  const fs::path cache = folder / "cache";
  const Variable own("ULPSCOPE_CACHE", cache.string());
  REQUIRE(run_command(report_to(folder / "none.json", {"--no-cache"})).exit == 0);
  CHECK(truths_in(cache) == 0);
  REQUIRE(run_command(report_to(folder / "first.json")).exit == 0);
  const std::size_t kept = truths_in(cache);
  CHECK(kept > 0);
  REQUIRE(run_command(report_to(folder / "second.json")).exit == 0);
  CHECK(truths_in(cache) == kept);
  CHECK(rows_of(folder / "none.json") == rows_of(folder / "first.json"));
  CHECK(rows_of(folder / "second.json") == rows_of(folder / "first.json"));
  const Ran ran =
      run_command({"compare", golden("csa-tiny.problem.safetensors"), golden("csa-tiny.hf-bf16.safetensors"),
                   "--recipe", "hf", "--truth", "certified", "--quiet"});
  INFO(ran.err);
  CHECK(ran.exit == 0);
  CHECK(truths_in(cache) == kept);
}

TEST_CASE("two commands at once leave whole files and equal reports") {
  const TempDir folder;
  const fs::path cache = folder / "cache";
  const Variable own("ULPSCOPE_CACHE", cache.string());
  Ran first, second;
  std::thread other([&] { second = run_command(report_to(folder / "second.json")); });
  first = run_command(report_to(folder / "first.json"));
  other.join();
  CHECK(first.exit == 0);
  CHECK(second.exit == 0);
  CHECK(rows_of(folder / "first.json") == rows_of(folder / "second.json"));
  const std::size_t kept = truths_in(cache);
  REQUIRE(run_command(report_to(folder / "third.json")).exit == 0);
  CHECK(truths_in(cache) == kept);
  CHECK(rows_of(folder / "third.json") == rows_of(folder / "first.json"));
}
