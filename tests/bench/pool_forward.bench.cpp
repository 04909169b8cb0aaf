// SPDX-License-Identifier: Apache-2.0
// The fused softmax pool, forward, beyond cache: against the time to read kv and gate once.
#include "tests/bench/pool.hpp"

namespace {

using namespace ulpscope;
using namespace ulpscope::bench;

/// Sums bits, so that every line of both arrays is read and nothing waits for an addition's latency.
class Reader {
 public:
  Reader(const Pool& pool, unsigned threads)
      : kv_(pool.at(forward(Name::kv))), gate_(pool.at(forward(Name::gate))), threads_(threads) {}
  void operator()() const {
    for (const std::vector<float>* values : {&kv_, &gate_}) {
      parallel_for({0, values->size(), 1 << 12}, threads_, [&](std::size_t begin, std::size_t end) {
        const volatile std::uint64_t sink = sum(values->data() + begin, end - begin);
        static_cast<void>(sink);
      });
    }
  }

 private:
  static std::uint64_t sum(const float* values, std::size_t count) {
    using Words = std::uint64_t __attribute__((vector_size(64)));
    Words sums[4] = {};
    for (std::size_t i = 0; i + 64 <= count; i += 64) {
      for (std::size_t j = 0; j < 4; ++j) {
        Words words;
        __builtin_memcpy(&words, values + i + 16 * j, sizeof words);
        sums[j] += words;
      }
    }
    const Words all = sums[0] + sums[1] + sums[2] + sums[3];
    std::uint64_t total = 0;
    for (int i = 0; i < 8; ++i) total += all[i];
    return total;
  }
  const std::vector<float>& kv_;
  const std::vector<float>& gate_;
  unsigned threads_;
};

void time_recipe(bench::Report& report, const Recipe& recipe, const Case& goal, Mode mode) {
  for (const std::size_t scale : {1, 2}) {
    const Config config = pool_config(mode, (mode == Mode::csa ? 8192 : 16384) * scale);  // 64 MiB, 128 MiB
    Pool pool(recipe, config, report.threads());
    pool.want(forward(Name::pooled));
    pool.run();
    sample(pool.plan().config(), [&](std::size_t window, std::size_t channel) {
      const double pooled = pool.at(forward(Name::pooled))[window * config.head_dim + channel];
      const double tolerance = 16 * precision::unit_roundoff(pool.plan().at(forward(Name::pooled)).storage);
      require_within(std::abs(pooled - Softmax64(pool, window, channel).pooled), tolerance, "pooled");
    });
    Case named = goal;
    named.name += mode == Mode::csa ? ", csa" : ", hca";
    report.add(named, static_cast<double>(config.seq),
               in_turns(
                   report.rounds(), [&] { pool.run(); }, Reader(pool, report.threads())));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run("softmax pool forward, d = 512", argc, argv, [](bench::Report& report) {
    const Recipe fp32 = load_recipe("fp32");
    for (const Mode mode : {Mode::csa, Mode::hca}) {
      time_recipe(report, with_setting(fp32, "softmax.exp=fast"), {"fp32, exp fast", "read", Goal::at_most, 1.6}, mode);
      time_recipe(report, with_setting(fp32, "softmax.exp=correct"), {"fp32, exp correct", "read", Goal::at_most, 2.2},
                  mode);
      time_recipe(report, load_recipe("hf"), {"hf", "read", Goal::at_most, 5}, mode);
    }
  });
}
