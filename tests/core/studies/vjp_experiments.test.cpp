// SPDX-License-Identifier: Apache-2.0
// Gradients of the softmax beside pads, and the bands of exp(x) / sum exp(x), in exact figures.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "core/compressor/choices.hpp"
#include "core/compressor/run.hpp"
#include "core/studies/windows.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/distance.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::studies;
using ulpscope::io::Json;
using ulpscope::test::same_bits;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const auto fp64 = ulpscope::precision::parse_format("fp64");

/// Rows of logits and of cotangents of the weights, each row a channel: what a run pinned on them gives.
class PinnedRows {
 public:
  /// `rows`: [channels][slots]
  PinnedRows(WindowSpec spec, const std::vector<std::vector<double>>& rows, const std::vector<double>& cotangent)
      : slots_(spec.slots()), channels_(rows.size()) {
    spec.channels = channels_;
    start_ = start_of(spec);
    std::vector<double> logits;
    std::vector<double> slopes;
    for (std::size_t r = 0; r < slots_; ++r) {
      for (const std::vector<double>& row : rows) {
        logits.push_back(static_cast<double>(static_cast<float>(row[r])));
        slopes.push_back(cotangent[r]);
      }
    }
    const Shape shape{1, 1, slots_, channels_};
    start_.given.set(forward(Name::logits), {shape, logits, ulpscope::io::DType::f64}, fp64);
    start_.given.set(gradient(Name::weights), {shape, slopes, ulpscope::io::DType::f64}, fp64);
  }
  Tape tape(const Json& overlay) const { return run(start_, variant(load_recipe("fp32"), overlay)); }
  /// One channel's values of a slot.
  std::vector<double> row(const Tape& tape, Slot slot, std::size_t channel) const {
    std::vector<double> values;
    for (std::size_t r = 0; r < slots_; ++r) values.push_back(tensor_in(tape, slot).at(r * channels_ + channel));
    return values;
  }

 private:
  std::size_t slots_;
  std::size_t channels_;
  Start start_;
};

Json rule(const char* softmax, const char* vjp) {
  return {{"softmax", softmax}, {"stages", {{"softmax", {{"vjp", vjp}}}, {"online", {{"tile", 4}}}}}};
}

PinnedRows rows_with_pads() {
  std::vector<std::vector<double>> rows;
  for (const double pad : {-1e4, -static_cast<double>(std::numeric_limits<float>::max()), -infinity})
    rows.push_back({pad, pad, pad, pad, 0.3, -1.2, 0.9, 0.1});
  return PinnedRows({}, rows, {0, 0, 0, 0, 0.5, -0.25, 1.5, -0.75});
}

bool any_nan(const std::vector<double>& row) {
  return std::any_of(row.begin(), row.end(), [](double x) { return std::isnan(x); });
}
bool any_inf(const std::vector<double>& row) {
  return std::any_of(row.begin(), row.end(), [](double x) { return std::isinf(x); });
}
bool all_zero(const std::vector<double>& row) {
  return std::all_of(row.begin(), row.end(), [](double x) { return x == 0; });
}

/// Logits L, L + step, ...: what exp(x) / sum exp(x) over 4 equal ones gives, forward and by a rule of division.
class Bands {
 public:
  Bands(const char* vjp, double first, double step, const Json& edit = Json::object()) {
    for (int i = 0; i < 1024; ++i) rows_.emplace_back(4, first + i * step);
    WindowSpec spec;
    spec.front = Front::none;
    pinned_.emplace(spec, rows_, std::vector<double>{0.5, -0.25, 1.5, -0.75});
    Json overlay = rule("naive", vjp);
    overlay.merge_patch(edit);
    tape_ = pinned_->tape(overlay);
  }
  /// The first L at which `holds` is true of the slot's row.
  template <class Holds>
  double first(Slot slot, Holds holds) const {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (holds(pinned_->row(tape_, slot, i))) return static_cast<double>(static_cast<float>(rows_[i][0]));
    }
    return std::numeric_limits<double>::quiet_NaN();
  }

 private:
  std::vector<std::vector<double>> rows_;
  std::optional<PinnedRows> pinned_;
  Tape tape_;
};

const Slot grad_logits = gradient(Name::logits);
const Slot weights = forward(Name::weights);

}  // namespace

TEST_CASE("E7: JAX's gradient is the same number, bit for bit, beside pads of -1e4, finfo.min and -inf") {
  const double expected[] = {0, 0, 0, 0, -0x1.5a6ap-5, -0x1.b0168ep-5, 0x1.93fb5ep-2, -0x1.32ab48p-2};
  const PinnedRows pinned = rows_with_pads();
  const Tape tape = pinned.tape(rule("shifted", "gy_minus_ys"));
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const std::vector<double> row = pinned.row(tape, grad_logits, channel);
    for (std::size_t r = 0; r < 8; ++r) {
      INFO("pad " << channel << ", slot " << r << ": " << row[r]);
      CHECK(same_bits(row[r], expected[r]));
    }
  }
}

TEST_CASE("E7: y (g - s) gives -0 at pads; every rule is finite, and the same beside all three pads") {
  const PinnedRows pinned = rows_with_pads();
  for (const std::string& vjp : choice_names<SoftmaxVjp>()) {
    INFO(vjp);
    const Tape tape = pinned.tape(rule("shifted", vjp.c_str()));
    const std::vector<double> first = pinned.row(tape, grad_logits, 0);
    CHECK(!any_nan(first));
    for (std::size_t r = 0; r < 4; ++r) CHECK(first[r] == 0);
    for (std::size_t r = 4; r < 8; ++r) CHECK(first[r] != 0);
    if (vjp == "y_times_g_minus_s") CHECK(same_bits(first[0], -0.0));
    for (std::size_t channel = 1; channel < 3; ++channel) {
      const std::vector<double> row = pinned.row(tape, grad_logits, channel);
      for (std::size_t r = 0; r < 8; ++r) CHECK(same_bits(row[r], first[r]));
    }
  }
}

