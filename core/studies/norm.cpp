// SPDX-License-Identifier: Apache-2.0
// Study norm: which errors of pooled the RMSNorm passes on, by the size of pooled against eps, and what it adds.
#include <cmath>

#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/studies/errors.hpp"
#include "core/studies/norm_conclusion.hpp"
#include "core/studies/vectors.hpp"

namespace ulpscope::studies {
namespace {

using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;

constexpr double change = 0x1p-20;  // relative, of pooled: so small that the norm answers linearly, far above 2^-53

/// What the norm makes of a pooled in a recipe: normalized (before gamma) and the gradient that comes back.
struct Normed {
  Tensor pooled;
  Tensor normalized;
  Tensor grad_pooled;
};

Tape only(Slot slot, std::vector<double> values, const compressor::Shape& shape) {
  Tape tape;
  tape.set(slot, {shape, std::move(values), io::DType::f64}, precision::parse_format("fp64"));
  return tape;
}

/// `cotangent` is that of normalized.
struct Given {
  const compressor::Problem& problem;
  const compressor::Shape shape;
  const std::vector<double>& cotangent;
};

Normed normed(const Given& given, const compressor::Recipe& recipe, std::vector<double> pooled) {
  Tape tape = only(forward(Name::pooled), std::move(pooled), given.shape);
  tape.set(gradient(Name::normalized), {given.shape, given.cotangent, io::DType::f64}, precision::parse_format("fp64"));
  const std::vector<Slot> wanted{forward(Name::normalized), gradient(Name::pooled)};
  const Tape out = run_from(given.problem, recipe, {tape, wanted}, {}).tape;
  return {tape.find(forward(Name::pooled))->tensor, out.find(wanted[0])->tensor, out.find(wanted[1])->tensor};
}

/// Relative change of the result over the relative change of pooled.
double passed(const Normed& changed, const Normed& base) {
  const double inward = distance(changed.pooled, base.pooled) / norm_of(to_doubles(base.pooled));
  return distance(changed.normalized, base.normalized) / norm_of(to_doubles(base.normalized)) / inward;
}

void size_word(const std::string& word) {
  const double size = Point({{"rms", word}}).number("rms");
  if (!(size > 0 && std::isfinite(size))) throw InputError(io::in_quotes(word) + " is not a finite size above 0");
}

compressor::Recipe in_format(compressor::Recipe recipe, const std::string& format) {
  for (const char* role : {"compute", "accumulate", "storage"}) recipe = with_everywhere(recipe, role, format);
  return recipe;
}

double relative(const Tensor& run, const Tensor& truth) { return distance(run, truth) / norm_of(to_doubles(truth)); }

io::Json measure(const Point& at, const Subject& subject) {
  const compressor::Problem problem = problem_of(subject, {at.at("mode")});
  if (const auto empty = empty_point(problem)) return *empty;
  if (!problem.config.norm) return skipped("the problem has no norm");
  const compressor::Recipe exact = compressor::load_recipe("fp64");
  const Tape truth = subject.truth != nullptr ? *subject.truth : run_traced(problem, exact, {}).tape;
  const Tensor& pooled = truth.find(forward(Name::pooled))->tensor;
  const double rms = norm_of(to_doubles(pooled)) / std::sqrt(static_cast<double>(pooled.size()));
  if (!(rms > 0 && std::isfinite(rms))) return skipped("pooled holds nothing but 0, or what is no number");
  const std::vector<double> x = times(to_doubles(pooled), at.number("rms") / rms);
  const std::vector<double> cotangent = normals(x.size(), subject.seed, 1);
  const Given given{problem, pooled.shape, cotangent};
  const Normed base = normed(given, exact, x);
  const Normed longer = normed(given, exact, times(x, 1 + change));
  if (!std::isfinite(passed(longer, base))) return skipped("squares of values of this size leave fp64");
  const std::size_t channels = pooled.shape[2];
  const Normed aside = normed(given, exact, turned(x, change, normals(x.size(), subject.seed, 2), channels));
  const Normed computed = normed(given, in_format(exact, at.at("format")), x);
  return {{"scale_passed", io::number(passed(longer, base))},
          {"direction_passed", channels < 2 ? io::Json() : io::number(passed(aside, base))},
          {"gain", io::number(norm_of(to_doubles(base.grad_pooled)) / norm_of(cotangent))},
          {"own_error", io::number(relative(computed.normalized, base.normalized))},
          {"own_gradient_error", io::number(relative(computed.grad_pooled, base.grad_pooled))}};
}

}  // namespace

Study norm() {
  return {"norm",
          "After the RMSNorm, which errors of pooled survive, and when do eps and the format of the norm matter?",
          {{"rms",
            "what pooled is scaled to, root mean square",
            {"1", "1e-2", "1e-3", "1e-4"},
            {"1e4", "256", "16", "1", "1e-1", "1e-2", "3e-3", "1e-3", "3e-4", "1e-4", "1e-6", "1e-20", "1e-38"},
            &size_word},
           {"format",
            "of the norm's operations, sums and slots",
            {"fp32", "bf16", "fp16"},
            {"fp64", "fp32", "tf32", "bf16", "fp16"},
            &format_word},
           mode_axis()},
          {{"scale_passed", "relative error of normalized over that of pooled, where pooled is too long"},
           {"direction_passed", "the same where it is turned; nothing of one channel, which has no direction"},
           {"gain", "||grad.pooled|| / ||grad.normalized|| for a random one"},
           {"own_error", "||error|| / ||truth|| of normalized in the format"},
           {"own_gradient_error", "of grad.pooled"}},
          true,
          &measure,
          &norm_conclusion,
          false};
}

}  // namespace ulpscope::studies
