// SPDX-License-Identifier: Apache-2.0
// fork and exec, with both streams into files: a pipe could fill up.
#include "tests/cli/subprocess.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"
#include "tests/support/temp_dir.hpp"

namespace ulpscope::test {
namespace {

void redirect(const std::string& path, int descriptor, int flags) {
  const int file = ::open(path.c_str(), flags, 0600);
  if (file < 0 || ::dup2(file, descriptor) < 0) ::_exit(126);
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Starts the command; its process.
pid_t start(const std::vector<std::string>& arguments, const std::string& out, const std::string& err) {
  std::vector<std::string> words{ULPSCOPE_COMMAND};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) {
    redirect("/dev/null", STDIN_FILENO, O_RDONLY);
    redirect(out, STDOUT_FILENO, O_WRONLY | O_CREAT | O_TRUNC);
    redirect(err, STDERR_FILENO, O_WRONLY | O_CREAT | O_TRUNC);
    ::execv(argv.front(), argv.data());
    ::_exit(127);
  }
  return child;
}

int exit_of(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("cannot wait");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace

Ran run_command(const std::vector<std::string>& arguments) {
  const TempDir folder;
  const int code = exit_of(start(arguments, (folder / "out").string(), (folder / "err").string()));
  return {code, text_of(folder / "out"), text_of(folder / "err")};
}

Ran interrupt_command(const std::vector<std::string>& arguments, int signal, unsigned milliseconds) {
  const TempDir folder;
  const pid_t child = start(arguments, (folder / "out").string(), (folder / "err").string());
  ::usleep(1000 * milliseconds);
  ::kill(child, signal);
  const int code = exit_of(child);
  return {code, text_of(folder / "out"), text_of(folder / "err")};
}

Ran run_command_into(const std::string& out, const std::vector<std::string>& arguments) {
  const TempDir folder;
  const int code = exit_of(start(arguments, out, (folder / "err").string()));
  return {code, "", text_of(folder / "err")};
}

void check_refused(const std::vector<std::string>& arguments, const std::string& tells) {
  const Ran ran = run_command(arguments);
  INFO(ran.err);
  CHECK(ran.exit == 2);
  CHECK(ran.out.empty());
  CHECK_THAT(ran.err, Catch::Matchers::Contains(tells));
}

std::string golden(const std::string& name) { return source_path("tests/golden/" + name); }

}  // namespace ulpscope::test
