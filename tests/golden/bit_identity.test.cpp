// SPDX-License-Identifier: Apache-2.0
// Bit identity: a recipe replayed from a dump's own nearest slots gives the bits of the framework that made the dump.
#include <map>

#include "tests/golden/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;

namespace {

/// What a replay must reach, by slot; slots that the dump lacks count as failures.
using Floors = std::map<std::string, double>;

void check_replay(const std::string& recipe, const std::string& name, const std::string& run, const Floors& floors) {
  Problem problem = golden_problem(name);
  const auto dump = golden_dump(name + "." + run, problem);
  if (dump.config) problem = with_config(problem, *dump.config);
  for (const auto& [slot_name, floor] : floors) {
    const Slot slot = parse_slot(slot_name);
    INFO(name << "." << run << " " << slot_name);
    REQUIRE(dump.tape.has(slot));
    const PartialResult replayed = run_from(problem, load_recipe(recipe), {dump.tape, {slot}}, {});
    Tensor ours = replayed.tape.find(slot)->tensor;
    Tensor theirs = dump.tape.find(slot)->tensor;
    if (const auto partial = dump.partial.find(slot); partial != dump.partial.end()) {
      ours = ulpscope::judge::cropped(ours, partial->second);
      theirs = ulpscope::judge::cropped(theirs, partial->second);
    }
    CHECK(fraction_equal(ours, theirs) >= floor);
  }
}

const Floors hugging_face_bf16{{"kv", 0.999},          {"gate", 0.999},       {"logits", 1},       {"weights", 1},
                               {"products", 1},        {"pooled", 1},         {"normed", 1},       {"rotated", 1},
                               {"grad.normed", 1},     {"grad.pooled", 1},    {"grad.weights", 1}, {"grad.values", 1},
                               {"grad.logits", 1},     {"grad.kv", 1},        {"grad.gate", 1},    {"grad.w_kv", 0.999},
                               {"grad.w_gate", 0.999}, {"grad.hidden", 0.999}};

}  // namespace

TEST_CASE("recipe hf replays Hugging Face's bf16 bits, forward and backward") {
  for (const std::string name : {"csa-small", "hca-small", "csa-hard", "hca-hard", "csa-batch16", "csa-indexer"}) {
    Floors floors = hugging_face_bf16;
    if (!golden_problem(name).config.rope) floors.erase("rotated");
    check_replay("hf", name, "hf-bf16", floors);
  }
}

TEST_CASE("recipe hf-fp32 replays PyTorch's fp32 bits on a CPU") {
  for (const std::string name : {"csa-small", "hca-small", "csa-hard", "hca-hard"}) {
    check_replay("hf-fp32", name, "hf-fp32",
                 {{"kv", 1},
                  {"gate", 1},
                  {"logits", 1},
                  {"weights", 1},
                  {"products", 1},
                  {"pooled", 1},
                  {"normed", 1},
                  {"grad.logits", 1},
                  {"grad.pooled", 1},
                  {"grad.weights", 1},
                  {"grad.values", 1},
                  {"grad.kv", 1},
                  {"grad.gate", 1},
                  {"grad.ape", 1}});
  }
}

TEST_CASE("recipes pr3810 and pr3810-jit replay the pull request's bits") {
  const Floors floors{{"weights", 0.9998},    {"pooled", 1},    {"normed", 1},        {"output", 1},
                      {"kv", 0.999},          {"gate", 0.999},  {"grad.w_kv", 0.999}, {"grad.w_gate", 0.999},
                      {"grad.hidden", 0.999}, {"grad.gamma", 1}};
  for (const std::string name : {"csa-small", "hca-small", "csa-hard", "hca-hard", "csa-batch16"}) {
    check_replay("pr3810", name, "pr3810-bf16-eager", floors);
  }
  for (const std::string name : {"csa-small", "hca-small"}) check_replay("pr3810-jit", name, "pr3810-bf16-jit", floors);
}

TEST_CASE("recipes maxtext, maxtext-jit and maxtext-bf16 replay merged MaxText's bits") {
  const Floors floors{{"biased", 1},          {"normed", 1},          {"output", 1},
                      {"kv", 0.999},          {"gate", 0.999},        {"grad.w_kv", 0.999},
                      {"grad.w_gate", 0.999}, {"grad.hidden", 0.999}, {"grad.gamma", 1}};
  for (const std::string name : {"csa-small", "csa-hard", "csa-batch16"}) {
    check_replay("maxtext", name, "maxtext-bf16-eager", floors);
    check_replay("maxtext-bf16", name, "maxtext-bf16-apebf16", floors);
  }
  check_replay("maxtext-jit", "csa-small", "maxtext-bf16-jit", floors);
}

TEST_CASE("from the inputs alone, recipe hf gives Hugging Face's bf16 bits in 99.5% of every slot") {
  for (const std::string name : {"csa-small", "hca-small", "csa-batch16", "csa-indexer"}) {
    const Problem problem = golden_problem(name);
    const auto dump = golden_dump(name + ".hf-bf16", problem);
    const Tape tape = run_traced(problem, load_recipe("hf"), {}).tape;
    for (const auto& [slot, record] : dump.tape.records()) {
      if (record.tensor.dtype != ulpscope::io::DType::bf16) continue;
      INFO(name << " " << to_string(slot));
      CHECK(fraction_equal(tape.find(slot)->tensor, record.tensor) >= 0.995);
    }
  }
}
