// SPDX-License-Identifier: Apache-2.0
// Writing files so that nobody ever sees half of one.
#include "core/io/atomic_file.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "tests/core/io/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope::io;
using namespace ulpscope::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

/// What writing `size` bytes says in a child process whose files may not grow beyond 4096 bytes: a disk that is full.
std::string written_on_a_full_disk(const fs::path& target, std::size_t size) {
  int channel[2];
  REQUIRE(::pipe(channel) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);  // write() then answers EFBIG
    const struct rlimit limit = {4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string said = refusal([&] { write_text(target, std::string(size, 'x')); });
    const bool told = ::write(channel[1], said.data(), said.size()) == static_cast<ssize_t>(said.size());
    ::_exit(told ? 0 : 1);
  }
  ::close(channel[1]);
  char buffer[4096];
  const ssize_t length = ::read(channel[0], buffer, sizeof buffer);
  ::close(channel[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return std::string(buffer, length > 0 ? static_cast<std::size_t>(length) : 0);
}

}  // namespace

TEST_CASE("A file appears when it is committed, not before", "[io]") {
  const TempDir dir;
  {
    AtomicFile file(dir / "out");
    file.write("half");
    CHECK_FALSE(fs::exists(dir / "out"));
    file.write(" and half");
    file.commit();
    CHECK(get(dir / "out") == "half and half");
  }
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("A file given up leaves the old one and no temporary", "[io]") {
  const TempDir dir;
  put(dir / "out", "old");
  { AtomicFile(dir / "out").write("new"); }
  CHECK(get(dir / "out") == "old");
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("An overwritten file keeps its permissions", "[io]") {
  const TempDir dir;
  put(dir / "out", "old");
  fs::permissions(dir / "out", fs::perms::owner_read | fs::perms::owner_write);
  write_text(dir / "out", "new");
  CHECK(get(dir / "out") == "new");
  CHECK(fs::status(dir / "out").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("A link is followed, not replaced", "[io]") {
  const TempDir dir;
  put(dir / "real", "old");
  fs::create_symlink(dir / "real", dir / "link");
  write_text(dir / "link", "new");
  CHECK(fs::is_symlink(dir / "link"));
  CHECK(get(dir / "real") == "new");
}

TEST_CASE("A full disk is told, and leaves nothing behind", "[io]") {
  const TempDir dir;
  CHECK(written_on_a_full_disk(dir / "out", 4096) == "(accepted)");
  fs::remove(dir / "out");
  const std::string said = written_on_a_full_disk(dir / "out", 100000);
  CHECK_THAT(said, Contains("/out: cannot be written: "));
  CHECK(files_in(dir.path()) == 0);
  put(dir / "out", "old");
  CHECK_THAT(written_on_a_full_disk(dir / "out", 100000), Contains("cannot be written"));
  CHECK(get(dir / "out") == "old");
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("Devices are written directly and stay devices", "[io]") {
  write_text("/dev/null", "x");
  CHECK(fs::is_character_file("/dev/null"));
  if (fs::exists("/dev/full")) {
    CHECK(refusal([] { write_text("/dev/full", "x"); }) == "/dev/full: cannot be written: No space left on device");
    CHECK(fs::is_character_file("/dev/full"));
  }
}

TEST_CASE("Places that cannot be written are named", "[io]") {
  const TempDir dir;
  CHECK_THAT(refusal([&] { write_text(dir / "none/out", "x"); }),
             Contains("none/out: cannot be written: No such file or directory"));
  CHECK_THAT(refusal([&] { write_text(dir.path(), "x"); }), Contains("cannot be written: Is a directory"));
  CHECK_THAT(refusal([&] { write_text(dir.path() / "", "x"); }), Contains("cannot be written: Is a directory"));
  CHECK_THAT(refusal([&] { write_text("", "x"); }), Contains("(empty path): cannot be written: No such file"));
  put(dir / "file", "x");
  CHECK_THAT(refusal([&] { write_text(dir / "file/out", "x"); }), Contains("cannot be written: Not a directory"));
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("One file under two names is the same file", "[io]") {
  const TempDir dir;
  put(dir / "a", "x");
  put(dir / "b", "x");
  fs::create_symlink(dir / "a", dir / "link");
  CHECK(same_file(dir / "a", dir / "./a"));
  CHECK(same_file(dir / "a", dir / "link"));
  CHECK_FALSE(same_file(dir / "a", dir / "b"));
  CHECK_FALSE(same_file(dir / "a", dir / "none"));
  CHECK_FALSE(same_file(dir / "none", dir / "none"));
}

TEST_CASE("Only regular files are read", "[io]") {
  const TempDir dir;
  put(dir / "empty", "");
  CHECK(read_text(dir / "empty").empty());
  CHECK_THAT(refusal([&] { read_text(dir.path()); }), Contains("expected a file, found a directory"));
  CHECK_THAT(refusal([&] { read_text(dir / "none"); }), Contains("none: cannot be read: No such file or directory"));
  CHECK_THAT(refusal([&] { read_text("/dev/null"); }), Contains("/dev/null: expected a regular file"));
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK_THAT(refusal([&] { read_text(dir / "pipe"); }), Contains("pipe: expected a regular file"));
  if (::geteuid() != 0) {  // root reads everything
    put(dir / "secret", "x");
    fs::permissions(dir / "secret", fs::perms::none);
    CHECK_THAT(refusal([&] { read_text(dir / "secret"); }), Contains("secret: cannot be read: Permission denied"));
  }
}

TEST_CASE("an interrupt removes the temporary file and leaves the target as it was", "[io]") {
  const TempDir dir;
  put(dir / "kept", "old");
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGINT, [](int) {
      remove_temporaries();
      ::_exit(130);
    });
    AtomicFile first(dir / "kept"), second(dir / "new");
    first.write("half");
    second.write("half");
    {
      AtomicFile finished(dir / "finished");
      finished.write("whole");
      finished.commit();
    }
    std::raise(SIGINT);
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 130);
  CHECK(get(dir / "kept") == "old");
  CHECK(get(dir / "finished") == "whole");
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 2);
}

TEST_CASE("more writers at once than an interrupt can clean up after work all the same", "[io]") {
  const TempDir dir;
  std::vector<std::unique_ptr<AtomicFile>> files;
  for (int i = 0; i < 40; ++i) files.push_back(std::make_unique<AtomicFile>(dir / ("f" + std::to_string(i))));
  for (const auto& file : files) file->write("x");
  for (const auto& file : files) file->commit();
  files.clear();
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 40);
}
