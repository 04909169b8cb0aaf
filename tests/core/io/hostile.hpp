// SPDX-License-Identifier: Apache-2.0
// Files that mean harm: each must be refused with one sentence that names the file and the fault.
#pragma once

#include <string>
#include <vector>

#include "core/io/tensor_file.hpp"
#include "tests/core/io/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"
#include "tests/support/temp_dir.hpp"

namespace ulpscope::test {

struct Hostile {
  std::string name;  // of the file
  std::string bytes;
  std::string fault;  // what the sentence must say
};

/// Converts each file; all must be refused with one line, and no output may exist.
inline void check_refused(const std::vector<Hostile>& corpus) {
  for (const Hostile& file : corpus) {
    CAPTURE(file.name);
    const TempDir dir;
    put(dir / file.name, file.bytes);
    const std::string said =
        refusal([&] { io::write_tensors(dir / "out.safetensors", io::read_tensors(dir / file.name)); });
    CHECK_THAT(said, Catch::Matchers::StartsWith((dir / file.name).string() + ": "));
    CHECK_THAT(said, Catch::Matchers::Contains(file.fault));
    CHECK(said.find('\n') == std::string::npos);
    CHECK(said.size() < 1000);
    CHECK_FALSE(std::filesystem::exists(dir / "out.safetensors"));
  }
}

/// Every proper prefix of a good file must be refused.
inline void check_truncations(const std::string& good) {
  const TempDir dir;
  for (std::size_t size = 0; size < good.size(); ++size) {
    put(dir / "f", good.substr(0, size));
    const std::string said = refusal([&] { io::read_tensors(dir / "f"); });
    if (said.starts_with((dir / "f").string() + ": ")) continue;
    CAPTURE(size);
    CHECK(said == "(refused)");
  }
}

/// Damaged copies of a good file: read or refused, with no other exception (and nothing for a sanitizer to find).
inline void check_damage(const std::string& good, std::size_t copies) {
  const TempDir dir;
  Random random(20240901);
  std::size_t refused = 0;
  for (std::size_t i = 0; i < copies; ++i) {
    std::string bytes = good;
    for (std::size_t n = 0; n <= random.index(3); ++n)
      bytes[random.index(bytes.size())] = static_cast<char>(random.bits());
    put(dir / "f", bytes);
    const std::string said = refusal([&] { io::read_tensors(dir / "f"); });
    refused += said == "(accepted)" ? 0u : 1u;
  }
  CHECK(refused > copies / 4);
}

}  // namespace ulpscope::test
