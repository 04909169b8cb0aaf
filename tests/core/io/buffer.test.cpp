// SPDX-License-Identifier: Apache-2.0
// Owned and borrowed values behind one face.
#include "core/io/buffer.hpp"

#include <cstdint>

#include "tests/support/catch.hpp"

using ulpscope::io::Buffer;

TEST_CASE("a buffer borrows without a copy, and keeps the keeper for as long as a copy of it lives") {
  const auto keeper = std::make_shared<std::vector<float>>(3, 1.5F);
  Buffer<float> copy;
  {
    const Buffer<float> buffer(*keeper, keeper);
    CHECK(buffer.data() == keeper->data());
    CHECK(keeper.use_count() == 2);
    copy = buffer;
  }
  CHECK(copy.data() == keeper->data());
  CHECK(keeper.use_count() == 2);
  copy = {};
  CHECK(keeper.use_count() == 1);
}

TEST_CASE("copies of a buffer share memory, and a change of one is not seen by the others") {
  Buffer<double> first(std::vector<double>{1, 2});
  const Buffer<double> second = first;
  CHECK(first.data() == second.data());
  first.writable()[0] = 5;
  CHECK(first[0] == 5);
  CHECK(second[0] == 1);
  const double* place = first.data();
  first.writable()[1] = 6;
  CHECK(first.data() == place);
}

TEST_CASE("what is borrowed is copied before it is changed") {
  const auto keeper = std::make_shared<std::vector<float>>(2, 1.0F);
  Buffer<float> buffer(*keeper, keeper);
  buffer.writable()[0] = 2;
  CHECK(keeper->front() == 1);
  CHECK(buffer[0] == 2);
  CHECK(keeper.use_count() == 1);
}

TEST_CASE("memory read as another type is the same memory") {
  const Buffer<float> floats(std::vector<float>{1, -2});
  const auto bytes = ulpscope::io::reinterpret_buffer<std::byte>(floats);
  CHECK(bytes.size() == 8);
  CHECK(static_cast<const void*>(bytes.data()) == floats.data());
  CHECK(ulpscope::io::reinterpret_buffer<std::uint32_t>(bytes)[1] == 0xc0000000U);
}
