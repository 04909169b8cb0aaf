// SPDX-License-Identifier: Apache-2.0
// Birth certificates of a run's values that are not finite. See nonfinite.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/judge/birth_certificate.hpp"
#include "core/judge/births.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::judge {

/// Whether rows that were measured against their truth hold a stray: the class counts say so, no scan is needed.
bool has_strays(const std::vector<Row>& rows);

struct Nonfinite {
  std::vector<BirthCertificate> certificates;  ///< in program order, `most_certificates` at most
  std::vector<std::string> notes;              ///< what they leave out or cannot say; clauses
};
inline constexpr std::size_t most_certificates = 32;

/// Whether changes are looked for that cure a birth: each that is tried costs up to a run. The rest are passes over
/// slots.
enum class Cures : std::uint8_t { run, leave };

/// Alike births of a slot (one origin, one class of value) are one certificate, about the first; in up to 8 rows (of
/// channels: a softmax slot of a window, a token, ...), one for each row. Nothing where the suspect has no stray.
Nonfinite certify(const Suspect& suspect, unsigned threads, Cures cures = Cures::run);

}  // namespace ulpscope::judge
