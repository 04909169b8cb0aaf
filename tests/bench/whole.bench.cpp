// SPDX-License-Identifier: Apache-2.0
// Forward and backward of v4-flash-csa, recipe fp32-blas, against its six matrix products by the same BLAS.
#include <cblas.h>

#include <cmath>

#include "core/compressor/run.hpp"
#include "tests/bench/bench.hpp"

namespace {

using namespace ulpscope;
using namespace ulpscope::compressor;

Problem problem_of(std::size_t tokens, unsigned threads) {
  Config config = preset("v4-flash-csa");
  config.seq = tokens;
  config.quantize.reset();
  MakeOptions options;
  options.threads = threads;
  return make_problem(config, options);
}

RunOptions on_threads(unsigned threads) {
  RunOptions options;
  options.threads = threads;
  return options;
}

double relative_error(const Tensor& tensor, const Tensor& truth) {
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    error += (tensor.at(i) - truth.at(i)) * (tensor.at(i) - truth.at(i));
    norm += truth.at(i) * truth.at(i);
  }
  return std::sqrt(error / norm);
}

void check(unsigned threads) {
  const Problem problem = problem_of(64, threads);
  const Tape fused = run_fused(problem, load_recipe("fp32-blas"), on_threads(threads)).tape;
  const Tape truth = run_fused(problem, load_recipe("fp64"), on_threads(threads)).tape;
  for (const Slot slot :
       {forward(Name::output), gradient(Name::hidden), gradient(Name::w_kv), gradient(Name::w_gate)}) {
    bench::require_within(relative_error(fused.find(slot)->tensor, truth.find(slot)->tensor), 5e-6, to_string(slot));
  }
}

/// kv, gate, the two branches of grad.hidden, grad.w_kv, grad.w_gate: whole products, BLAS with its own threads.
class Gemms {
 public:
  Gemms(const Problem& problem, unsigned threads)
      : tokens_(static_cast<blasint>(problem.config.seq)),
        hidden_(static_cast<blasint>(problem.config.hidden)),
        features_(static_cast<blasint>(problem.config.features())),
        x_(std::get<ulpscope::io::Buffer<float>>(problem.input(Name::hidden).data)),
        w_(std::get<ulpscope::io::Buffer<float>>(problem.input(Name::w_kv).data)),
        y_(problem.config.seq * problem.config.features()),
        dx_(problem.config.seq * problem.config.hidden),
        dw_(w_.size()),
        threads_(static_cast<int>(threads)) {}
  void operator()() {
    openblas_set_num_threads(threads_);
    for (int i = 0; i < 2; ++i) {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, tokens_, features_, hidden_, 1, x_.data(), hidden_,
                  w_.data(), hidden_, 0, y_.data(), features_);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, tokens_, hidden_, features_, 1, y_.data(), features_,
                  w_.data(), hidden_, 0, dx_.data(), hidden_);
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, features_, hidden_, tokens_, 1, y_.data(), features_,
                  x_.data(), hidden_, 0, dw_.data(), hidden_);
    }
    openblas_set_num_threads(1);
  }
  double operations() const { return 12.0 * tokens_ * hidden_ * features_; }

 private:
  blasint tokens_, hidden_, features_;
  const ulpscope::io::Buffer<float>& x_;
  const ulpscope::io::Buffer<float>& w_;
  std::vector<float> y_, dx_, dw_;
  int threads_;
};

}  // namespace

int main(int argc, char** argv) {
  return bench::run("v4-flash-csa forward and backward, fp32-blas", argc, argv, [](bench::Report& report) {
    check(report.threads());
    const Recipe recipe = load_recipe("fp32-blas");
    report.note("blas_core", openblas_get_corename());
    for (const std::size_t tokens : {2048, 4096}) {
      const Problem problem = problem_of(tokens, report.threads());
      Gemms gemms(problem, report.threads());
      const bench::Times times = bench::in_turns(
          report.rounds(), [&] { run_fused(problem, recipe, on_threads(report.threads())); }, gemms);
      report.add({"fp32-blas", "its GEMMs", bench::Goal::at_most, 1.15}, static_cast<double>(tokens), times);
      report.note(fmt::format("gemm_gflops_{}", tokens), gemms.operations() / times.limit * 1e-9);
    }
  });
}
