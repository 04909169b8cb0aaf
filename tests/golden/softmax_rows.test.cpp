// SPDX-License-Identifier: Apache-2.0
// Rows of 4 logits with -inf, +inf, NaN, -1e4, huge gaps and ties: weights and gradients of our softmax algorithms are
// NaN, Inf, 0 or numbers where PyTorch's and JAX's are, and the same numbers as far as both round alike.
#include <array>
#include <cmath>

#include "core/compressor/run.hpp"
#include "precision/rounding.hpp"
#include "precision/ulp.hpp"
#include "tests/golden/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;
using ulpscope::precision::Format;

namespace {

using Settings = std::vector<std::string>;

/// A run of the golden file and the recipe that should behave like it.
struct Variant {
  std::string run;  ///< prefix of its tensors
  std::string format;
  std::string base;
  Settings settings;
  bool masks_nan = false;  ///< where(logits > -inf), which a NaN is not, and not where(logits != -inf)
  std::string file = "softmax-rows";
};

bool is_half(const std::string& format) { return format == "bf16" || format == "fp16"; }

/// torch.softmax computes half formats in fp32 and casts; its backward reads what was cast.
Variant torch_softmax(const std::string& format) {
  return {"torch." + format,
          format,
          is_half(format) ? "fp32" : format,
          {"softmax.storage=" + format, "backward.softmax.storage=" + format, "softmax.saved=stored",
           "softmax.vjp=y_times_g_minus_s"}};
}

/// Formulas that are written out in PyTorch round every operation to the format, sums once at their end.
Variant written_out(const std::string& name, const std::string& format, const Settings& settings) {
  Variant variant{"torch-" + name + "." + format, format, is_half(format) ? format + "-pure" : format, settings};
  if (!is_half(format)) return variant;
  variant.settings.push_back("softmax.accumulate=fp32");
  variant.settings.push_back("softmax.storage.denominator=" + format);
  variant.settings.push_back("softmax.storage.weights=" + format);
  return variant;
}

/// XLA on a CPU flushes subnormal results to 0.
Variant jax(const std::string& name, const std::string& format, const Settings& settings) {
  Variant variant{name + "." + format, format, "fp32", {"default=" + format + ":ftz"}};
  variant.settings.insert(variant.settings.end(), settings.begin(), settings.end());
  variant.masks_nan = name == "jax-where";
  return variant;
}

Variant on_device(Variant variant) {
  variant.settings.emplace_back("softmax.exp=cuda");
  variant.file = "softmax-rows-cuda";
  return variant;
}
/// On an NVIDIA device PyTorch multiplies y g before it subtracts.
Variant torch_on_device(const std::string& format) {
  Variant variant = on_device(torch_softmax(format));
  variant.settings.emplace_back("softmax.vjp=gy_minus_ys");
  return variant;
}

const std::array<std::string, 4> torch_formats{"fp64", "fp32", "bf16", "fp16"};
const std::array<std::string, 2> jax_formats{"fp32", "bf16"};
const Settings shifted{"softmax.vjp=autodiff:torch_div", "softmax.max_gradient=through"};
const Settings where_post{"softmax=where_post", "softmax.vjp=autodiff:torch_div", "softmax.max_gradient=through"};
/// exp(x) / exp(x).sum(): the exponential is written twice.
const Settings naive{"softmax=naive", "softmax.vjp=autodiff:torch_two_exp"};
/// JAX's g y - y s, where XLA joins g y by FMA: a product g y that would be flushed does not show. Of our rules
/// y (g - s) is the one with a single rounding at the end.
const Settings jax_rule{"softmax.vjp=y_times_g_minus_s"};

/// There XLA does not flush.
Variant jax_on_device(const std::string& format) {
  return on_device({"jax." + format, format, "fp32", {"default=" + format, jax_rule.front()}});
}

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const std::string& format : torch_formats) {
    all.push_back(torch_softmax(format));
    all.push_back(written_out("naive", format, naive));
    all.push_back(written_out("shifted", format, shifted));
    all.push_back(written_out("where_post", format, where_post));
  }
  for (const std::string& format : jax_formats) {
    all.push_back(jax("jax", format, jax_rule));
    all.push_back(jax("jax-where", format, jax_rule));
    all.back().settings.emplace_back("softmax=where_arg");
  }
  return all;
}

