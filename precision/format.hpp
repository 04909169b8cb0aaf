// SPDX-License-Identifier: Apache-2.0
// Number formats as data: what a format can represent, and how results are brought into it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ulpscope::precision {

/// Direction of rounding; suffixes of a format's name: none, ra, rz, rd, ru, odd, sr.
/// `odd`: an inexact result goes to the neighbour with the odd significand [Boldo-Melquiond08].
enum class RoundingMode : std::uint8_t { nearest_even, nearest_away, toward_zero, down, up, odd, stochastic };

/// Which special values a format encodes: infinities and NaN; NaN only (OCP E4M3); neither (OCP FP6, FP4: overflow
/// always saturates, and a NaN stays a NaN in the carrier, because numerics must not hide it).
enum class Special : std::uint8_t { ieee, nan_only, none };

/// Largest and smallest carrier in which Emulated computes a format.
enum class CarrierKind : std::uint8_t { float32, float64 };

/// A binary floating-point format with subnormals. Primary facts only; everything else is derived.
struct Format {
  std::string name;       ///< canonical, suffixes included: "bf16:ftz:rz"
  int precision = 53;     ///< p: significand bits, the hidden one included
  int emin = -1022;       ///< exponent of the smallest normal number 2^emin
  int emax = 1023;        ///< exponent of the largest finite number
  double max_finite = 0;  ///< largest finite value
  Special special = Special::ieee;
  bool saturate = false;       ///< overflow (and infinite input) gives max_finite
  bool flush_results = false;  ///< FTZ: a rounded result below 2^emin becomes a zero of its sign
  bool flush_inputs = false;   ///< DAZ: the same for operands
  RoundingMode mode = RoundingMode::nearest_even;
};

/// Same values and same behaviour; names are labels and do not count ("e8m7" == "bf16").
bool operator==(const Format& a, const Format& b);

/// A name of the table or an alias, or ad hoc `eXmY` (X 2..8, Y 1..23, IEEE-like with infinities; table names win),
/// then `[:sat][:ftz][:daz][:MODE]`. Throws std::invalid_argument with one sentence listing the known names.
Format parse_format(std::string_view name);

/// THE table: every named format, in the order in which reports print them.
std::span<const Format> formats();

double unit_roundoff(const Format& format);  ///< 2^-p
double min_normal(const Format& format);     ///< 2^emin
double min_subnormal(const Format& format);  ///< 2^(emin - p + 1)
int exponent_bits(const Format& format);     ///< width of the exponent field
int total_bits(const Format& format);        ///< sign, exponent field and p - 1 fraction bits

/// True if the plain type (nearest even, no flags) is this format: the arithmetic needs no emulation.
bool is_plain_fp32(const Format& format);
bool is_plain_fp64(const Format& format);

/// The cheapest carrier of Emulated for this format: float for plain fp32, fp16 and p <= 10 in nearest modes, else
/// double.
CarrierKind carrier_of(const Format& format);

/// The suffix that writes a mode: "" for nearest even.
std::string_view suffix(RoundingMode mode);

}  // namespace ulpscope::precision
