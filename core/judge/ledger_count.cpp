// SPDX-License-Identifier: Apache-2.0
// The pass over a slot's elements is the whole cost of a slot that holds nothing to explain.
#include "core/judge/ledger_count.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <type_traits>

#include "core/judge/array_loops.hpp"

namespace ulpscope::judge {
namespace {

/// Subnormal numbers beyond this share of a slot are worth a pass over what its stage reads.
constexpr std::size_t many_share = 256;

constexpr std::size_t inquiries = count_block / inquiry_block;

/// Of the finite ones.
template <class T>
double sum_of_squares(std::span<const T> values) {
  std::array<double, square_lanes> lanes{};
  const ArrayLoops<T>& loops = array_loops<T>();
  const std::size_t whole = values.size() / square_lanes * square_lanes;
  loops.add_squares(values.data(), whole, lanes.data());
  std::array<T, square_lanes> rest{};
  std::copy(values.begin() + static_cast<std::ptrdiff_t>(whole), values.end(), rest.begin());
  loops.add_squares(rest.data(), rest.size(), lanes.data());
  return std::accumulate(lanes.begin(), lanes.end(), 0.0);
}

template <class T>
std::span<const T> span_of(const io::Buffer<T>& values) {
  return {values.data(), values.size()};
}

template <std::size_t lanes>
double total(const std::array<double, lanes>& sums) {
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

using StepCounts = std::array<std::uint64_t, loss_steps>;
StepCounts lost_by_step(const LossSums& losses) {
  StepCounts lost{};
  std::uint64_t later = 0;
  for (std::size_t step = loss_steps; step-- > 0;) {
    const auto& from = losses.from[step];
    const std::uint64_t all = std::accumulate(from.begin(), from.end(), std::uint64_t{0});
    lost[step] = all - later;
    later = all;
  }
  return lost;
}

/// Places below `end`, of a block.
Neighbours below(std::size_t end) { return end == inquiry_block ? ~Neighbours{0} : (Neighbours{1} << end) - 1; }

double share_of(double part, double whole) { return part == 0 ? 0 : std::sqrt(part / whole); }

template <class T>
Bits<T> magnitude_bits(T value) {
  return std::bit_cast<Bits<T>>(value) & std::numeric_limits<Bits<T>>::max();
}

/// What is smaller than `below` is small. A carrier may be narrower than the format; its zeros are to be seen all the
/// same.
template <class T>
Ends<T> ends_of(const SlotMechanism& mechanism, double below) {
  return {std::max(magnitude_bits(static_cast<T>(below)), Bits<T>{1}),
          magnitude_bits(static_cast<T>(mechanism.clamp()))};
}

/// Calls of(block, first element) for one block after the other; the last is filled up with infinities, which nothing
/// counts.
template <class T, class F>
void for_each_block(std::span<const T> values, F of) {
  const std::size_t whole = values.size() / count_block * count_block;
  for (std::size_t first = 0; first < whole; first += count_block) of(values.data() + first, first);
  if (whole == values.size()) return;
  std::array<T, count_block> rest;
  rest.fill(std::numeric_limits<T>::infinity());
  std::copy(values.begin() + static_cast<std::ptrdiff_t>(whole), values.end(), rest.begin());
  of(rest.data(), whole);
}

}  // namespace

std::vector<Cause> CauseCounts::list() const {
  std::vector<Cause> causes;
  for (std::size_t mechanism = 0; mechanism < mechanisms; ++mechanism) {
    for (std::size_t effect = 0; effect < effects; ++effect) {
      const std::uint64_t count = counts_[mechanism][effect];
      if (count != 0) causes.push_back({static_cast<Mechanism>(mechanism), static_cast<Effect>(effect), count});
    }
  }
  return causes;
}

namespace {

/// A block as doubles; missing ones 0.
template <class T>
const double* doubles_of(std::span<const T> block, std::array<double, count_block>& workspace) {
  if constexpr (std::is_same_v<T, double>) {
    if (block.size() == count_block) return block.data();
  }
  workspace.fill(0);
  std::copy(block.begin(), block.end(), workspace.begin());
  return workspace.data();
}

template <class T>
std::span<const T> block_of(std::span<const T> values, std::size_t first) {
  return values.subspan(first, std::min(count_block, values.size() - first));
}

/// What the truth has where the run has 0. Blocks that hold no zero are read only if something is lost in others.
template <class T>
class LostShare {
 public:
  explicit LostShare(std::span<const T> truth) : truth_(truth) {}