std::vector<Variant> device_variants() {
  std::vector<Variant> all;
  for (const std::string& format : torch_formats) all.push_back(torch_on_device(format));
  for (const std::string& format : jax_formats) all.push_back(jax_on_device(format));
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

/// A slot of every row, by our recipe and by the framework, and what the gradients' bound is made of.
struct Rows {
  std::vector<double> logits, cotangent, weights;  ///< weights: the framework's
  std::vector<double> ours, theirs;
};

Rows rows_of(const Variant& variant, Slot slot) {
  const ulpscope::io::TensorFile file = golden_file(variant.file);
  const auto read = [&](const std::string& name) { return to_doubles(tensor_from_file(file.tensors.at(name))); };
  const Format format = ulpscope::precision::parse_format(variant.format);
  Rows rows{
      read("logits"), read("cotangent"), read(variant.run + ".weights"), {}, read(variant.run + "." + to_string(slot))};
  for (double& logit : rows.logits) logit = ulpscope::precision::round(logit, format);
  const Problem problem = problem_of_rows(rows.logits, variant);
  const Recipe recipe = with_setting(with_settings(load_recipe(variant.base), variant.settings), "mask=pad");
  Tape given;
  given.set(forward(Name::logits), {{1, 15, 4, 1}, rows.logits, ulpscope::io::DType::f64}, format);
  given.set(gradient(Name::weights), {{1, 15, 4, 1}, rows.cotangent, ulpscope::io::DType::f64}, format);
  const PartialResult result = run_from(problem, recipe, {given, {slot}}, {});
  rows.ours = to_doubles(result.tape.find(slot)->tensor);
  REQUIRE(rows.ours.size() == rows.theirs.size());
  return rows;
}

/// Every value of a slot is within so many ulps of the framework's.
void check_ulps(const Variant& variant, Slot slot, double most) {
  const Rows rows = rows_of(variant, slot);
  const Format format = ulpscope::precision::parse_format(variant.format);
  for (std::size_t i = 0; i < rows.theirs.size(); ++i) {
    INFO(variant.run << " " << to_string(slot) << ", row " << i / 4 << ": " << rows.ours[i] << " and "
                     << rows.theirs[i]);
    CHECK(ulpscope::precision::ulp_distance(rows.ours[i], rows.theirs[i], format) <= most);
  }
}

/// Gradients cancel, so ulps say nothing: 4 u y (|g| + |s|), s = sum y g, and what the flush of g y and of the result
/// may take. Where the weights themselves are `ulps` off, a relative 2 u each, y and s are.
void check_bound(const Variant& variant, double ulps = 0) {
  const Rows rows = rows_of(variant, gradient(Name::logits));
  const Format format = ulpscope::precision::parse_format(variant.format);
  const double u = ulpscope::precision::unit_roundoff(format);
  for (std::size_t i = 0; i < rows.theirs.size(); ++i) {
    if (!std::isfinite(rows.theirs[i])) continue;  // classes are judged above
    const std::size_t row = i / 4 * 4;
    double s = 0;
    double size_of_s = 0;
    for (std::size_t r = row; r < row + 4; ++r) {
      s += rows.weights[r] * rows.cotangent[r];
      size_of_s += std::abs(rows.weights[r] * rows.cotangent[r]);
    }
    const double g = rows.cotangent[i];
    const double rounded = 4 * u * (std::abs(g) + std::abs(s));
    const double inherited = 2 * ulps * u * (std::abs(g - s) + size_of_s);
    const double bound = rows.weights[i] * (rounded + inherited) + 2 * ulpscope::precision::min_normal(format);
    INFO(variant.run << ", row " << i / 4 << ": " << rows.ours[i] << " and " << rows.theirs[i]);
    CHECK(std::abs(rows.ours[i] - rows.theirs[i]) <= bound);
  }
}

void check_classes(const Variant& variant, Slot slot) {
  const Rows rows = rows_of(variant, slot);
  for (std::size_t i = 0; i < rows.theirs.size(); ++i) {
    INFO(variant.file << " " << variant.run << " " << to_string(slot) << ", row " << i / 4 << ", logit "
                      << rows.logits[i] << ": " << rows.ours[i] << " and " << rows.theirs[i]);
    CHECK(class_of(rows.ours[i]) == class_of(rows.theirs[i]));
  }
}

const Slot weights = forward(Name::weights);
const Slot slopes = gradient(Name::logits);

}  // namespace

TEST_CASE(
    "weights and gradients of every row are NaN, Inf, 0 or a number as PyTorch's and JAX's are, in every format") {
  REQUIRE(variants().size() == 20);
  for (const Variant& variant : variants()) {
    for (const Slot slot : {weights, slopes}) check_classes(variant, slot);
  }
}

TEST_CASE("torch.softmax in fp32, bf16 and fp16: the same weights and gradients, all of them") {
  for (const std::string format : {"fp32", "bf16", "fp16"}) {
    check_ulps(torch_softmax(format), weights, 0);
    check_ulps(torch_softmax(format), slopes, 0);
  }
  check_ulps(torch_softmax("fp64"), weights, 1);  // its exp is another
  check_bound(torch_softmax("fp64"));
}

TEST_CASE("exp(x) / sum exp(x) and the shifted formulas written out in PyTorch: the same weights and gradients") {
  for (const std::string& format : torch_formats) {
    for (const Variant& variant : {written_out("naive", format, naive), written_out("shifted", format, shifted),
                                   written_out("where_post", format, where_post)}) {
      check_ulps(variant, weights, 0);
      check_ulps(variant, slopes, 0);
    }
  }
}

TEST_CASE("JAX's softmax: the same weights, gradients within 4 u y (|g| + |s|) by either closed rule") {
  for (const std::string& format : jax_formats) {
    for (const std::string name : {"jax", "jax-where"}) {
      for (const std::string rule : {"y_times_g_minus_s", "gy_minus_ys"}) {
        Variant variant = jax(name, format, {"softmax.vjp=" + rule});
        if (name == "jax-where") variant.settings.emplace_back("softmax=where_arg");
        check_ulps(variant, weights, 0);
        check_bound(variant);
      }
    }
  }
}

TEST_CASE("PyTorch's and JAX's softmax on an NVIDIA device: classes, weights, and gradients within 4 u y (|g| + |s|)") {
  for (const Variant& variant : device_variants()) {
    for (const Slot slot : {weights, slopes}) check_classes(variant, slot);
    const double exps = is_half(variant.format) ? 0 : 2;  // ex2.approx is within 2 ulp
    check_ulps(variant, weights, exps);
    check_bound(variant, exps);
  }
}
