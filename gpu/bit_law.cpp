// SPDX-License-Identifier: Apache-2.0
// Tapes compared bit by bit.
#include "gpu/bit_law.hpp"

#include <cstring>
#include <type_traits>

namespace ulpscope::gpu {
namespace {

template <class T>
bool same_bits(T a, T b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b);
}

std::optional<Difference> compare_slot(const std::string& slot, const compressor::Tensor& host,
                                       const compressor::Tensor& device) {
  if (host.data.index() != device.data.index()) return Difference{slot + " (another carrier)"};
  return std::visit(
      [&](const auto& a) -> std::optional<Difference> {
        const auto& b = std::get<std::decay_t<decltype(a)>>(device.data);
        if (a.size() != b.size()) return Difference{slot + " (another size)"};
        for (std::size_t i = 0; i < a.size(); ++i) {
          if (!same_bits(a[i], b[i])) return Difference{slot, i, static_cast<double>(a[i]), static_cast<double>(b[i])};
        }
        return std::nullopt;
      },
      host.data);
}

}  // namespace

LawResult compare_bits(const compressor::Tape& host, const compressor::Tape& device) {
  LawResult result;
  for (const auto& [slot, record] : host.records()) {
    const compressor::Record* other = device.find(slot);
    const std::string name = compressor::to_string(slot);
    ++result.slots;
    result.elements += record.tensor.size();
    if (result.first) continue;
    result.first =
        other == nullptr ? Difference{name + " (missing)"} : compare_slot(name, record.tensor, other->tensor);
  }
  const bool more = device.records().size() != host.records().size();
  if (more && !result.first) result.first = Difference{"another number of slots"};
  return result;
}

}  // namespace ulpscope::gpu
