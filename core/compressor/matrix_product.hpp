// SPDX-License-Identifier: Apache-2.0
// One matrix product of a run: packs its right factor once, cuts rows over threads, calls the kernel or BLAS.
#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "core/compressor/blas.hpp"
#include "core/compressor/kernels/job.hpp"
#include "core/compressor/parallel.hpp"
#include "core/compressor/workspace.hpp"

namespace ulpscope::compressor {

/// b of out = a b: [depth, columns], stored so or transposed ([columns, depth]).
template <class T>
struct RightFactor {
  const T* data = nullptr;
  std::size_t row = 0;
  Transpose stored_transposed = Transpose::no;
};

/// out[i,:] = sum_k a[i,k] b[k,:]; a[i,k] = a[i * a_row + k * a_depth].
template <class T>
struct MatrixProduct {
  const SlotArithmetic* arithmetic = nullptr;
  std::uint64_t key = 0;      ///< of stochastic roundings
  std::size_t first_row = 0;  ///< of `out` in its slot
  const T* a = nullptr;
  std::size_t a_row = 0;
  std::size_t a_depth = 1;
  Transpose a_transposed = Transpose::no;  ///< yes: a is stored [depth, rows], a sum over tokens
  RightFactor<T> b;
  std::size_t rows = 0;
  std::size_t depth = 0;
  std::size_t columns = 0;
  T* out = nullptr;        ///< [rows, columns]
  bool continued = false;  ///< out holds the sum so far
  bool store = true;       ///< round finished sums to the storage format
};

/// Terms that are packed together: what they read and write of a panel stays in the first cache.
constexpr std::size_t terms_together = 16;

/// Columns of a product that one panel holds.
struct Panel {
  std::size_t first = 0;
  std::size_t count = 0;  ///< the others of its width are 0
};

/// The right factor in panels of `width` columns: [columns / width, depth, width], missing columns 0.
template <class T>
class PanelPacker {
 public:
  PanelPacker(const MatrixProduct<T>& product, std::size_t width, Workspace<T>& panels)
      : b_(product.b), depth_(product.depth), columns_(product.columns), width_(width) {
    panels.assign_zeros(count() * width * depth_);
    panels_ = panels.data();
  }

  void operator()(unsigned threads) const {
    const bool transposed = b_.stored_transposed == Transpose::yes;
    parallel_for({0, count(), 1}, threads, [&](std::size_t begin, std::size_t end) {
      transposed ? pack_columns(begin, end) : pack_rows(begin, end);
    });
  }

 private:
  std::size_t count() const { return (columns_ + width_ - 1) / width_; }
  Panel panel(std::size_t index) const {
    const std::size_t first = index * width_;
    return {first, std::min(width_, columns_ - first)};
  }
  T* row(std::size_t index, std::size_t k) const { return panels_ + (index * depth_ + k) * width_; }

  /// Rows of b from end to end, a few beside each other.
  void pack_rows(std::size_t begin, std::size_t end) const {
    for (std::size_t first = 0; first < depth_; first += terms_together) {
      const std::size_t last = std::min(depth_, first + terms_together);
      for (std::size_t i = begin; i < end; ++i) {
        for (std::size_t k = first; k < last; ++k)
          std::copy_n(b_.data + k * b_.row + panel(i).first, panel(i).count, row(i, k));
      }
    }
  }
  /// Rows of b are columns of the product.
  void pack_columns(std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t first = 0; first < depth_; first += terms_together) {
        const std::size_t last = std::min(depth_, first + terms_together);
        for (std::size_t j = 0; j < panel(i).count; ++j) {
          const T* const column = b_.data + (panel(i).first + j) * b_.row;
          for (std::size_t k = first; k < last; ++k) row(i, k)[j] = column[k];
        }
      }
    }
  }

  const RightFactor<T>& b_;
  std::size_t depth_;
  std::size_t columns_;
  std::size_t width_;
  T* panels_;
};

/// What the kernel is told of a product whose right factor is packed.
template <class T>
kernels::MultiplyJob<T> job_of(const MatrixProduct<T>& product, const T* panels) {
  kernels::MultiplyJob<T> job;
  job.arithmetic = product.arithmetic;
  job.key = product.key;
  job.first_row = product.first_row;
  job.a = product.a;
  job.a_row = static_cast<std::ptrdiff_t>(product.a_row);
  job.a_depth = static_cast<std::ptrdiff_t>(product.a_depth);
  job.panels = panels;
  job.out = product.out;
  job.out_row = product.columns;
  job.depth = product.depth;
  job.columns = product.columns;
  job.initial = product.continued ? product.out : nullptr;
  job.store = product.store;
  return job;
}

/// A product, and where the panels of its right factor are: empty, or kept by the caller for products that share it.
template <class T>
struct MatrixTask {
  MatrixProduct<T> product;
  Workspace<T>* panels = nullptr;
};

