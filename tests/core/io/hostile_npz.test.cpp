// SPDX-License-Identifier: Apache-2.0
// Hostile .npz files.
#include "core/io/npy.hpp"
#include "tests/core/io/hostile.hpp"

using namespace ulpscope::io;
using namespace ulpscope::test;

namespace {

const std::string array = npy("<f4", "(2,)", std::string(8, 'x'));

std::string named(const std::string& name) { return zip({{name, array}}); }

std::string noted(const std::string& text) {
  return zip({{"a.npy", array}, {"ulpscope.dtypes.npy", npy("|S" + std::to_string(text.size()), "()", text)}});
}

std::string good_file() { return zip({{"a.npy", array}, {"config.npy", npy("|S2", "()", "{}")}}); }

}  // namespace

TEST_CASE("Zip archives with a broken directory are refused", "[io][hostile]") {
  const std::uint64_t size = good_file().size();
  check_refused({
      {"head-only.npz", "PK\x03\x04", "the zip directory is missing"},
      {"trailing.npz", good_file() + "x", "the zip directory is missing"},
      {"directory-beyond.npz", zip({{"a.npy", array}}, {.directory_offset = size}), "does not lie within the file's"},
      {"directory-huge.npz", zip({{"a.npy", array}}, {.directory_size = 0xFFFFFFFE}),
       "the zip directory (4294967294 bytes at"},
      {"directory-short.npz", zip({{"a.npy", array}}, {.directory_size = 20}), "the zip directory is broken"},
      {"directory-shifted.npz", zip({{"a.npy", array}}, {.directory_offset = 3}), "the zip directory is broken"},
      {"count.npz", zip({{"a.npy", array}}, {.count = 2}), "said to hold 2 entries and holds 1"},
      {"count-0.npz", zip({{"a.npy", array}}, {.count = 0}), "said to hold 0 entries and holds 1"},
      {"disks.npz", zip({{"a.npy", array}}, {.disk = 1}), "several disks"},
      {"zip64-missing.npz", zip({{"a.npy", array}}, {.count = 0xFFFF}), "the zip64 directory is missing"},
      {"zip64-beyond.npz",
       zip({{"a.npy", array}},
           {.count = 0xFFFF, .before = "PK\x06\x07" + number(0, 4) + number(UINT64_MAX, 8) + number(1, 4)}),
       "the zip64 directory is missing"},
  });
}

TEST_CASE("Zip entries that lie about themselves are refused", "[io][hostile]") {
  check_refused({
      {"crc.npz", zip({{.name = "a.npy", .content = array, .crc = 1}}), "zip entry 'a.npy': the CRC-32 of its content"},
      {"declared-more.npz", zip({{.name = "a.npy", .content = array, .size = 0xFFFFFFFE}}),
       "stored bytes cannot hold the declared 4294967294"},
      {"declared-less.npz", zip({{.name = "a.npy", .content = array, .size = 5}}),
       "stored bytes cannot hold the declared 5"},
      {"compressed-beyond.npz", zip({{.name = "a.npy", .content = array, .compressed_size = 1 << 30}}),
       "do not lie within the file"},
      {"offset.npz", zip({{.name = "a.npy", .content = array, .offset = 7}}), "no entry begins at byte 7"},
      {"offset-beyond.npz", zip({{.name = "a.npy", .content = array, .offset = 0xFFFFFFF0}}),
       "no entry begins at byte 4294967280"},
      {"overlap.npz", zip({{"a.npy", array}, {.name = "b.npy", .content = array, .offset = 0, .local_name = "b.npy"}}),
       "disagree"},
      {"local-name.npz", zip({{.name = "a.npy", .content = array, .local_name = "b.npy"}}),
       "its header and the zip directory disagree"},
      {"local-size.npz", zip({{.name = "a.npy", .content = array, .local_size = 3}}),
       "its header and the zip directory disagree"},
      {"zip64-broken.npz",
       zip({{.name = "a.npy", .content = array, .size = 0xFFFFFFFF, .extra = number(1, 2) + number(400, 2)}}),
       "broken zip64 field"},
      {"zip64-absent.npz", zip({{.name = "a.npy", .content = array, .size = 0xFFFFFFFF}}), "broken zip64 field"},
      {"zip64-huge.npz",
       zip({{.name = "a.npy",
             .content = array,
             .size = 0xFFFFFFFF,
             .extra = number(1, 2) + number(8, 2) + number(UINT64_MAX, 8)}}),
       "cannot hold the declared 18446744073709551615"},
      {"encrypted.npz", zip({{.name = "a.npy", .content = array, .flags = 1}}), "is encrypted"},
      {"method.npz", zip({{.name = "a.npy", .content = array, .method = 12}}),
       "has compression method 12; known: 0 (stored) 8 (deflated)"},
      {"bomb.npz", zip({{.name = "a.npy", .content = array, .method = 8, .size = 0xFFFFFFFE}}),
       "compressed bytes cannot hold the declared"},
      {"no-deflate.npz", zip({{.name = "a.npy", .content = array, .method = 8, .size = 200}}),
       "zip entry 'a.npy': the"},
  });
}

