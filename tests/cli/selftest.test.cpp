// SPDX-License-Identifier: Apache-2.0
// The self-test through the command.
#include "core/io/json.hpp"
#include "tests/cli/subprocess.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

TEST_CASE("selftest passes here, on the number of threads it is told, and says how many floats it tried") {
  const Ran ran = run_command({"selftest", "--threads", "2", "--json", "-"});

  CHECK(ran.exit == 0);
  const io::Json claims = io::parse_json(ran.out, "standard output");
  std::size_t floats = 0;
  bool exp = false;
  for (const io::Json& claim : claims) {
    INFO(claim.dump());
    CHECK(claim["status"] == "ok");
    if (!claim["cases"].is_null()) ++floats;
    if (!claim["cases"].is_null()) CHECK(claim["cases"] == 1 << 22);
    exp = exp || claim["name"].get<std::string>().starts_with("exp");
  }
  CHECK(floats >= 9);
  CHECK(exp);
}
