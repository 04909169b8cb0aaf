// SPDX-License-Identifier: Apache-2.0
// Owners as a person reads them: percent of the target's squared error, signed.
#include "core/judge/owners_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ulpscope::judge {
namespace {

using io::Json;

/// "71.4%", "-1.4%", "0"; of either sign, below 0.05% they are "0.0%".
std::string share_text(const Json& share) {
  if (!io::is_number_or_nonfinite(share)) return "-";
  const double value = io::number_of(share);
  if (value == 0) return "0";
  const std::string text = fmt::format("{:.1f}%", 100 * value);
  return text == "-0.0%" ? "0.0%" : text;
}

/// With its radius, "71.4% +- 0.2%", where that reaches a digit that is shown.
std::string owned_text(const Json& owner) {
  const std::string text = share_text(owner["share"]);
  const Json& radius = owner["share_radius"];
  const bool shows = io::is_number_or_nonfinite(radius) && !(io::number_of(radius) < .0005);
  return shows ? text + " +- " + share_text(radius) : text;
}

const Json* owner_named(const Json& run, const std::string& name) {
  for (const Json& owner : run["attribution"]["owners"]) {
    if (owner["owner"] == name) return &owner;
  }
  return nullptr;
}

bool owns_something(const Json& owner) {
  return io::is_number_or_nonfinite(owner["share"]) && io::number_of(owner["share"]) != 0;
}

std::string title_of(const Json& run) {
  std::string title = "whose error that of " + run["attribution"]["target"].get<std::string>() +
                      " is: shares of its square, signed, which sum to 100%";
  const std::string method = run["attribution"]["method"].get<std::string>();
  if (method == "ladder") return title;
  return title + fmt::format(" but for the residual of {:.3g}% of the error; by {}",
                             100 * io::number_of(run["attribution_residual"]), method);
}

Section run_section(const Json& run) {
  Section section{title_of(run), {}, {}};
  section.table.head = {"owner", "share", "expected"};
  section.remarks = {"expected: on average over roundings; the share is one draw"};
  std::vector<const Json*> owners;
  for (const Json& owner : run["attribution"]["owners"]) {
    if (owns_something(owner)) owners.push_back(&owner);
  }
  std::stable_sort(owners.begin(), owners.end(), [](const Json* a, const Json* b) {
    return std::fabs(io::number_of((*a)["share"])) > std::fabs(io::number_of((*b)["share"]));
  });
  for (const Json* owner : owners)
    section.table.rows.push_back(
        {(*owner)["owner"].get<std::string>(), owned_text(*owner), share_text((*owner)["expected"])});
  return section;
}

/// Every name once, each after those that stand before it in some run.
std::vector<std::string> names_in_order(const std::vector<const Json*>& runs) {
  std::vector<std::string> names;
  for (const Json* run : runs) {
    std::size_t place = 0;
    for (const Json& owner : (*run)["attribution"]["owners"]) {
      const std::string name = owner["owner"].get<std::string>();
      const auto found = std::find(names.begin(), names.end(), name);
      const bool known = found != names.end();
      if (!known) names.insert(names.begin() + static_cast<std::ptrdiff_t>(place), name);
      place = known ? static_cast<std::size_t>(found - names.begin()) + 1 : place + 1;
    }
  }
  return names;
}

Section runs_section(const std::vector<const Json*>& runs) {
  Section section{title_of(*runs.front()), {}, {}};
  section.table.head = {"owner"};
  for (const Json* run : runs)
    section.table.head.push_back((*run)["recipe"].is_string() ? (*run)["recipe"].get<std::string>() : "-");
  for (const std::string& name : names_in_order(runs)) {
    std::vector<std::string> cells{name};
    bool any = false;
    for (const Json* run : runs) {
      const Json* owner = owner_named(*run, name);
      cells.push_back(owner == nullptr ? "-" : owned_text(*owner));
      any = any || (owner != nullptr && owns_something(*owner));
    }
    if (any) section.table.rows.push_back(std::move(cells));
  }
  return section;
}

}  // namespace

std::vector<Section> owner_sections(const std::vector<const Json*>& runs) {
  std::vector<const Json*> known;
  for (const Json* run : runs) {
    if ((*run)["attribution"].is_object()) known.push_back(run);
  }
  if (known.empty()) return {};
  return {known.size() == 1 ? run_section(*known.front()) : runs_section(known)};
}

}  // namespace ulpscope::judge
