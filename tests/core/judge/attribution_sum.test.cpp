// SPDX-License-Identifier: Apache-2.0
// Shares and their radii by hand, and against everything that the radii allow.
#include "core/judge/attribution_sum.hpp"

#include <cmath>

#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using judge::Difference;
using judge::Enclosure;

namespace {

using Doubles = std::vector<double>;

Enclosure enclosure(Doubles value, Doubles radius) {
  const std::size_t size = value.size();
  return {{size}, std::move(value), Doubles(size), std::move(radius)};
}

/// <part, error> / <error, error>, in long double.
double share(const Doubles& part, const Doubles& error) {
  long double dot = 0, square = 0;
  for (std::size_t i = 0; i < part.size(); ++i) {
    dot += static_cast<long double>(part[i]) * error[i];
    square += static_cast<long double>(error[i]) * error[i];
  }
  return static_cast<double>(dot / square);
}

/// A value that a difference allows.
Doubles drawn(const Difference& difference, test::Random& random) {
  Doubles out = difference.value;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += (random.bits() % 2 == 0 ? 1 : -1) * difference.radius[i];
  return out;
}

}  // namespace

TEST_CASE("a share by hand: 3 of 4 units of error, known within what the radii say") {
  const Enclosure truth = enclosure({1, 2}, {0, 0});
  const judge::Admitted all(2);
  const Difference error{{2, 0}, {.25, 0}};
  const judge::OwnedError owned(error, truth, all);
  const judge::Contribution found = owned.contribution({{1.5, 7}, {.5, 0}});
  CHECK(found.share.value() == .75);
  // |dot| moves by .5*2 + (1.5 + .5)*.25, the square by (2*2 + .25)*.25.
  const double by_hand = (1.5 + .75 * 1.0625) / (4 - 1.0625);
  CHECK(std::fabs(found.radius.value() - by_hand) <= by_hand * 0x1p-19);
  CHECK_FALSE(owned.contribution({{1.5, 7}, {}}).radius);
}

TEST_CASE("no value that the radii allow has a share beyond its radius") {
  test::Random random(7);
  for (int round = 0; round < 200; ++round) {
    Difference error, part;
    for (int i = 0; i < 20; ++i) {
      error.value.push_back(random.normal());
      part.value.push_back(random.normal());
      error.radius.push_back(std::fabs(random.normal()) * .01);
      part.radius.push_back(std::fabs(random.normal()) * .01);
    }
    const judge::Admitted all(20);
    const judge::OwnedError owned(error, enclosure(error.value, error.radius), all);
    const judge::Contribution found = owned.contribution(part);
    for (int draw = 0; draw < 20; ++draw) {
      const double other = share(drawn(part, random), drawn(error, random));
      CHECK(std::fabs(other - found.share.value()) <= found.radius.value());
    }
  }
}

TEST_CASE("errors that may be 0 own nothing that is known; no error, no share") {
  const Enclosure truth = enclosure({1}, {0});
  const judge::Admitted all(1);
  const Difference doubtful{{1}, {1}};
  CHECK(std::isinf(judge::OwnedError(doubtful, truth, all).contribution({{.5}, {0}}).radius.value()));
  const Difference none{{0}, {0}};
  CHECK_FALSE(judge::OwnedError(none, truth, all).contribution({{.5}, {0}}).share);
}

TEST_CASE("a difference's radius holds its own rounding") {
  const Difference far = judge::difference(enclosure({1}, {0}), enclosure({0x1p-60}, {0}));
  CHECK(far.value[0] == 1);
  CHECK(far.radius[0] >= 0x1p-60);
  CHECK(judge::difference(enclosure({1}, {0}), enclosure({1}, {0})).radius[0] == 0);
  const double infinity = HUGE_VAL;
  CHECK(judge::difference(enclosure({infinity}, {0}), enclosure({infinity}, {0})).value[0] == 0);
  CHECK(std::isnan(judge::difference(enclosure({infinity}, {0}), enclosure({1}, {0})).value[0]));
}