TEST_CASE("E7: an online softmax without a guard that meets a tile of -inf first gives 8 NaN, a guarded one none") {
  const PinnedRows pinned = rows_with_pads();
  const Tape online = pinned.tape(rule("online", "gy_minus_ys"));
  const Tape guarded = pinned.tape(rule("online_guarded", "gy_minus_ys"));
  for (const Slot slot : {weights, grad_logits}) {
    for (const double x : pinned.row(online, slot, 2)) CHECK(std::isnan(x));
    for (std::size_t channel = 0; channel < 2; ++channel) CHECK(!any_nan(pinned.row(online, slot, channel)));
    for (std::size_t channel = 0; channel < 3; ++channel) CHECK(!any_nan(pinned.row(guarded, slot, channel)));
  }
}

TEST_CASE("E8: JAX's rule of division squares the sum: NaN at L <= -45.75, silently wrong at L >= 42.984375") {
  const Bands low("autodiff:jax_div", -20, -0.125);
  CHECK(low.first(grad_logits, any_nan) == -45.75);
  CHECK(low.first(weights, any_nan) == -104);  // the forward holds out much longer
  const double truth[] = {0.0625, -0.125, 0.3125, -0.25};
  const double wrong[] = {0.125, -0.0625, 0.375, -0.1875};
  const auto is = [](const double* expected) {
    return [expected](const std::vector<double>& row) {
      // The mean that is subtracted is right to the last place or missing altogether.
      for (std::size_t r = 0; r < 4; ++r) {
        if (!(std::fabs(row[r] - expected[r]) <= 0x1p-20)) return false;
      }
      return true;
    };
  };
  const Bands high("autodiff:jax_div", 40, 0x1p-6);
  CHECK(high.first(grad_logits, is(truth)) == 40);
  CHECK(high.first(grad_logits, is(wrong)) == 42.984375);
  const Bands torch("autodiff:torch_div", 40, 0x1p-6);
  CHECK(std::isnan(torch.first(grad_logits, is(wrong))));  // PyTorch's rule has no such band
}

TEST_CASE("E8: where subnormal numbers are flushed, as JAX does on a CPU, NaN begins at -45.125 and errors at 41.625") {
  // 1 / D^2 is flushed, and its quarter (the cotangent -0.25 of it): 16 exp(2 L) beyond 2^126, and beyond 2^124.
  const Json flushed{{"default", "fp32:ftz:daz"}, {"stages", {{"softmax", {{"division", "reciprocal"}}}}}};
  CHECK(Bands("autodiff:jax_div", -20, -0.125, flushed).first(grad_logits, any_nan) == -45.125);
  const auto wrong = [](const std::vector<double>& row) { return !(std::fabs(row[0] - 0.0625) <= 0x1p-20); };
  CHECK(Bands("autodiff:jax_div", 40, 0.125, flushed).first(grad_logits, wrong) == 41.625);
  // XLA multiplies by the reciprocal of the sum, which is 0 from 4 exp(L) = 2^126 on.
  const double first_zero = Bands("autodiff:jax_div", 85.94, 0x1p-14, flushed).first(weights, all_zero);
  CHECK(std::fabs(first_zero - 124 * std::log(2.0)) <= 0x1p-14);
}

TEST_CASE(
    "E8: PyTorch's rule of division is infinite at L <= -89.75 and NaN at L <= -91, in another order at -91.125") {
  for (const char* vjp : {"autodiff:torch_div", "autodiff:torch_two_exp"}) {
    INFO(vjp);
    const Bands bands(vjp, -60, -0.125);
    CHECK(bands.first(grad_logits, any_inf) == -89.75);
    // -0.4375 / D, a partial sum of the denominator's gradient, overflows before any term does: PyTorch 2.13 on a CPU
    // gives NaN at -91 too. Summed in pairs no partial sum is larger than its terms.
    CHECK(bands.first(grad_logits, any_nan) == -91.0);
    const Bands pairs(vjp, -60, -0.125, {{"stages", {{"softmax", {{"summation", "pairwise"}}}}}});
    CHECK(pairs.first(grad_logits, any_inf) == -89.75);
    CHECK(pairs.first(grad_logits, any_nan) == -91.125);
  }
}

TEST_CASE("E8: without a shift the forward is NaN at L <= -103.97208404541016, all 0 above 87.34 and NaN above 88.73") {
  const double step = 0x1p-17;  // of fp32 at 100
  CHECK(Bands("gy_minus_ys", -103.97208404541016 + 64 * step, -step).first(weights, any_nan) == -103.97208404541016);
  const Bands high("gy_minus_ys", 87.3365447505531 - 512 * step, step);
  const double first_zero = high.first(weights, all_zero);
  CHECK(first_zero > 87.33654);  // 4 exp(L) overflows from ln(max / 4) on
  CHECK(first_zero < 87.33656);
  const double first_nan = Bands("gy_minus_ys", 88.722839 - 512 * step, step).first(weights, any_nan);
  CHECK(first_nan > 88.7228);
  CHECK(first_nan < 88.7229);
}
