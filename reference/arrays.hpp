// SPDX-License-Identifier: Apache-2.0
// Arrays of the oracle: xtensor arrays of fixed rank, to and from tensors of a tape.
//
// One rule holds in this folder: every reduction (sum, mean, amax) is assigned to a named array before it is used,
// because xtensor's lazy reducers are wrong inside a broadcast: e / xt::sum(e, {1}, xt::keep_dims) reads out of bounds
// (0.24 to 0.27).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>
#include <vector>
#include <xtensor/xbuilder.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

#include "core/compressor/tape.hpp"

namespace ulpscope::reference {

using Vector = xt::xtensor<double, 1>;
using Matrix = xt::xtensor<double, 2>;
using Entries = xt::xtensor<double, 3>;  ///< [B,n,d]; also tokens [B,S,features]
using Windows = xt::xtensor<double, 4>;  ///< [B,n,L,d]; also [B,n,ratio,c*d]

/// A tensor's values in fp64. The rank must be N: xtensor would not notice.
template <std::size_t N>
xt::xtensor<double, N> to_array(const compressor::Tensor& tensor) {
  if (tensor.shape.size() != N)
    throw std::invalid_argument("oracle: a tensor has shape " + compressor::to_string(tensor.shape));
  std::array<std::size_t, N> shape{};
  std::copy(tensor.shape.begin(), tensor.shape.end(), shape.begin());
  const std::vector<double> values = to_doubles(tensor);
  auto array = xt::xtensor<double, N>::from_shape(shape);
  std::copy(values.begin(), values.end(), array.begin());
  return array;
}

template <std::size_t N>
compressor::Tensor to_tensor(const xt::xtensor<double, N>& array) {
  return {compressor::Shape(array.shape().begin(), array.shape().end()),
          std::vector<double>(array.begin(), array.end()), io::DType::f64};
}

/// [B,n,d] as [B,n,1,d]: an entry's value at each of its slots.
inline auto at_slots(const Entries& x) { return xt::view(x, xt::all(), xt::all(), xt::newaxis(), xt::all()); }
/// [B,n] as [B,n,1]: a row's value at each of its channels.
inline auto at_channels(const Matrix& x) { return xt::view(x, xt::all(), xt::all(), xt::newaxis()); }

/// Sum over the first two axes, batch and entries; 0 where there is no entry (xtensor would step past an empty array).
template <std::size_t N>
xt::xtensor<double, N - 2> sum_entries(const xt::xtensor<double, N>& x) {
  std::array<std::size_t, N - 2> shape{};
  std::copy(x.shape().begin() + 2, x.shape().end(), shape.begin());
  xt::xtensor<double, N - 2> total = xt::zeros<double>(shape);
  if (x.size() > 0) total = xt::sum(x, {0, 1});
  return total;
}

/// [B,S,f] as [B*S,f].
Matrix join_batch(const Entries& x);
/// [B*S,f] as [B,S,f], with B and S of `like`.
Entries split_batch(const Matrix& rows, const Entries& like);

/// A B, by BLAS.
Matrix product(const Matrix& a, const Matrix& b);

}  // namespace ulpscope::reference
