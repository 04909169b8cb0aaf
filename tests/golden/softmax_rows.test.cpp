// SPDX-License-Identifier: Apache-2.0
// Rows of 4 logits with -inf, +inf, NaN, -1e4, huge gaps and ties: our softmax algorithms give NaN, 0 and ordinary
// numbers where PyTorch's and JAX's do.
#include <cmath>

#include "core/compressor/run.hpp"
#include "precision/rounding.hpp"
#include "tests/golden/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;

namespace {

/// A run of the golden file and the recipe that should behave like it.
struct Variant {
  std::string run;  ///< prefix of its tensors
  std::string logits;
  std::string base;
  std::vector<std::string> settings;
  bool masks_nan = false;  ///< where(logits > -inf), which a NaN is not, and not where(logits != -inf)
};

/// torch.softmax computes half formats in fp32 and casts; the written-out variants round every operation to the format.
/// XLA on a CPU flushes subnormal results to 0.
std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const std::string format : {"fp64", "fp32", "bf16", "fp16"}) {
    const bool half = format == "bf16" || format == "fp16";
    const std::string pure = half ? format + "-pure" : format;
    all.push_back({"torch." + format, format, half ? "fp32" : format, {"softmax.storage=" + format}});
    all.push_back({"torch-naive." + format, format, pure, {"softmax=naive"}});
    all.push_back({"torch-shifted." + format, format, pure, {}});
    all.push_back({"torch-where_post." + format, format, pure, {"softmax=where_post"}});
  }
  for (const std::string format : {"fp32", "bf16"}) {
    all.push_back({"jax." + format, format, "fp32", {"default=" + format + ":ftz"}});
    all.push_back({"jax-where." + format, format, "fp32", {"default=" + format + ":ftz", "softmax=where_arg"}, true});
  }
  return all;
}

/// One window of 4 tokens and one channel for each row; the tokens of the logits that the variant masks are masked.
Problem problem_of_rows(const std::vector<double>& logits, const Variant& variant) {
  Config config;
  config.ratio = 4;
  config.seq = logits.size();
  config.hidden = 1;
  config.head_dim = 1;
  config.norm = false;
  Problem problem = make_problem(config, {});
  std::vector<double> mask;
  for (const double logit : logits) {
    const bool masked = std::isnan(logit) ? variant.masks_nan : std::isinf(logit) && logit < 0;
    mask.push_back(masked ? 0 : 1);
  }
  problem.inputs[Name::attention_mask] = {{1, logits.size()}, std::move(mask), ulpscope::io::DType::boolean};
  return problem;
}

std::string class_of(double x) {
  if (std::isnan(x)) return "NaN";
  if (std::isinf(x)) return "Inf";
  return x == 0 ? "0" : "a number";
}

}  // namespace

TEST_CASE("weights of every row are NaN, Inf, 0 or a number as PyTorch's and JAX's are, in every format") {
  const ulpscope::io::TensorFile file = golden_file("softmax-rows");
  for (const Variant& variant : variants()) {
    const auto format = ulpscope::precision::parse_format(variant.logits);
    std::vector<double> logits = to_doubles(tensor_from_file(file.tensors.at("logits")));
    for (double& logit : logits) logit = ulpscope::precision::round(logit, format);
    const Problem problem = problem_of_rows(logits, variant);
    const Recipe recipe = with_setting(with_settings(load_recipe(variant.base), variant.settings), "mask=pad");
    Tape given;
    given.set(forward(Name::logits), {{1, 15, 4, 1}, logits, ulpscope::io::DType::f64}, format);
    const PartialResult result = run_from(problem, recipe, {given, {forward(Name::weights)}}, {});
    const Tensor& ours = result.tape.find(forward(Name::weights))->tensor;
    const Tensor theirs = tensor_from_file(file.tensors.at(variant.run + ".weights"));
    REQUIRE(ours.size() == theirs.size());
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      INFO(variant.run << ", row " << i / 4 << ", logit " << logits[i] << ": " << ours.at(i) << " and "
                       << theirs.at(i));
      CHECK(class_of(ours.at(i)) == class_of(theirs.at(i)));
    }
  }
}
