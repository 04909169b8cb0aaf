// SPDX-License-Identifier: Apache-2.0
// What studies that run recipes share: small inputs, errors against the truth, edits of every stage at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/run.hpp"
#include "core/studies/study.hpp"

namespace ulpscope::studies {

/// How built-in inputs are drawn: h = 32, RoPE with YaRN on 16 channels; CSA 32 windows, HCA 4.
struct Inputs {
  std::string mode = "csa";  ///< or "hca"
  double gate_sigma = 1.5;
  double ape_sigma = 0.5;
  std::size_t head_dim = 32;
};
/// The given problem, or one that is drawn.
compressor::Problem problem_of(const Subject& subject, const Inputs& inputs);
/// The same, made once a walk.
std::shared_ptr<const compressor::Problem> shared_problem(const Subject& subject, const Inputs& inputs);
/// The key in Subject::memo of what depends on these inputs and on what a recipe computes, whatever its name.
std::string key_of(const std::string& kind, const Subject& subject, const Inputs& inputs,
                   const compressor::Recipe& recipe);
/// "csa", "hca".
Axis mode_axis();
/// Why a problem shows nothing: it has no whole window. Null where it has.
std::optional<io::Json> empty_point(const compressor::Problem& problem);
/// {"skipped": why}
io::Json skipped(const std::string& why);

/// ||run - truth|| / ||truth|| over the elements that are finite in both (NaN where none is), and how many others are
/// not of the truth's class.
struct SlotError {
  double rms_rel = 0;
  std::uint64_t wrong_class = 0;
};
/// Of a slot that both tapes hold.
SlotError error_of(const compressor::Run& run, const compressor::Tape& truth, compressor::Slot slot);

/// Errors of a recipe against its truth on the inputs as given: what its casts of inputs do counts.
struct Errors {
  double output = 0;
  double grad_w_kv = 0;
  double grad_w_gate = 0;
  double grad_hidden = 0;
  std::uint64_t wrong_class = 0;  ///< over these four
};
Errors errors_of(const compressor::Problem& problem, const compressor::Recipe& recipe);
/// The same against outputs and gradients that are known.
Errors errors_against(const compressor::Problem& problem, const compressor::Recipe& recipe,
                      const compressor::Tape& truth);
/// Outputs and gradients in fp64, with the recipe's pipeline, omitted stages, pads and policies, inputs as given.
compressor::Tape truth_of(const compressor::Problem& problem, const compressor::Recipe& recipe);
/// Columns of Errors, and their values.
std::vector<Measure> error_columns();
io::Json to_json(const Errors& errors);

/// `field` of every stage that has it, forward and backward, as a recipe writes it.
io::Json everywhere(const std::string& field, const std::string& value);
/// `recipe` with `field` of every stage that has it set, forward and backward.
compressor::Recipe with_everywhere(const compressor::Recipe& recipe, const std::string& field,
                                   const std::string& value);

/// Values of a point for a sentence, "hf, csa"; what a given problem decides is left out.
std::string values_of(const Cell& cell, std::initializer_list<const char*> axes);
/// The same with the axes' names, "gate sigma 8, ape sigma 0.5".
std::string named_values_of(const Cell& cell, std::initializer_list<const char*> axes);

/// The first three parts, "a; b; c", and how many more there are.
std::string few_of(const std::vector<std::string>& parts);

/// "`nothing`: why." of cells that were all left out: the first one's reason.
std::string not_run(const std::string& nothing, std::span<const Cell> cells);

/// Whether error `a` is larger than `b`; NaN is the largest.
bool worse(double a, double b);
/// -log2(error): how many bits are right; infinite for 0.
double bits_of(double error);

}  // namespace ulpscope::studies