  /// The block that begins there holds zeros.
  template <class Found>
  void add(const Found* block, std::size_t first) {
    array_loops<Found>().add_lost(block, doubles_of(block_of(truth_, first), workspace_), count_block, sums_);
  }
  /// The block that begins there holds none.
  void add_other(std::size_t first) {
    if (total(sums_.lost) == 0) {
      unread_.push_back(first);
    } else {
      others_ += sum_of_squares(block_of(truth_, first));
    }
  }

  void write(LedgerLine& line) {
    line.lost = 0;
    line.underflowed = static_cast<std::uint64_t>(total(sums_.count));
    const double lost = total(sums_.lost);
    if (lost == 0) return;
    for (const std::size_t first : unread_) others_ += sum_of_squares(block_of(truth_, first));
    line.lost = share_of(lost, total(sums_.all) + others_);
  }

 private:
  std::span<const T> truth_;
  LostSums sums_;                    ///< of blocks that hold zeros
  double others_ = 0;                ///< squares of other blocks
  std::vector<std::size_t> unread_;  ///< other blocks' first elements
  std::array<double, count_block> workspace_;
};

}  // namespace

SlotCount::SlotCount(compressor::Slot slot, const compressor::Tensor& found, const compressor::Tensor* truth,
                     SlotMechanism mechanism)
    : found_(found), values_(found), mechanism_(std::move(mechanism)) {
  line_.slot = slot;
  line_.format = mechanism_.storage().name;
  line_.count = found.size();
  const auto count = [&](const auto& values) {
    if (truth == nullptr || truth->size() != found.size()) return count_all(span_of(values), std::span<const double>());
    std::visit([&](const auto& exact) { count_all(span_of(values), span_of(exact)); }, truth->data);
  };
  std::visit(count, found.data);
}

template <class T, class U>
void SlotCount::count_all(std::span<const T> values, std::span<const U> truth) {
  const Ends<T> ends = ends_of<T>(mechanism_, precision::min_normal(mechanism_.storage()));
  const Ends<T> zeros = ends_of<T>(mechanism_, 0);
  const ArrayLoops<T>& loops = array_loops<T>();
  LostShare<U> lost(truth);
  asked_for_.resize((values.size() + count_block - 1) / count_block * inquiries);
  for_each_block(values, [&](const T* block, std::size_t first) {
    const BlockCount counts = loops.count(block, ends);
    line_.zero += counts.zero;
    line_.subnormal += counts.small - counts.zero;
    asked_ += counts.zero + counts.clamped;
    if (counts.zero + counts.clamped != 0) loops.mark(block, zeros, asked_for_.data() + first / inquiry_block);
    if (truth.empty()) return;
    counts.zero != 0 ? lost.add(block, first) : lost.add_other(first);
  });
  has_zeros_only_ = asked_ == line_.zero;
  if (!truth.empty() && line_.zero != 0) lost.write(line_);
}

bool SlotCount::has_many_subnormals() const {
  return mechanism_.asked_below() != 0 && line_.subnormal > found_.size() / many_share;
}

void SlotCount::skip_exact_sums() {
  if (!has_zeros_only_ || !mechanism_.adds_exact_zeros()) return;
  asked_ = 0;
}

void SlotCount::ask_subnormals() {
  const double below = mechanism_.asked_below();
  if (line_.subnormal == 0 || below == 0) return;
  has_zeros_only_ = false;
  std::visit([&](const auto& values) { ask_all(span_of(values), below); }, found_.data);
}

template <class T>
void SlotCount::ask_all(std::span<const T> values, double below) {
  const Ends<T> ends = ends_of<T>(mechanism_, below);
  asked_ = 0;
  for_each_block(values, [&](const T* block, std::size_t first) {
    const BlockCount counts = array_loops<T>().count(block, ends);
    asked_ += counts.small + counts.clamped;
    if (!counts.is_ordinary()) array_loops<T>().mark(block, ends, asked_for_.data() + first / inquiry_block);
  });
}

/// It may begin within one of ours, and end in the next.
Neighbours SlotCount::find(std::size_t first, std::size_t size) const {
  const std::size_t place = first / inquiry_block;
  const std::size_t skipped = first % inquiry_block;
  Neighbours some = asked_for_[place] >> skipped;
  if (skipped + size > inquiry_block) some |= asked_for_[place + 1] << (inquiry_block - skipped);
  return some & below(size);
}

/// Rounding is monotone: what is true of both ends, on one side of 0, is true between them.
bool SlotCount::take_number(double found, double exact, double error) {
  const double low = exact - error;
  const double high = exact + error;
  const bool is_small = std::fabs(found) < mechanism_.normal();
  const auto how = [&](double value) {
    if (is_small) return mechanism_.of_subnormal(value);
    return mechanism_.is_clamped(found, value) ? std::optional(Mechanism::saturation) : std::nullopt;
  };
  const auto of = how(low);
  if (error != 0 && (!(low > 0 || high < 0) || !std::isfinite(low) || !std::isfinite(high) || how(high) != of))
    return false;
  told_subnormals_ += is_small;
  if (of) ++causes_.of(*of, is_small ? Effect::subnormal : Effect::clamped);
  return true;
}

Neighbours SlotCount::take_zeros(const Answers& answers) {
  static_assert(loss_block == inquiry_block);
  Neighbours at_pads = 0;
  if (pads_ != nullptr) {
    // Elements of one channel row are padded or not together.
    const std::size_t channels = pads_->channels();
    for (std::size_t place = 0; place < inquiry_block;) {
      const std::size_t end = std::min(inquiry_block, place + channels - (answers.first + place) % channels);
      if (answers.asked >> place != 0 && pads_->is_padded(answers.first + place)) at_pads |= below(end) & ~below(place);
      place = end;
    }
    at_pads &= answers.asked;
  }
  return tell(answers, answers.asked & ~at_pads, losses_) | tell(answers, at_pads, losses_at_pads_);
}

/// Only directed modes have other ends for negative values.
Neighbours SlotCount::tell(const Answers& answers, Neighbours some, LossSums& losses) {
  if (some == 0) return 0;
  const auto& ends = mechanism_.zero_ends();
  if (ends[0] == ends[1]) return tell_one_sign(answers, some, ends[0], losses);
  Neighbours negative = 0;
  for_each_place(some, [&](std::size_t place) { negative |= Neighbours{answers.values[place] < 0} << place; });
  return tell_one_sign(answers, some & ~negative, ends[0], losses) |
         tell_one_sign(answers, some & negative, ends[1], losses);
}

Neighbours SlotCount::tell_one_sign(const Answers& answers, Neighbours some, const StepEnds& ends, LossSums& losses) {
  const RareLosses rare = loops_.tell_losses({answers.values, answers.errors, some}, ends, losses);
  for_each_place(rare.last, [&](std::size_t place) { doubtful_.push_back(answers.first + place); });
  return rare.open;
}

Neighbours SlotCount::take(const Answers& answers) {
  if (has_zeros_only_) return take_zeros(answers);
  Neighbours zeros = 0;
  Neighbours open = 0;
  for_each_place(answers.asked, [&](std::size_t place) {
    const Neighbours itself = Neighbours{1} << place;
    const double found = values_[answers.first + place];
    if (found == 0) {
      zeros |= itself;
    } else if (!take_number(found, answers.values[place], answers.errors[place])) {
      open |= itself;
    }
  });
  return open | take_zeros({answers.first, zeros, answers.values, answers.errors});
}

void SlotCount::add_causes(LedgerLine& line) {
  CauseCounts causes = causes_;
  line.became_zero = 0;
  const StepCounts lost = lost_by_step(losses_);
  const StepCounts lost_at_pads = lost_by_step(losses_at_pads_);
  for (std::size_t step = 0; step < loss_steps; ++step) {
    const Mechanism how = mechanism_.of_step(step);
    const std::uint64_t at_pads = lost_at_pads[step];
    const std::uint64_t count = lost[step] + at_pads;
    causes.of(how, Effect::zero) += count;
    *line.became_zero += count;
    line.at_pads += at_pads;
    if (how == Mechanism::flush) line.flushed += count;
  }
  line.saturated = causes.of(Mechanism::saturation, Effect::clamped);
  if (const auto how = mechanism_.of_subnormal(HUGE_VAL))
    causes.of(*how, Effect::subnormal) += line.subnormal - told_subnormals_;
  line.causes = causes.list();
  const auto squares = [](const auto& values) { return sum_of_squares(span_of(values)); };
  const double here = total(losses_.squares) + total(losses_at_pads_.squares);
  line.lost_here = here == 0 ? 0 : share_of(here, here + std::visit(squares, found_.data));
}

void SlotCount::add_unexplained(LedgerLine& line, const Replayed& replayed) const {
  CauseCounts causes;
  for (const Cause& cause : line.causes) causes.of(cause.mechanism, cause.effect) = cause.count;
  const Mechanism how = mechanism_.of_step(loss_steps - 1);
  for (const std::size_t element : doubtful_) {
    if (replayed.low[element] <= 0 && replayed.high[element] >= 0) continue;
    --causes.of(how, Effect::zero);
    ++causes.of(Mechanism::unexplained, Effect::zero);
  }
  line.causes = causes.list();
}

}  // namespace ulpscope::judge
