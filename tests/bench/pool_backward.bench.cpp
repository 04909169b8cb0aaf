// SPDX-License-Identifier: Apache-2.0
// The fused backward of the softmax pool, beyond cache: against a copy of kv and gate, which is its traffic.
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "tests/bench/pool.hpp"

namespace {

using namespace ulpscope;
using namespace ulpscope::bench;

void check(const Pool& pool) {
  const Config& config = pool.plan().config();
  sample(config, [&](std::size_t window, std::size_t channel) {
    const Softmax64 exact(pool, window, channel);
    const double cotangent = pool.at(gradient(Name::pooled))[window * config.head_dim + channel];
    for (std::size_t r = config.overlap ? config.ratio : 0; r < config.window_slots(); ++r) {
      const std::size_t token = window * config.ratio + r % config.ratio;
      const std::size_t at = token * config.features() + (config.overlap ? config.head_dim : 0) + channel;
      const double weight = exact.weights[r];
      require_within(std::abs(pool.at(gradient(Name::kv))[at] - cotangent * weight), 1e-5, "grad.kv");
      const double logit = cotangent * weight * (exact.values[r] - exact.pooled);
      require_within(std::abs(pool.at(gradient(Name::gate))[at] - logit), 1e-5, "grad.gate");
    }
  });
}

/// Values to memory of equal alignment, past the caches: no line is read that will be written whole. memcpy decides by
/// size what it does, and is slower whatever it does.
void copy_past_caches(const float* from, float* to, std::size_t count) {
#if defined(__SSE2__)
  std::size_t i = 0;
  for (; i < count && reinterpret_cast<std::uintptr_t>(to + i) % 16 != 0; ++i) to[i] = from[i];
  for (; i + 4 <= count; i += 4) {
    __m128i four;
    std::memcpy(&four, from + i, sizeof four);
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + i), four);
  }
  for (; i < count; ++i) to[i] = from[i];
  _mm_sfence();
#else
  std::memcpy(to, from, count * sizeof(float));
#endif
}

/// Copies to memory of its own, so that the answer stays.
class Copy {
 public:
  Copy(const Pool& pool, unsigned threads)
      : pool_(pool), kv_(pool.at(forward(Name::kv)).size()), gate_(kv_.size()), threads_(threads) {}
  void operator()() {
    copy(pool_.at(forward(Name::kv)), kv_);
    copy(pool_.at(forward(Name::gate)), gate_);
  }

 private:
  void copy(const std::vector<float>& from, std::vector<float>& to) const {
    parallel_for({0, from.size(), 1 << 12}, threads_, [&](std::size_t begin, std::size_t end) {
      copy_past_caches(from.data() + begin, to.data() + begin, end - begin);
    });
  }
  const Pool& pool_;
  std::vector<float> kv_;
  std::vector<float> gate_;
  unsigned threads_;
};

void time_mode(bench::Report& report, Mode mode) {
  const Recipe recipe = with_setting(load_recipe("fp32"), "softmax.exp=fast");
  for (const std::size_t scale : {1, 2}) {
    const Config config = pool_config(mode, (mode == Mode::csa ? 8192 : 16384) * scale);
    Pool forward_pool(recipe, config, report.threads());
    for (const Name name : {Name::row_max, Name::denominator}) forward_pool.want(forward(name));
    forward_pool.run();
    Pool pool(recipe, config, report.threads());
    for (const Name name : {Name::row_max, Name::denominator}) pool.give(forward(name), forward_pool.at(forward(name)));
    pool.give(gradient(Name::pooled), slot_values(pool.plan(), gradient(Name::pooled), 5));
    pool.want(gradient(Name::kv));
    pool.want(gradient(Name::gate));
    pool.run();
    check(pool);
    report.add({mode == Mode::csa ? "fp32, csa" : "fp32, hca", "copy", Goal::at_most, 2.0},
               static_cast<double>(config.seq),
               in_turns(
                   report.rounds(), [&] { pool.run(); }, Copy(pool, report.threads())));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run("softmax pool backward, d = 512", argc, argv, [](bench::Report& report) {
    for (const Mode mode : {Mode::csa, Mode::hca}) time_mode(report, mode);
  });
}
