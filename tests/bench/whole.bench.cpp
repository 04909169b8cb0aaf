// SPDX-License-Identifier: Apache-2.0
// Forward and backward of v4-flash-csa, recipe fp32-blas, against its six matrix products by the same BLAS.
#include <cblas.h>
#include <malloc.h>

#include <cmath>
#include <limits>

#include "core/compressor/blas.hpp"
#include "core/compressor/parallel.hpp"
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

/// kv, gate, the two branches of grad.hidden, grad.w_kv, grad.w_gate by the same BLAS.
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
        threads_(threads) {}

  /// Whole products, BLAS with its own threads.
  void whole() {
    openblas_set_num_threads(static_cast<int>(threads_));
    for (int i = 0; i < 2; ++i) {
      forward({0, 0, {tokens_, features_}});
      backward({0, 0, {tokens_, hidden_}});
      weights({0, 0, {features_, hidden_}}, {0, tokens_});
    }
    openblas_set_num_threads(1);
  }
  /// In the calls of `summation: blas`: fixed blocks, sums over tokens in steps, each call on one thread.
  void in_blocks() {
    openblas_set_num_threads(1);
    for (int i = 0; i < 2; ++i) {
      each_block({tokens_, features_}, [&](const Block& block) { forward(block); });
      each_block({tokens_, hidden_}, [&](const Block& block) { backward(block); });
      each_block({features_, hidden_}, [&](const Block& block) {
        for (blasint k = 0; k < tokens_; k += step) weights(block, {k, std::min(step, tokens_ - k)});
      });
    }
  }
  double operations() const { return 12.0 * tokens_ * hidden_ * features_; }

 private:
  static constexpr auto step = static_cast<blasint>(blas_tokens);
  struct Size {
    blasint rows, columns;
  };
  struct Block {
    blasint row, column;
    Size size;
  };
  struct Terms {
    blasint first, count;
  };

  template <class Call>
  void each_block(const Size& size, Call call) const {
    const auto rows = static_cast<blasint>(blas_rows), columns = static_cast<blasint>(blas_columns);
    const blasint across = (size.columns + columns - 1) / columns;
    const auto count = static_cast<std::size_t>((size.rows + rows - 1) / rows * across);
    parallel_for({0, count, 1}, threads_, [&](std::size_t begin, std::size_t end) {
      for (auto i = static_cast<blasint>(begin); i < static_cast<blasint>(end); ++i) {
        const blasint row = i / across * rows, column = i % across * columns;
        call({row, column, {std::min(rows, size.rows - row), std::min(columns, size.columns - column)}});
      }
    });
  }
  static std::ptrdiff_t at(blasint row, blasint width, blasint column) { return std::ptrdiff_t{row} * width + column; }

  /// Rows of tokens, columns of features.
  void forward(const Block& b) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, b.size.rows, b.size.columns, hidden_, 1,
                x_.data() + at(b.row, hidden_, 0), hidden_, w_.data() + at(b.column, hidden_, 0), hidden_, 0,
                y_.data() + at(b.row, features_, b.column), features_);
  }
  /// Rows of tokens, columns of the hidden width.
  void backward(const Block& b) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, b.size.rows, b.size.columns, features_, 1,
                y_.data() + at(b.row, features_, 0), features_, w_.data() + b.column, hidden_, 0,
                dx_.data() + at(b.row, hidden_, b.column), hidden_);
  }
  /// Rows of features, columns of the hidden width, terms of tokens.
  void weights(const Block& b, const Terms& tokens) {
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, b.size.rows, b.size.columns, tokens.count, 1,
                y_.data() + at(tokens.first, features_, b.row), features_,
                x_.data() + at(tokens.first, hidden_, b.column), hidden_, tokens.first == 0 ? 0.0f : 1.0f,
                dw_.data() + at(b.row, hidden_, b.column), hidden_);
  }

  blasint tokens_, hidden_, features_;
  const ulpscope::io::Buffer<float>& x_;
  const ulpscope::io::Buffer<float>& w_;
  std::vector<float> y_, dx_, dw_;
  unsigned threads_;
};

/// Freed memory stays with the process, as the products' memory does: what a fresh page costs is the system's affair,
/// and on a virtual machine it varies tenfold.
void keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run("v4-flash-csa forward and backward, fp32-blas", argc, argv, [](bench::Report& report) {
    keep_freed_memory();
    check(report.threads());
    const Recipe recipe = load_recipe("fp32-blas");
    report.note("blas_core", openblas_get_corename());
    for (const std::size_t tokens : {2048, 4096}) {
      const Problem problem = problem_of(tokens, report.threads());
      Gemms gemms(problem, report.threads());
      const auto work = [&] { run_fused(problem, recipe, on_threads(report.threads())); };
      const bench::Times times = bench::in_turns(report.rounds(), work, [&] { gemms.whole(); });
      report.add({"fp32-blas", "its GEMMs", bench::Goal::at_most, 1.15}, static_cast<double>(tokens), times);
      report.note(fmt::format("gemm_gflops_{}", tokens), gemms.operations() / times.limit * 1e-9);
      // What the fixed calls cost that make the bits independent of threads and split.
      const bench::Times blocked = bench::in_turns(report.rounds(), work, [&] { gemms.in_blocks(); });
      report.note(fmt::format("ratio_to_gemms_in_blocks_{}", tokens), blocked.work / blocked.limit);
    }
  });
}