TEST_CASE("Zip entries with names that mean harm are refused", "[io][hostile]") {
  check_refused({
      {"twice.npz", zip({{"a.npy", array}, {"a.npy", array}}), "zip entry 'a.npy' appears twice"},
      {"parent.npz", named("../a.npy"), "zip entry '../a.npy' has an unsafe name"},
      {"inner-parent.npz", named("x/../../a.npy"), "has an unsafe name"},
      {"absolute.npz", named("/etc/a.npy"), "has an unsafe name"},
      {"backslash.npz", named("..\\a.npy"), "has an unsafe name"},
      {"empty-name.npz", named(""), "zip entry '' has an unsafe name"},
      {"newline.npz", named("a\nb.npy"), "zip entry 'a\\x0ab.npy' has an unsafe name"},
      {"nul.npz", named(std::string("a\0b.npy", 7)), "has an unsafe name"},
      {"bad-utf8.npz", named("\xff.npy"), "has an unsafe name"},
      {"suffix-only.npz", named(".npy"), "is no NAME.npy"},
      {"text.npz", named("readme.txt"), "entry 'readme.txt' is no NAME.npy"},
      {"checkpoint.pt", named("archive/data.pkl"), "a PyTorch checkpoint (pickle), which is never read"},
  });
}

TEST_CASE("Arrays inside an npz are checked like files", "[io][hostile]") {
  check_refused({
      {"inner-magic.npz", zip({{"a.npy", "not an array"}}), "array 'a': not an npy array"},
      {"inner-empty.npz", zip({{"a.npy", ""}}), "array 'a': not an npy array"},
      {"inner-truncated.npz", zip({{"a.npy", npy("<f4", "(3,)", "xxxx")}}),
       "array 'a': shape [3] needs 3 elements of 4 bytes, the file has 4"},
      {"dtypes-json.npz", noted("{"), "ulpscope.dtypes: not valid JSON"},
      {"dtypes-array.npz", noted("[]"), "ulpscope.dtypes: expected an object"},
      {"dtypes-number.npz", noted("{\"a\":1}"), "ulpscope.dtypes: the dtype of 'a' must be a string"},
      {"dtypes-unknown.npz", noted("{\"a\":\"F33\"}"), "ulpscope.dtypes: unknown dtype 'F33'"},
      {"dtypes-width.npz", noted("{\"a\":\"BF16\"}"), "tensor 'a' holds F32, whose 4 bytes"},
      {"dtypes-absent.npz", noted("{\"b\":\"BF16\"}"), "ulpscope.dtypes: unknown tensor 'b'"},
  });
}

TEST_CASE("Entries that share bytes are refused", "[io][hostile]") {
  // The second entry lies inside the data of the first: the way of overlapping zip bombs.
  const std::string inner_header =
      "PK\x03\x04" + number(20, 2) + number(0, 8) + number(0, 4) + number(0, 8) + number(5, 2) + number(0, 2) + "b.npy";
  const std::string content = npy("|u1", "(" + std::to_string(inner_header.size()) + ",)", inner_header);
  const std::uint64_t offset = 30 + 5 + content.size() - inner_header.size();
  std::string bytes = zip({{"a.npy", content}, {.name = "b.npy", .content = "", .offset = offset}});
  check_refused({{"bomb.npz", bytes, "zip entries overlap at byte " + std::to_string(offset)}});
}

TEST_CASE("Every truncation of an npz file is refused", "[io][hostile]") { check_truncations(good_file()); }

TEST_CASE("Damaged npz files are read or refused", "[io][hostile]") { check_damage(good_file(), 4000); }
