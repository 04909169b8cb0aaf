// SPDX-License-Identifier: Apache-2.0
// Lines that say nothing are left to the JSON.
#include "core/judge/ledger_table.hpp"

#include <fmt/format.h>

#include <string_view>

namespace ulpscope::judge {
namespace {

using io::Json;

std::string number_text(const Json& json) {
  return io::is_number_or_nonfinite(json) ? short_number(io::number_of(json)) : "-";
}

std::string fixed_text(const Json& json) {
  return io::is_number_or_nonfinite(json) ? fmt::format("{:.4g}", io::number_of(json)) : "-";
}

std::string causes_text(const Json& line) {
  std::string text;
  for (const Json& cause : line["causes"]) {
    const std::string effect = cause["effect"];
    text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", cause["mechanism"].get<std::string>(),
                        cause["count"].dump(), effect == "subnormal" ? " subnormal" : "");
  }
  return text;
}

std::string became_text(const Json& line) { return line["became_zero"].is_null() ? "-" : line["became_zero"].dump(); }

/// Less than fp64 sees beside 1 is in the JSON only, unless it was lost here.
bool has_losses(const Json& line) { return !line["causes"].empty() || io::number_of(line["lost"]) > 0x1p-53; }

Section run_section(const Json& run) {
  Section section{"underflow of " + run_text(run), {}, {}};
  section.table.head = {"slot", "format", "causes", "zero", "became 0", "at pads", "subnormal", "lost here", "lost"};
  section.table.left = 3;
  for (const Json& line : run["underflow"]) {
    if (has_losses(line))
      section.table.rows.push_back({line["slot"].get<std::string>(), line["format"].get<std::string>(),
                                    causes_text(line), line["zero"].dump(), became_text(line), line["at_pads"].dump(),
                                    line["subnormal"].dump(), number_text(line["lost_here"]),
                                    number_text(line["lost"])});
    if (line["sentence"].is_string())
      section.remarks.push_back(line["slot"].get<std::string>() + ": " + line["sentence"].get<std::string>());
  }
  return section;
}

/// The account of a slot; null where it has none.
Json account_of(const Json& run, std::string_view slot, const char* account) {
  for (const Json& line : run["underflow"]) {
    if (line["slot"] == slot) return line[account];
  }
  return nullptr;
}

Json field_of(const Json& account, const char* field) { return account.is_object() ? account[field] : Json(); }

Json first_of(const Json& a, const Json& b) { return a.is_null() ? b : a; }

std::vector<std::string> run_row(const Json& run) {
  const Json mass = account_of(run, "weights", "mass");
  const Json pads = account_of(run, "weights", "pads");
  const Json exp = first_of(account_of(run, "exp", "exp"), account_of(run, "softmax", "exp"));
  const Json bias = first_of(account_of(run, "biased", "bias"), account_of(run, "logits", "bias"));
  const Json logits = account_of(run, "logits", "logits");
  const Json underflowed = account_of(run, "weights", "underflowed");
  return {run["recipe"].is_string() ? run["recipe"].get<std::string>() : "-",
          underflowed.is_null() ? "-" : underflowed.dump(),
          number_text(field_of(mass, "flushed")),
          number_text(field_of(mass, "rms")),
          fixed_text(field_of(pads, "gap")),
          fixed_text(field_of(pads, "needed")),
          fixed_text(field_of(exp, "room")),
          fixed_text(field_of(bias, "bits_lost")),
          number_text(field_of(logits, "rms")),
          number_text(account_of(run, "grad.logits", "lost"))};
}

Section runs_section(const std::vector<const Json*>& runs) {
  Section section{"underflow accounts of the softmax", {}, {}};
  section.remarks = {
      "mass lost: by weights that are 0, in the worst row; pad gap: smallest maximum - pad, needed: for a weight of 0; "
      "exp "
      "room: until exp is 0; bias bits: of ape, lost in the sum; logits rms: a weight's relative error; grad lost: of "
      "grad.logits, where it is 0 and the truth is not"};
  section.table.head = {"recipe", "weights to 0", "mass lost", "1-sum rms",  "pad gap",
                        "needed", "exp room",     "bias bits", "logits rms", "grad lost"};
  for (const Json* run : runs) section.table.rows.push_back(run_row(*run));
  return section;
}

}  // namespace

std::vector<Section> ledger_sections(const std::vector<const Json*>& runs) {
  std::vector<const Json*> kept;
  for (const Json* run : runs) {
    if (!(*run)["underflow"].empty()) kept.push_back(run);
  }
  if (kept.empty()) return {};
  return {kept.size() == 1 ? run_section(*kept.front()) : runs_section(kept)};
}

}  // namespace ulpscope::judge
