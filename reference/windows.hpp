// SPDX-License-Identifier: Apache-2.0
// S3: which token stands in which softmax slot; gathering tokens into slots, and back.
#pragma once

#include "reference/arrays.hpp"
#include "reference/oracle.hpp"

namespace ulpscope::reference {

/// Softmax slot r of window i holds
///   without overlap: token r of window i, all features;
///   with overlap:    r < m: token r of window i-1, FIRST half of the features ("a");
///                    r >= m: token r-m of window i, SECOND half ("b").
/// Before window 0 stands the prior window, where the problem has one. A slot without a token holds the pad; so does a
/// slot whose token the mask or segment policy excludes.
class SlotMap {
 public:
  SlotMap(const compressor::Problem& problem, const OracleOptions& options);

  /// [B,S,c*d] -> [B,n,m,c*d]: the whole windows; the remainder is dropped.
  Windows cut(const Entries& tokens) const;
  /// [B,n,m,c*d] -> [B,S,c*d]: the VJP of cut; the remainder gets 0.
  Entries join(const Windows& windows) const;
  /// [B,n,m,c*d] (and the prior window [B,m,c*d], empty without one) -> [B,n,L,d]; excluded slots hold `pad`.
  Windows gather(const Windows& windows, const Entries& prior, double pad) const;
  /// The VJP of gather with respect to `windows`: a half that stands in no slot, and what excluded slots got, is 0.
  Windows scatter(const Windows& slots) const;
  /// The VJP of gather with respect to the prior window.
  Entries scatter_prior(const Windows& slots) const;
  /// [m,c*d] -> [L,d]: row r < m is P[r,:d], row m+r is P[r,d:] (without overlap P itself).
  Matrix lay_out(const Matrix& bias) const;
  /// The VJP of lay_out.
  Matrix lay_back(const Matrix& rows) const;

 private:
  bool holds_token(std::size_t b, std::size_t i, std::size_t r) const;
  double segment(std::size_t b, std::size_t window) const;
  Windows without_pads(const Windows& slots) const;

  compressor::Config config_;
  compressor::SegmentPolicy segments_;
  bool has_prior_;
  Matrix mask_;                    ///< [B,S]; 0: excluded
  Matrix ids_;                     ///< [B,S]
  xt::xtensor<bool, 3> excluded_;  ///< [B,n,L]
};

}  // namespace ulpscope::reference
