// SPDX-License-Identifier: Apache-2.0
// Drawn and constructed rows of gates.
#include "core/studies/gate_rows.hpp"

#include <cmath>

#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/studies/study.hpp"
#include "core/studies/vectors.hpp"

namespace ulpscope::studies {
namespace {

constexpr std::size_t rows = 64;

enum class Spread : std::uint8_t { normal, low, gap, range };
struct Gates {
  Spread spread = Spread::normal;
  double size = 0;
};

Gates parse_gates(const std::string& word) {
  const std::size_t colon = word.find(':');
  const std::string kind = word.substr(0, colon);
  const std::vector<std::string> known{"normal:S", "low:L", "gap:G", "range:R"};
  Gates gates;
  if (kind == "low") gates.spread = Spread::low;
  if (kind == "gap") gates.spread = Spread::gap;
  if (kind == "range") gates.spread = Spread::range;
  if (colon == std::string::npos || (kind != "normal" && gates.spread == Spread::normal))
    throw InputError(io::unknown_name("kind of gates", word, known));
  const std::string size = word.substr(colon + 1);
  number_word(size);
  gates.size = std::stod(size);
  if (!std::isfinite(gates.size) || gates.size < 0)
    throw InputError(io::in_quotes(word) + ": the size is not positive");
  return gates;
}

}  // namespace

void gates_word(const std::string& word) { parse_gates(word); }

Start gate_rows(const std::string& word, std::size_t length, std::uint64_t seed) {
  const auto [spread, size] = parse_gates(word);
  WindowSpec spec{length, rows, Front::none, {}, normals(length * rows, seed, 1), {}, normals(rows, seed, 3)};
  spec.gate = normals(length * rows, seed, 0);
  for (std::size_t i = 0; i < spec.gate.size(); ++i) {
    const std::size_t slot = i / rows;
    const double along = static_cast<double>(slot) + static_cast<double>(i % rows) / rows;
    if (spread == Spread::normal) spec.gate[i] *= size;
    if (spread == Spread::low) spec.gate[i] -= size;
    if (spread == Spread::gap) spec.gate[i] = slot == 0 ? 0 : -size;
    if (spread == Spread::range) spec.gate[i] = slot == 0 ? 0 : -size * along / static_cast<double>(length);
  }
  return start_of(spec);
}

}  // namespace ulpscope::studies
