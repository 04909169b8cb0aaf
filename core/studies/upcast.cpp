// SPDX-License-Identifier: Apache-2.0
// Words of upcasts, and the fields that they set.
#include "core/studies/upcast.hpp"

#include "precision/format.hpp"

namespace ulpscope::studies {

Upcast parse_upcast(const std::string& word) {
  const std::size_t slash = word.find('/');
  Upcast upcast{word.substr(0, slash), slash == std::string::npos ? word : word.substr(slash + 1)};
  precision::parse_format(upcast.stored);
  precision::parse_format(upcast.computed);
  return upcast;
}

void upcast_word(const std::string& word) { parse_upcast(word); }

io::Json overlay_of(const Upcast& upcast) {
  const auto& [stored, computed] = upcast;
  if (stored == computed) return {{"default", stored}};
  return {{"default", stored},
          {"stages",
           {{"bias", {{"compute", computed}, {"storage", computed}}},
            {"softmax", {{"compute", computed}, {"accumulate", computed}, {"storage", stored}}},
            {"pool", {{"accumulate", computed}, {"storage", stored}}}}}};
}

io::Json sets_upcast(const std::string& word) { return overlay_of(parse_upcast(word)); }

}  // namespace ulpscope::studies
