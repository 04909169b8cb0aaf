// SPDX-License-Identifier: Apache-2.0
// SHA-256 against the vectors of NIST (FIPS 180-4 examples; SHAVS byte-oriented messages).
#include "core/io/sha256.hpp"

#include "tests/support/catch.hpp"

using namespace ulpscope::io;

TEST_CASE("SHA-256 gives NIST's digests", "[io]") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_hex("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmno"
                   "pqrstnopqrstu") == "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  CHECK(sha256_hex("\xd3") == "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1");
}

TEST_CASE("SHA-256 of a million letters, fed in uneven pieces", "[io]") {
  const std::string text(1000000, 'a');
  Sha256 hash;
  std::size_t piece = 1;
  for (std::size_t at = 0; at < text.size(); at += piece, piece = piece * 7 % 211 + 1) {
    hash.update(std::string_view(text).substr(at, piece));
  }
  CHECK(hash.hex_digest() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("Every length around a block is padded right", "[io]") {
  // The digest of all the digests of 'x' repeated 0..130 times, computed with another implementation.
  Sha256 all;
  for (std::size_t length = 0; length <= 130; ++length) all.update(sha256_hex(std::string(length, 'x')));
  CHECK(all.hex_digest() == "87aca1c44bc7ba8897768170211f0a02063de70801131ff86c7edb9ce32c6a50");
}
