// SPDX-License-Identifier: Apache-2.0
// .npy arrays: reading and the header for writing.
#include "core/io/npy.hpp"

#include <algorithm>
#include <cstring>

#include "core/io/error.hpp"
#include "core/io/json.hpp"
#include "core/io/mapped_file.hpp"
#include "core/io/names.hpp"
#include "core/io/npy_header.hpp"

namespace ulpscope::io {
namespace {

using Bytes = std::vector<std::byte>;

DType dtype_of(const NpyHeader& header) {
  switch (header.kind) {
    case 'f':
      return header.element_size == 8 ? DType::f64 : header.element_size == 4 ? DType::f32 : DType::f16;
    case 'i':
      return header.element_size == 8 ? DType::i64 : DType::i32;
    case 'b':
      return DType::boolean;
    default:
      return header.element_size == 2 ? DType::u16 : DType::u8;  // u and V
  }
}

/// Column-major elements put in row-major order.
Bytes transposed(const Bytes& data, const NpyHeader& header) {
  const std::size_t rank = header.shape.size(), size = header.element_size;
  std::vector<std::size_t> stride(rank, 1), index(rank, 0);
  for (std::size_t k = 1; k < rank; ++k) stride[k] = stride[k - 1] * header.shape[k - 1];
  Bytes out(data.size());
  std::size_t from = 0;
  for (std::size_t to = 0; to < data.size(); to += size) {
    std::memcpy(out.data() + to, data.data() + from * size, size);
    for (std::size_t k = rank; k-- > 0;) {  // the next index, last dimension fastest
      from += stride[k];
      if (++index[k] < header.shape[k]) break;
      from -= stride[k] * header.shape[k];
      index[k] = 0;
    }
  }
  return out;
}

/// The data in row-major order, little endian.
Bytes normalised(std::span<const std::byte> data, const NpyHeader& header) {
  Bytes out(data.begin(), data.end());
  const std::size_t unit = header.kind == 'U' ? 4 : header.element_size;
  const bool swaps = header.order == ByteOrder::big && unit > 1 && header.kind != 'S';
  for (std::size_t at = 0; swaps && at < out.size(); at += unit) std::reverse(out.data() + at, out.data() + at + unit);
  const bool moves = header.layout == Layout::column_major && header.shape.size() > 1 && !out.empty();
  return moves ? transposed(out, header) : out;
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6), put(0x80 | (c & 63));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
  } else {  // what lies beyond U+10FFFF comes out malformed and is refused with the rest
    put((0xF0 | c >> 18) & 0xFF), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
  }
}

/// One element of an array of strings, without the NULs that pad it.
std::string text_of(std::span<const std::byte> element, char kind, const std::string& where) {
  std::string out;
  const std::size_t unit = kind == 'U' ? 4 : 1;
  for (std::size_t at = 0; at < element.size(); at += unit) {
    std::uint32_t c = 0;
    std::memcpy(&c, element.data() + at, unit);
    if (kind == 'U') {
      append_utf8(out, c);
      if (c > 0x10FFFF) out += '\xFF';
    } else {
      out += static_cast<char>(c);
    }
  }
  out.resize(out.find_last_not_of('\0') + 1);
  if (!is_utf8(out)) throw InputError(where + ": the string " + in_quotes(out) + " is not valid Unicode");
  return out;
}

std::string texts_of(const Bytes& data, const NpyHeader& header, const std::string& where) {
  const std::size_t elements = count(header.shape), size = header.element_size;
  Json all = Json::array();
  for (std::size_t i = 0; i < elements; ++i) {
    all.push_back(text_of(std::span(data).subspan(i * size, size), header.kind, where));
  }
  return elements == 1 ? all[0].get<std::string>() : all.dump();
}

}  // namespace

NpyArray parse_npy(std::span<const std::byte> bytes, std::string_view where_view) {
  const std::string where(where_view);
  const NpyHeader header = read_npy_header(bytes, where);
  const std::span<const std::byte> data = bytes.subspan(header.data_begin);
  const std::optional<std::size_t> elements = checked_count(header.shape);
  std::size_t needed = 0;
  if (!elements || __builtin_mul_overflow(*elements, header.element_size, &needed) || needed != data.size()) {
    const std::string sum =
        elements ? std::to_string(*elements) + " elements of " + std::to_string(header.element_size) + " bytes"
                 : "more than any file can hold";
    throw InputError(where + ": shape " + to_string(header.shape) + " needs " + sum + ", the file has " +
                     std::to_string(data.size()) + " bytes of data");
  }
  const bool is_text = header.kind == 'S' || header.kind == 'U';
  // Strings of length 0 take no bytes: their number must not be taken from the header alone.
  if (is_text && header.element_size == 0 && *elements > 1) throw InputError(where + ": an array of empty strings");
  Bytes normal = normalised(data, header);
  if (is_text) return {std::nullopt, texts_of(normal, header, where)};
  return {Tensor{dtype_of(header), header.shape, std::move(normal)}, ""};
}

std::string npy_header(std::string_view descr, const Shape& shape) {
  std::string extents;
  for (const std::size_t extent : shape) extents += std::to_string(extent) + ", ";
  if (shape.size() > 1) extents.resize(extents.size() - 2);
  if (shape.size() == 1) extents.resize(extents.size() - 1);  // (3,)
  std::string dictionary =
      "{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': (" + extents + "), }";
  constexpr std::size_t prefix = 10, alignment = 64;
  const std::size_t total = (prefix + dictionary.size() + 1 + alignment - 1) / alignment * alignment;
  dictionary.resize(total - prefix - 1, ' ');
  dictionary += '\n';
  const auto low = static_cast<char>(dictionary.size() & 0xFF), high = static_cast<char>(dictionary.size() >> 8);
  return std::string("\x93NUMPY\x01\0", 8) + low + high + dictionary;
}

TensorFile read_npy(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string name = path.stem().string();
  NpyArray array = parse_npy(file.bytes(), shown(path));
  TensorFile out;
  if (array.tensor) {
    out.tensors.emplace(name, *std::move(array.tensor));
  } else {
    out.metadata.emplace(name, std::move(array.text));
  }
  return out;
}

void write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  check_size(path.stem().string(), tensor);
  AtomicFile out(path);
  out.write(npy_header(info_of(tensor.dtype).npy, tensor.shape));
  out.write(tensor.bytes);
  out.commit();
}

}  // namespace ulpscope::io