template <class T>
class Multiplier {
 public:
  Multiplier(const kernels::KernelSet<T>& kernels, unsigned threads) : kernels_(kernels), threads_(threads) {}

  /// Products that do not read each other's results.
  void operator()(const std::vector<MatrixTask<T>>& tasks) const {
    std::vector<const MatrixProduct<T>*> by_blas;
    for (const MatrixTask<T>& task : tasks) {
      const bool blas = task.product.arithmetic->summation.kind == precision::Summation::Kind::blas;
      if (std::is_floating_point_v<T> && blas) {
        by_blas.push_back(&task.product);
      } else {
        in_panels(task.product, *task.panels);
      }
    }
    if constexpr (std::is_floating_point_v<T>) through_blas(by_blas);
  }
  void operator()(const MatrixProduct<T>& product) const {
    Workspace<T> panels(kernels_.memory);
    (*this)({{product, &panels}});
  }

 private:
  void in_panels(const MatrixProduct<T>& product, Workspace<T>& panels) const {
    if (product.rows == 0 || product.columns == 0) return;
    if (panels.empty()) PanelPacker(product, kernels_.panel_columns, panels)(threads_);
    const kernels::MultiplyJob<T> job = job_of(product, panels.data());
    parallel_for({0, product.rows, 4}, threads_,
                 [&](std::size_t begin, std::size_t end) { kernels_.multiply(job, begin, end); });
  }
  void through_blas(const std::vector<const MatrixProduct<T>*>& products) const;
  void store(const MatrixProduct<T>& product) const;

  const kernels::KernelSet<T>& kernels_;
  unsigned threads_;
};

/// One block of a product's result, all of its depth.
template <class T>
struct BlasBlock {
  const MatrixProduct<T>* product = nullptr;
  std::size_t row = 0;
  std::size_t column = 0;
};

template <class T>
std::vector<BlasBlock<T>> blas_blocks(const std::vector<const MatrixProduct<T>*>& products) {
  std::vector<BlasBlock<T>> blocks;
  for (const MatrixProduct<T>* product : products) {
    for (std::size_t row = 0; row < product->rows; row += blas_rows) {
      for (std::size_t column = 0; column < product->columns; column += blas_columns)
        blocks.push_back({product, row, column});
    }
  }
  return blocks;
}

/// Terms [k, k + step) of a block's sums, or fewer at the end.
template <class T>
BlasCall<T> blas_call(const BlasBlock<T>& block, std::size_t k, std::size_t step) {
  const MatrixProduct<T>& product = *block.product;
  const bool over_tokens = product.a_transposed == Transpose::yes;
  const RightFactor<T>& b = product.b;
  const bool transposed = b.stored_transposed == Transpose::yes;
  BlasCall<T> call;
  call.rows = std::min(blas_rows, product.rows - block.row);
  call.columns = std::min(blas_columns, product.columns - block.column);
  call.depth = std::min(step, product.depth - k);
  call.a = product.a + block.row * product.a_row + k * product.a_depth;
  call.a_row = over_tokens ? product.a_depth : product.a_row;
  call.a_transposed = product.a_transposed;
  call.b = b.data + (transposed ? block.column * b.row + k : k * b.row + block.column);
  call.b_row = b.row;
  call.b_transposed = b.stored_transposed;
  call.out = product.out + block.row * product.columns + block.column;
  call.out_row = product.columns;
  call.continued = product.continued || k > 0;
  return call;
}

/// Fixed blocks, and fixed steps of sums over tokens: the same calls whatever the threads and the split.
template <class T>
void Multiplier<T>::through_blas(const std::vector<const MatrixProduct<T>*>& products) const {
  const std::vector<BlasBlock<T>> blocks = blas_blocks(products);
  parallel_for({0, blocks.size(), 1}, threads_, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const MatrixProduct<T>& product = *blocks[i].product;
      const std::size_t step = product.a_transposed == Transpose::yes ? blas_tokens : product.depth;
      for (std::size_t k = 0; k < product.depth; k += step) blas_multiply(blas_call(blocks[i], k, step));
    }
  });
  for (const MatrixProduct<T>* product : products) {
    const precision::Format& format = product->arithmetic->storage;
    const bool is_stored =
        std::is_same_v<T, float> ? precision::is_plain_fp32(format) : precision::is_plain_fp64(format);
    if (product->store && !is_stored) store(*product);
  }
}

template <class T>
void Multiplier<T>::store(const MatrixProduct<T>& product) const {
  kernels::ElementwiseJob<T> job;
  job.arithmetic = product.arithmetic;
  job.key = product.key;
  job.first = product.first_row * product.columns;
  job.a = product.out;
  job.out = product.out;
  parallel_for({0, product.rows * product.columns, 4096}, threads_,
               [&](std::size_t begin, std::size_t end) { kernels_.elementwise(job, begin, end); });
}

}  // namespace ulpscope::compressor
