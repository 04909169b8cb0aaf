// SPDX-License-Identifier: Apache-2.0
// Other orders in which a recipe's sums may be added: what it leaves open.
#pragma once

#include <iterator>
#include <string>

#include "core/compressor/recipe.hpp"
#include "tests/support/random.hpp"

namespace ulpscope::test {

inline constexpr const char* orders[] = {"sequential", "pairwise",   "blocked:8", "blocked:32,4", "lanes:4",
                                         "lanes:16",   "lanes:32,8", "kahan",     "exact",        "blocked:64"};

/// Every sum of the recipe in an order of its own.
inline compressor::Recipe reordered(const compressor::Recipe& recipe, Random& random) {
  io::Json spec = recipe.spec;
  for (const char* stage : {"project_kv", "project_gate", "softmax", "pool", "normalize"})
    spec["stages"][stage]["summation"] = orders[random.index(std::size(orders))];
  for (const char* stage : {"project_kv", "project_gate", "bias", "softmax", "normalize", "scale"})
    spec["backward"][stage]["summation"] = orders[random.index(std::size(orders))];
  return compressor::recipe_from_json(spec, recipe.name + ", its sums in other orders");
}

}  // namespace ulpscope::test
