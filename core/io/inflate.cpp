// SPDX-License-Identifier: Apache-2.0
// Decompression of deflated zip entries.
#include "core/io/inflate.hpp"

#include "core/io/error.hpp"

#ifdef ULPSCOPE_HAVE_ZLIB
#include <zlib.h>

#include <algorithm>
#include <limits>
#endif

namespace ulpscope::io {

#ifdef ULPSCOPE_HAVE_ZLIB
namespace {

/// A zlib stream over the whole input and output; zlib counts in unsigned int, so both are fed in pieces.
class Inflater {
 public:
  Inflater() { ready_ = ::inflateInit2(&stream_, -MAX_WBITS) == Z_OK; }  // negative: raw deflate, no zlib header
  ~Inflater() {
    if (ready_) ::inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Whether `in` is one whole stream of exactly out.size() bytes.
  bool run(std::span<const std::byte> in, std::span<std::byte> out) {
    int status = ready_ ? Z_OK : Z_STREAM_ERROR;
    while (status == Z_OK) {
      const uInt given = piece(in.size());
      const uInt room = piece(out.size());
      std::byte nothing{};  // zlib wants a pointer even for no room
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
      stream_.next_out = reinterpret_cast<Bytef*>(out.empty() ? &nothing : out.data());
      stream_.avail_in = given;
      stream_.avail_out = room;
      status = ::inflate(&stream_, Z_NO_FLUSH);
      in = in.subspan(given - stream_.avail_in);
      out = out.subspan(room - stream_.avail_out);
    }
    return status == Z_STREAM_END && in.empty() && out.empty();
  }

 private:
  static uInt piece(std::size_t size) { return static_cast<uInt>(std::min<std::size_t>(size, 1u << 30)); }

  z_stream stream_ = {};
  bool ready_ = false;
};

}  // namespace

std::vector<std::byte> inflate(std::span<const std::byte> compressed, std::size_t size, const std::string& where) {
  std::vector<std::byte> out(size);
  if (!Inflater().run(compressed, out)) {
    throw InputError(where + ": the compressed data are broken or do not hold " + std::to_string(size) + " bytes");
  }
  return out;
}

#else

std::vector<std::byte> inflate(std::span<const std::byte>, std::size_t, const std::string& where) {
  throw InputError(
      where + ": the entry is compressed and this build has no zlib; save it with numpy.savez, not savez_compressed");
}

#endif

}  // namespace ulpscope::io
