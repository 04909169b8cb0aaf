// SPDX-License-Identifier: Apache-2.0
// Differences of enclosures, their norms and shares, on the elements that attribution admits. Internal to core/judge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/compressor/tape.hpp"
#include "core/judge/attribution_result.hpp"
#include "core/judge/exact.hpp"

namespace ulpscope::judge {

/// a - b, element by element. Equal infinities differ by 0; elsewhere a NaN or an infinity gives NaN.
struct Difference {
  std::vector<double> value;
  std::vector<double> radius;  ///< the subtraction's own roundings in it; empty: none of the two has one
};
Difference difference(const Enclosure& a, const Enclosure& b);

/// A run's slot as an enclosure: exact.
Enclosure enclosure_of(const compressor::Tensor& tensor);
/// The first rows of every batch row, as a partial dump holds them.
void crop(Enclosure& enclosure, const compressor::Shape& shape);

/// Which elements of the target count.
class Admitted {
 public:
  explicit Admitted(std::size_t count) : in_(count, 1) {}
  /// Leaves out what is NaN in `value`; true: something was still in.
  bool leave_out(const std::vector<double>& value);
  bool at(std::size_t i) const { return in_[i] != 0; }
  std::size_t count() const { return in_.size(); }
  std::size_t excluded() const;

 private:
  std::vector<std::uint8_t> in_;
};

/// The error that is to be owned, and the size of the truth.
class OwnedError {
 public:
  /// error = run - truth. Elements that are not admitted count for nothing.
  OwnedError(const Difference& error, const Enclosure& truth, const Admitted& admitted);
  Contribution contribution(const Difference& part) const;
  /// ||error - sum|| / ||error||; 0 where there is no error.
  double residual(const std::vector<double>& sum) const;

 private:
  const Difference& error_;
  const Admitted& admitted_;
  double square_ = 0;        ///< <error, error>
  double square_slack_ = 0;  ///< what the radii of the error, and the sum's own roundings, may make of it
  double truth_ = 0;         ///< <truth, truth>
};

}  // namespace ulpscope::judge
