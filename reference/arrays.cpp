// SPDX-License-Identifier: Apache-2.0
// Moves between xtensor arrays and tensors.
#include "reference/arrays.hpp"

#include <xtensor-blas/xlinalg.hpp>
#include <xtensor/xbuilder.hpp>

namespace ulpscope::reference {

Matrix join_batch(const Entries& x) {
  auto rows = Matrix::from_shape({x.shape(0) * x.shape(1), x.shape(2)});
  std::copy(x.begin(), x.end(), rows.begin());
  return rows;
}

Entries split_batch(const Matrix& rows, const Entries& like) {
  auto x = Entries::from_shape({like.shape(0), like.shape(1), rows.shape(1)});
  std::copy(rows.begin(), rows.end(), x.begin());
  return x;
}

Matrix product(const Matrix& a, const Matrix& b) {
  if (a.shape(1) != b.shape(0)) throw std::invalid_argument("oracle: a matrix product of shapes that do not fit");
  Matrix c = xt::zeros<double>({a.shape(0), b.shape(1)});
  if (c.size() == 0 || a.shape(1) == 0) return c;
  const auto values = xt::linalg::dot(a, b);
  std::copy(values.begin(), values.end(), c.begin());
  return c;
}

}  // namespace ulpscope::reference
