// SPDX-License-Identifier: Apache-2.0
// Birth certificates as a person reads them: where, of what, where to, and what helps. Read off a report's JSON.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "core/judge/diagnosis.hpp"
#include "core/judge/report_tables.hpp"

namespace ulpscope::judge {
namespace {

using io::Json;

std::string text_of(const Json& json) { return json.is_string() ? json.get<std::string>() : ""; }

/// Certificates that differ only in their row are one paragraph.
struct Births {
  const Json* first;
  std::vector<std::size_t> windows;
  std::vector<std::size_t> softmax_slots;
  std::vector<std::size_t> batch_rows;  ///< where the run has several
  std::uint64_t count = 0;
};

/// How many batch rows a slot has, and elements in each; nothing where the report has no row of it.
struct Batch {
  std::size_t rows = 1;
  std::size_t elements = 0;
};

/// Of an input, its gradient's shape; a slot without a window has no batch rows.
Batch batch_of(const Json& run, const Json& certificate) {
  if (!run.contains("rows") || !certificate["window"].is_number()) return {};
  const std::string slot = text_of(certificate["slot"]);
  for (const Json& row : run["rows"]) {
    const std::string name = text_of(row["slot"]);
    if ((name != slot && name != "grad." + slot) || !row["shape"].is_array() || row["shape"].empty()) continue;
    Batch batch{row["shape"][0].get<std::size_t>(), 1};
    for (std::size_t i = 1; i < row["shape"].size(); ++i) batch.elements *= row["shape"][i].get<std::size_t>();
    return batch;
  }
  return {};
}

bool alike(const Json& a, const Json& b) {
  constexpr std::array<const char*, 5> fields{"slot", "operation", "class", "cure", "masked_by"};
  return std::all_of(fields.begin(), fields.end(), [&](const char* field) { return a[field] == b[field]; });
}

std::vector<Births> merged(const Json& run) {
  std::vector<Births> all;
  for (const Json& one : run["nonfinite"]) {
    auto found = std::find_if(all.begin(), all.end(), [&](const Births& births) { return alike(*births.first, one); });
    if (found == all.end()) found = all.insert(all.end(), Births{&one, {}, {}, {}, 0});
    if (one["window"].is_number()) found->windows.push_back(one["window"].get<std::size_t>());
    if (one["softmax_slot"].is_number()) found->softmax_slots.push_back(one["softmax_slot"].get<std::size_t>());
    const Batch batch = batch_of(run, one);
    if (batch.rows > 1) found->batch_rows.push_back(one["index"].get<std::size_t>() / batch.elements);
    found->count += one["count"].get<std::uint64_t>();
  }
  return all;
}

std::string place_text(const Births& births) {
  const Json& one = *births.first;
  std::string text = text_of(one["slot"]);
  const auto add = [&](const char* what, const std::vector<std::size_t>& numbers) {
    if (!numbers.empty()) text += ", " + numbered(what, numbers);
  };
  add("window", births.windows);
  add("slot", births.softmax_slots);
  if (one["channel"].is_number()) text += fmt::format(", channel {}", one["channel"].dump());
  add("batch row", births.batch_rows);
  const bool one_element = births.count == 1;
  return text + fmt::format(" (element {}{})", one["index"].dump(),
                            one_element ? "" : fmt::format(", the first of {}", births.count));
}

/// "inf - inf", "exp(89)".
std::string formula(const std::string& operation, const std::vector<std::string>& x) {
  constexpr std::array<std::pair<std::string_view, char>, 4> infix{
      {{"add", '+'}, {"sub", '-'}, {"mul", '*'}, {"div", '/'}}};
  for (const auto& [name, sign] : infix) {
    if (operation == name && x.size() == 2) return fmt::format("{} {} {}", x[0], sign, x[1]);
  }
  if (operation == "fma" && x.size() == 3) return fmt::format("{} * {} + {}", x[0], x[1], x[2]);
  return x.empty() ? operation : fmt::format("{}({})", operation, fmt::join(x, ", "));
}

std::string operation_text(const Json& one) {
  std::vector<std::string> values;
  std::vector<std::string> bits;
  for (const Json& operand : one["operands"]) {
    values.push_back(value_text(io::number_of(operand["value"])));
    bits.push_back(text_of(operand["hex"]));
  }
  const std::string text = formula(text_of(one["operation"]), values);
  return bits.empty() ? text : fmt::format("{} [{}]", text, fmt::join(bits, " "));
}

std::string cause_text(const Json& one) {
  const std::string kind = text_of(one["class"]);
  const std::string operation = operation_text(one);
  const auto number = [](const Json& operand) { return !std::isnan(io::number_of(operand["value"])); };
  const bool sound =
      std::all_of(one["operands"].begin(), one["operands"].end(), number);  // a pad of -inf is the recipe's
  const bool put_there = kind == "not from the recipe" || (kind == "from pad" && sound);
  return put_there ? fmt::format("{}: the recipe has {} there", kind, operation) : kind + ": " + operation;
}

/// The first slots that it reached, and the last.
std::string path_text(const Json& path) {
  constexpr std::size_t shown = 3;
  std::string text;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path.size() > 2 * shown && i == shown) {
      const std::size_t more = path.size() - 2 * shown;
      text += fmt::format(", {} more slot{}", more, more == 1 ? "" : "s");
    }
    if (path.size() > 2 * shown && i >= shown && i < path.size() - shown) continue;
    text += fmt::format("{}{} ({})", i == 0 ? "" : ", ", text_of(path[i]["slot"]), path[i]["count"].dump());
  }
  return text.empty() ? "It goes no further" : "From there to " + text;
}

enum class Forward : std::uint8_t { finite, not_finite };

/// Where the forward pass is finite and the backward pass is not, that is said.
std::string passes_text(const Json& one, Forward forward) {
  const Json& path = one["path"];
  const auto gradient = std::find_if(path.begin(), path.end(),
                                     [](const Json& step) { return text_of(step["slot"]).starts_with("grad."); });
  const std::string mask = text_of(one["masked_by"]);
  std::string text = mask.empty() ? "" : fmt::format(" {} does not pass it on.", mask);
  if (forward == Forward::not_finite) return text;
  if (one["direction"] == "backward") return text + " The forward pass is finite, the backward pass is not.";
  if (mask.empty() || gradient == path.end()) return text;
  return text + fmt::format(" It returns at {}: the forward pass is finite, the backward pass is not.",
                            text_of((*gradient)["slot"]));
}

std::string cure_text(const std::string& cure) {
  constexpr std::string_view none_needed = "none needed: ";
  if (cure.empty()) return "No change that was tried cures it";
  if (cure.starts_with(none_needed)) return "It does no harm: " + cure.substr(none_needed.size());
  return "Cured, when run, by " + cure;
}

}  // namespace

std::vector<std::string> birth_texts(const Json& run) {
  const Json& certificates = run["nonfinite"];
  const bool finite = std::all_of(certificates.begin(), certificates.end(), [](const Json& one) {
    return one["direction"] == "backward" || one["masked_by"].is_string();
  });
  std::vector<std::string> texts;
  for (const Births& births : merged(run)) {
    const Json& one = *births.first;
    texts.push_back(fmt::format("Not finite, born at {}, stage {}. {}. {}.{} {}.", place_text(births),
                                text_of(one["stage"]), cause_text(one), path_text(one["path"]),
                                passes_text(one, finite ? Forward::finite : Forward::not_finite),
                                cure_text(text_of(one["cure"]))));
  }
  return texts;
}

}  // namespace ulpscope::judge
