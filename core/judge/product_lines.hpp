// SPDX-License-Identifier: Apache-2.0
// Lines of a product's factors, laid out so that parts of a few of them stay in the first cache. Internal to
// core/judge.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "core/compressor/tape.hpp"
#include "core/judge/array_loops.hpp"
#include "core/judge/line_squares.hpp"
#include "core/judge/slot_product.hpp"
#include "precision/format.hpp"

namespace ulpscope::judge {

/// A factor as it is given, and the format to which the stage rounds it first (nothing: none, or it is rounded).
struct GivenFactor {
  compressor::Tensor tensor;
  std::optional<precision::Format> format;
};
struct GivenProduct {
  SlotProduct product;
  GivenFactor left;
  GivenFactor right;
  std::function<const LineSquares&()> right_squares;  ///< of the right one as the stage reads it, once they are needed
};

/// Lines of a block, and of a panel of it, whose parts meet a line's together.
inline constexpr std::size_t panel_lines = 16;
inline constexpr std::size_t block_panels = 8;
inline constexpr std::size_t block_lines = block_panels * panel_lines;
/// Which lines of a block.
using LineSet = std::array<bool, block_lines>;

/// Values, any at first, that start a cache line: packs that lie across two cost two reads. Of what is never written no
/// page is ever made.
template <class T>
class AlignedValues {
 public:
  explicit AlignedValues(std::size_t count)
      : lines_(std::make_unique_for_overwrite<Line[]>((count + per_line - 1) / per_line)) {}
  T* data() { return lines_[0].data(); }
  const T* data() const { return lines_[0].data(); }

 private:
  static constexpr std::size_t cache_line = 64;
  static constexpr std::size_t per_line = cache_line / sizeof(T);
  struct alignas(cache_line) Line : std::array<T, per_line> {};
  std::unique_ptr<Line[]> lines_;
};

/// At least the Euclidean norm of `count` values, from their squares' sum in T: infinite or NaN where one of them is
/// not finite, or its square is out of range.
template <class T>
double norm_of(double squares, std::size_t count);

/// Some lines of a factor as the stage reads them: [panels, parts, panel_lines, part_terms], missing terms 0.
template <class T>
class LineBlock {
 public:
  /// The references must outlive this.
  LineBlock(const ProductFactor& factor, const GivenFactor& given, std::size_t terms);

  /// From here on lines from `first` on, which are to be loaded.
  void begin(std::size_t first);
  /// Loads those lines that are not yet.
  void load(const LineSet& needed);

  std::size_t parts() const { return parts_; }
  /// The lines of a panel.
  const T* part(std::size_t panel, std::size_t i) const {
    return values_.data() + (panel * parts_ + i) * panel_lines * part_terms;
  }
  const T* part_of_line(std::size_t line, std::size_t i) const {
    return part(line / panel_lines, i) + line % panel_lines * part_terms;
  }
  /// norm_of a line; 0: nothing but zeros.
  double norm(std::size_t line) const { return norms_[line]; }

 private:
  T* at(std::size_t line, std::size_t term) {
    const std::size_t panel = line / panel_lines * parts_ + term / part_terms;
    return values_.data() + (panel * panel_lines + line % panel_lines) * part_terms + term % part_terms;
  }
  template <class From>
  void copy(const From* line, std::size_t to);
  template <class From>
  void turn(const From* from, std::size_t lines);
  void fill_up(std::size_t line);
  void measure(std::size_t line);

  const ProductFactor& factor_;
  const GivenFactor& given_;
  std::size_t terms_;
  std::size_t parts_;
  std::size_t first_ = 0;
  AlignedValues<T> values_;
  LineSet loaded_{};
  bool turned_ = false;
  std::array<double, block_lines> norms_{};
};

/// As the stage reads them.
template <class T>
void round_factor(std::span<T> values, const GivenFactor& given);

}  // namespace ulpscope::judge
