// SPDX-License-Identifier: Apache-2.0
// Recording arithmetic: any format, one scalar at a time, every operation written down with its operands, so that a
// value can be followed back to where it stopped being finite. For replays of single elements; slow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "precision/emulated.hpp"
#include "precision/exp_variant.hpp"

namespace ulpscope::precision {

/// A value that knows where it comes from: an operation of the recorder, an input (a caller's own number), or nothing
/// (a constant).
struct Recorded {
  double value = 0;
  std::uint64_t origin = 0;  ///< 0: a constant

  Recorded() = default;
  explicit Recorded(double x) : value(x) {}
  Recorded(double x, std::uint64_t from) : value(x), origin(from) {}

  static constexpr std::uint64_t input_bit = std::uint64_t{1} << 63;
  static Recorded input(double x, std::uint64_t number) { return {x, number | input_bit}; }
  bool is_input() const { return (origin & input_bit) != 0; }
  std::uint64_t input_number() const { return origin & ~input_bit; }
};

struct Operation {
  std::string_view name;  ///< "add", "sub", "mul", "div", "fma", "exp", "log", "sqrt", "round", "max"
  Recorded result;
  std::array<Recorded, 3> operands{};
  int count = 0;
  int format = 0;  ///< what the result was rounded to; see Recorder::format
};

/// What the Recording arithmetics of this thread did while this object lives; one at a time per thread.
class Recorder {
 public:
  /// `exp`: whose exponential the recorded `exp` is.
  explicit Recorder(Exp exp);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  /// Throws std::logic_error where there is none.
  static Recorder& current();

  Exp exp() const { return exp_; }
  Recorded note(Operation operation);
  int number_of(const Format& format);
  const Format& format(int number) const { return formats_[static_cast<std::size_t>(number)]; }
  /// The operation that made a value; null: an input or a constant.
  const Operation* find(const Recorded& value) const;
  /// From a value that is not finite back along operands that are not: the operation whose own operands are finite, or
  /// inputs. Null: the value is no operation's.
  const Operation* birth_of(const Recorded& value) const;
  /// The operation of a value, below the roundings that only stored it. Null: no operation's.
  const Operation* maker_of(const Recorded& value) const;

 private:
  Exp exp_;
  std::vector<Operation> operations_;
  std::vector<Format> formats_;
};

/// What went wrong where an operation's result is not finite: "inf - inf", "0 * inf", "0/0", "inf/inf", "x/0",
/// "overflow", "sqrt of a negative number", "log of zero", "log of a negative number"; "inf" where an operand was
/// infinite and stays so; "nan" where one is NaN.
std::string_view birth_class(const Operation& operation);

/// The concept Arithmetic over Recorded values; a Recorder must live on the thread. Emulated does the arithmetic.
class Recording {
 public:
  using value_type = Recorded;
  using scalar_type = Recorded;
  using mask_type = bool;
  static constexpr int lanes = 1;

  Recording() = default;
  explicit Recording(const Format& format) : arithmetic_(format), format_(Recorder::current().number_of(format)) {}

  Recorded add(const Recorded& a, const Recorded& b) const {
    return note("add", arithmetic_.add(a.value, b.value), {a, b}, 2);
  }
  Recorded sub(const Recorded& a, const Recorded& b) const {
    return note("sub", arithmetic_.sub(a.value, b.value), {a, b}, 2);
  }
  Recorded mul(const Recorded& a, const Recorded& b) const {
    return note("mul", arithmetic_.mul(a.value, b.value), {a, b}, 2);
  }
  Recorded div(const Recorded& a, const Recorded& b) const {
    return note("div", arithmetic_.div(a.value, b.value), {a, b}, 2);
  }
  Recorded fma(const Recorded& a, const Recorded& b, const Recorded& c) const {
    return note("fma", arithmetic_.fma(a.value, b.value, c.value), {a, b, c}, 3);
  }
  Recorded sqrt(const Recorded& a) const { return note("sqrt", arithmetic_.sqrt(a.value), {a}, 1); }
  Recorded exp(const Recorded& a) const;
  Recorded log(const Recorded& a) const;
  /// A rounding that changes nothing is no operation.
  Recorded round(const Recorded& a) const;
  Recorded neg(const Recorded& a) const { return {-a.value, a.origin}; }
  Recorded from(double x) const { return Recorded(arithmetic_.from(x)); }

  static Recorded constant(double x) { return Recorded(x); }
  static Recorded max(const Recorded& a, const Recorded& b) {
    return is_nan(b) ? b : is_nan(a) || !(b.value > a.value) ? a : b;
  }
  static Recorded select(bool mask, const Recorded& a, const Recorded& b) { return mask ? a : b; }
  static bool less(const Recorded& a, const Recorded& b) { return a.value < b.value; }
  static bool equal(const Recorded& a, const Recorded& b) { return a.value == b.value; }
  static bool is_nan(const Recorded& a) { return a.value != a.value; }

 private:
  Recorded note(std::string_view name, double value, const std::array<Recorded, 3>& operands, int count) const {
    return Recorder::current().note({name, Recorded(value), operands, count, format_});
  }

  Emulated<double> arithmetic_;
  int format_ = 0;
};

}  // namespace ulpscope::precision
