// SPDX-License-Identifier: Apache-2.0
// Where bugs are planted: one function each, and what they have in common. Internal to core/judge.
#pragma once

#include <functional>
#include <initializer_list>
#include <vector>

#include "core/judge/mutants.hpp"

namespace ulpscope::judge::plants {

/// Slots that were computed before the one that is changed.
using Seen = std::map<compressor::Slot, std::vector<double>>;
using Change = std::function<void(std::vector<double>& values, const Seen& seen)>;

/// Changes a slot of the run right after it was computed, with the values of other slots in sight; the result is
/// rounded to the slot's storage format.
void change(Planted& planted, compressor::Slot slot, Change change, std::initializer_list<compressor::Slot> seen = {});

// What the port reads and how it is set up.
void kv_and_gate_swapped(Planted& planted);
void kv_halves_swapped(Planted& planted);
void gate_halves_swapped(Planted& planted);
void one_token_late(Planted& planted);
void fp8_hidden(Planted& planted);
void mask_ignored(Planted& planted);
void segments_ignored(Planted& planted);
void ape_missing(Planted& planted);
void ape_bf16(Planted& planted);
void ape_shifted(Planted& planted);
void ape_halves_swapped(Planted& planted);
void pad_gate_0(Planted& planted);
void kv_nan_in_pad(Planted& planted);
void gamma_plus_one(Planted& planted);
void large_eps(Planted& planted);
void no_yarn(Planted& planted);
void other_theta(Planted& planted);
void frequencies_bf16(Planted& planted);
void max_not_subtracted(Planted& planted);
void softmax_bf16(Planted& planted);
void weights_bf16(Planted& planted);
void pool_bf16(Planted& planted);

// What it computes forward.
void halves_swapped(Planted& planted);
void overlap_missing(Planted& planted);
void gate_ignored(Planted& planted);
void channel_unwritten(Planted& planted);
void bit_flipped(Planted& planted);
void stale_entry(Planted& planted);
void sum_of_squares(Planted& planted);
void rope_at_index(Planted& planted);
void rope_scaled(Planted& planted);
void rope_backwards(Planted& planted);
void rope_half_split(Planted& planted);
void rope_missing(Planted& planted);

// What it computes backward.
void loss_scale_left(Planted& planted);
void rope_gradient_not_inverse(Planted& planted);
void norm_gradient_straight(Planted& planted);
void weights_constant(Planted& planted);
void shift_term_missing(Planted& planted);
void ape_gradient_mean(Planted& planted);
void overlap_gradient_lost(Planted& planted);
void hidden_gradient_of_kv(Planted& planted);

}  // namespace ulpscope::judge::plants
