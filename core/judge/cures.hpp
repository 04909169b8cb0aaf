// SPDX-License-Identifier: Apache-2.0
// Cures: the smallest change, of a table of them, after which a birth and what it led to are gone. Internal to
// core/judge; see nonfinite.md.
#pragma once

#include <optional>
#include <string>

#include "core/judge/birth_certificate.hpp"
#include "core/judge/births.hpp"

namespace ulpscope::judge {

/// A birth as far as its certificate is known.
struct Complaint {
  const BirthGroup& group;
  compressor::Stage stage;
  std::string birth_class;
  const std::vector<PathStep>& path;
};

/// What cured it, in words that begin with the setting where it is one ("softmax=double_where: ..."); "none needed:
/// ..." where the birth does no harm (harm.hpp); nothing where no change of the table did. Every candidate is run, from
/// the suspect's own slots before the first that it changes.
std::optional<std::string> find_cure(const Births& births, const Complaint& complaint);

}  // namespace ulpscope::judge
