// SPDX-License-Identifier: Apache-2.0
// Hostile .npy files.
#include "core/io/npy.hpp"
#include "tests/core/io/hostile.hpp"

using namespace ulpscope::io;
using namespace ulpscope::test;

namespace {

const std::string eight(8, 'x');

std::string dictionary(const std::string& text) { return npy(text, eight); }

std::string shaped(const std::string& shape) { return npy("<f4", shape, eight); }

std::string typed(const std::string& descr) { return npy(descr, "(2,)", eight); }

}  // namespace

TEST_CASE("npy files with a broken frame are refused", "[io][hostile]") {
  check_refused({
      {"magic-only.npy", "\x93NUMPY", "the npy header is truncated after 6 bytes"},
      {"version.npy", std::string("\x93NUMPY\x04\0", 8) + number(2, 4) + "{}", "unknown npy version 4; known: 1 2 3"},
      {"version-0.npy", std::string("\x93NUMPY\0\0", 8) + number(2, 4) + "{}", "unknown npy version 0"},
      {"long-header.npy", std::string("\x93NUMPY\x01\0", 8) + number(60000, 2) + "{}",
       "header is said to have 60000 bytes, the file has 2"},
      {"huge-header.npy", std::string("\x93NUMPY\x02\0", 8) + number(0xFFFFFFFF, 4) + "{}",
       "header is said to have 4294967295 bytes"},
      {"empty-header.npy", npy(""), "the npy header is truncated after 10 bytes"},
      {"blank-header.npy", npy("    "), "no dictionary of descr"},
      {"truncated.npy", npy("<f4", "(100,)", eight),
       "shape [100] needs 100 elements of 4 bytes, the file has 8 bytes of data"},
      {"trailing.npy", npy("<f4", "(1,)", eight), "shape [1] needs 1 elements of 4 bytes, the file has 8 bytes"},
  });
}

TEST_CASE("npy headers that are no such dictionary are refused", "[io][hostile]") {
  check_refused({
      {"code.npy", dictionary("__import__('os').system('true')"), "no dictionary of descr"},
      {"unclosed.npy", dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)"), "no dictionary of descr"},
      {"after.npy", dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x"), "no dictionary of descr"},
      {"unclosed-string.npy", dictionary("{'descr"), "no dictionary of descr"},
      {"no-comma.npy", dictionary("{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}"), "no dictionary of descr"},
      {"twice.npy", dictionary("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (2,)}"),
       "key 'descr' appears twice"},
      {"missing.npy", dictionary("{'descr': '<f4', 'fortran_order': False}"), "the npy header lacks 'shape'"},
      {"unknown.npy", dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}"), "unknown key 'x'"},
      {"order.npy", dictionary("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}"),
       "fortran_order must be True or False"},
      {"nul.npy", dictionary(std::string("{\0}", 3)), "no dictionary of descr"},
  });
}

TEST_CASE("npy dtypes and shapes that mean harm are refused", "[io][hostile]") {
  check_refused({
      {"pickle.npy", typed("|O"), "Python objects (pickle), which are never read"},
      {"pickle8.npy", typed("|O8"), "Python objects (pickle), which are never read"},
      {"complex.npy", typed("<c8"), "unknown dtype '<c8'; known: f8 f4"},
      {"i2.npy", typed("<i2"), "unknown dtype '<i2'"},
      {"f3.npy", typed("<f3"), "unknown dtype '<f3'"},
      {"empty-descr.npy", typed(""), "unknown dtype ''"},
      {"sign.npy", typed("<"), "unknown dtype '<'"},
      {"descr-tail.npy", typed("<f4x"), "unknown dtype '<f4x'"},
      {"escape.npy", typed("\x1b[31m"), "unknown dtype '\\x1b[31m'"},
      {"structured.npy", dictionary("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}"),
       "structured dtypes are not read"},
      {"huge-string.npy", npy("<U4611686018427387904", "(2,)", eight), "unknown dtype"},
      {"empty-strings.npy", npy("<U0", "(1000000000000,)", ""), "an array of empty strings"},
      {"surrogate.npy", npy("<U1", "()", number(0xD800, 4)), "is not valid Unicode"},
      {"beyond-unicode.npy", npy("<U1", "()", number(0x110000, 4)), "is not valid Unicode"},
      {"huge-character.npy", npy("<U1", "()", number(0xFFFFFFFF, 4)), "is not valid Unicode"},
      {"bytes.npy", npy("|S1", "()", "\xff"), "is not valid Unicode"},
      {"negative.npy", shaped("(-2,)"), "shape must hold whole numbers >= 0"},
      {"float.npy", shaped("(2.0,)"), "no dictionary of descr"},
      {"list.npy", shaped("[2]"), "no dictionary of descr"},
      {"overflow.npy", shaped("(4294967296, 4294967296)"), "needs more than any file can hold"},
      {"wrap.npy", shaped("(4611686018427387906,)"), "needs 4611686018427387906 elements of 4 bytes"},
      {"too-big.npy", shaped("(99999999999999999999999,)"), "shape must hold whole numbers"},
      {"dimensions.npy",
       shaped("(" +
              [] {
                std::string s;
                for (int i = 0; i < 70; ++i) s += "1,";
                return s;
              }() +
              ")"),
       "more than 64 dimensions"},
  });
}

TEST_CASE("Every truncation of an npy file is refused", "[io][hostile]") { check_truncations(shaped("(2, 1)")); }

TEST_CASE("Damaged npy files are read or refused", "[io][hostile]") {
  check_damage(shaped("(2, 1)"), 4000);
  check_damage(npy("<U2", "()", number('a', 4) + number('b', 4)), 4000);
}
