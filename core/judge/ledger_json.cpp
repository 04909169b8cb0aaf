// SPDX-License-Identifier: Apache-2.0
// The JSON of a ledger line: every field, null where it does not apply.
#include <cmath>

#include "core/judge/ledger_line.hpp"
#include "precision/format.hpp"

namespace ulpscope::judge {
namespace {

using io::Json;

Json to_json(const Spot& spot) { return {{"window", spot.window}, {"channel", spot.channel}, {"place", spot.place}}; }

Json to_json(const MassAccount& mass) {
  const bool flushed = mass.flushed > 0;
  return {{"lost", io::number(mass.lost)},
          {"before_cast", std::isnan(mass.before_cast) ? Json() : io::number(mass.before_cast)},
          {"at", to_json(mass.at)},
          {"rms", io::number(mass.rms)},
          {"flushed", io::number(mass.flushed)},
          {"flushed_at", flushed ? to_json(mass.flushed_at) : Json()}};
}

Json to_json(const PadAccount& pads) {
  return {{"slots", pads.slots},
          {"mass", io::number(pads.mass)},
          {"at", to_json(pads.at)},
          {"pad", io::number(pads.pad)},
          {"gap", io::number(pads.gap)},
          {"needed", io::number(pads.needed)},
          {"margin", io::number(pads.gap - pads.needed)},
          {"nearest", to_json(pads.nearest)}};
}

Json to_json(const BiasAccount& bias) {
  Json lost = Json::array();
  for (const double bits : bias.lost) lost.push_back(std::isnan(bits) ? Json() : io::number(bits));
  return {{"precision", bias.precision},
          {"count", bias.count},
          {"bits_lost", io::number(bias.bits_lost)},
          {"worst_channel", {{"index", bias.worst}, {"bits_lost", io::number(bias.worst_lost)}}},
          {"bits_lost_by_channel", std::move(lost)}};
}

Json to_json(const LogitAccount& logits) {
  return {{"worst", io::number(logits.worst)}, {"rms", io::number(logits.rms)}};
}

Json to_json(const ExpAccount& exp) {
  return {{"format", exp.format},
          {"lowest", io::number(exp.lowest)},
          {"zero_below", io::number(exp.zero_below)},
          {"subnormal_below", io::number(exp.subnormal_below)},
          {"room", io::number(exp.lowest - exp.zero_below)},
          {"at", to_json(exp.at)}};
}

Json to_json(const DenominatorAccount& denominator) {
  return {{"subtracts_maximum", denominator.subtracts_maximum},
          {"smallest", io::number(denominator.smallest)},
          {"below_one", denominator.below_one}};
}

Json to_json(const PooledAccount& pooled) {
  return {{"rms_rel", io::number(pooled.rms_rel)}, {"share", pooled.share ? io::number(*pooled.share) : Json()}};
}

template <class Account>
Json optional_json(const std::optional<Account>& account) {
  return account ? to_json(*account) : Json();
}

Json causes_json(const std::vector<Cause>& causes) {
  Json json = Json::array();
  for (const Cause& cause : causes)
    json.push_back(
        {{"mechanism", to_string(cause.mechanism)}, {"effect", to_string(cause.effect)}, {"count", cause.count}});
  return json;
}

}  // namespace

Json to_json(const LedgerLine& line) {
  Json json;
  json["slot"] = compressor::to_string(line.slot);
  json["stage"] = line.stage;
  json["direction"] = line.slot.direction == compressor::Direction::forward ? "forward" : "backward";
  json["format"] = line.format;
  json["count"] = line.count;
  json["zero"] = line.zero;
  json["became_zero"] = line.became_zero ? Json(*line.became_zero) : Json();
  json["at_pads"] = line.at_pads;
  json["subnormal"] = line.subnormal;
  json["flushed"] = line.flushed;
  json["saturated"] = line.saturated;
  json["absorbed"] = line.absorbed;
  json["causes"] = causes_json(line.causes);
  json["lost_here"] = io::number(line.lost_here);
  json["underflowed"] = line.underflowed;
  json["lost"] = io::number(line.lost);
  json["mass"] = optional_json(line.mass);
  json["pads"] = optional_json(line.pads);
  json["bias"] = optional_json(line.bias);
  json["logits"] = optional_json(line.logits);
  json["exp"] = optional_json(line.exp);
  json["denominator"] = optional_json(line.denominator);
  json["pooled"] = optional_json(line.pooled);
  json["sentence"] = line.sentence.empty() ? Json() : Json(line.sentence);
  return json;
}

}  // namespace ulpscope::judge
