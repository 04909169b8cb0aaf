// SPDX-License-Identifier: Apache-2.0
// Threads over disjoint ranges, with fewer threads than were asked for where the system has no more.
#include "core/compressor/parallel.hpp"

#include <atomic>
#include <stdexcept>
#include <vector>

#include "tests/support/catch.hpp"

using namespace ulpscope::compressor;

namespace {

/// A thread that the system refuses to start once two are there.
class Scarce {
 public:
  static inline int left = 0;
  template <class Work>
  Scarce(const Work& work, std::size_t worker) {
    if (left-- <= 0) throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    thread_ = std::jthread(work, worker);
  }

 private:
  std::jthread thread_;
};

}  // namespace

TEST_CASE("every item is visited once, whatever the number of threads", "[threads]") {
  for (const unsigned threads : {1U, 2U, 3U, 64U}) {
    std::vector<int> visits(1000);
    parallel_for({3, 997, 7}, threads, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) ++visits[i];
    });
    for (std::size_t i = 0; i < visits.size(); ++i) CHECK(visits[i] == (i >= 3 && i < 997 ? 1 : 0));
  }
}

TEST_CASE("every task is done once, however long the others take", "[threads]") {
  for (const unsigned threads : {0U, 1U, 2U, 7U}) {
    for (const std::size_t count : {0U, 1U, 100U}) {
      std::vector<int> visits(count);
      parallel_tasks(count, threads, [&](std::size_t i) {
        if (i % 10 == 0) std::this_thread::yield();
        ++visits[i];
      });
      CHECK(visits == std::vector<int>(count, 1));
    }
  }
}

TEST_CASE("threads that do not start leave their share to the others", "[threads]") {
  for (const int left : {0, 2}) {
    Scarce::left = left;
    std::vector<int> visits(100);
    parallel_for<Scarce>({0, visits.size(), 1}, 8, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) ++visits[i];
    });
    CHECK(visits == std::vector<int>(100, 1));
  }
}

TEST_CASE("an exception of any share arrives", "[threads]") {
  const auto fail_at = [](std::size_t which) {
    parallel_for({0, 8, 1}, 4, [&](std::size_t begin, std::size_t end) {
      if (begin <= which && which < end) throw std::runtime_error("share");
    });
  };
  CHECK_THROWS_AS(fail_at(0), std::runtime_error);
  CHECK_THROWS_AS(fail_at(7), std::runtime_error);
}

TEST_CASE("where somebody polls, every item is visited once all the same, and the poll is asked on the calling thread",
          "[threads]") {
  for (const unsigned threads : {1U, 3U}) {
    std::size_t asked = 0;
    const auto caller = std::this_thread::get_id();
    bool elsewhere = false;
    std::vector<int> visits(1000);
    {
      const ulpscope::precision::PollScope scope([&] {
        ++asked;
        elsewhere = elsewhere || std::this_thread::get_id() != caller;
      });
      parallel_for({3, 997, 7}, threads, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) ++visits[i];
      });
    }
    for (std::size_t i = 0; i < visits.size(); ++i) CHECK(visits[i] == (i >= 3 && i < 997 ? 1 : 0));
    CHECK(asked > 0);
    CHECK(!elsewhere);
    CHECK(ulpscope::precision::current_poll() == nullptr);
  }
}

TEST_CASE("a poll that throws stops all threads before their next piece", "[threads]") {
  for (const unsigned threads : {1U, 3U}) {
    std::atomic<std::size_t> visited = 0;
    const ulpscope::precision::PollScope scope([] { throw std::runtime_error("stop"); });
    const auto slow = [&] {
      parallel_for({0, 3000, 1}, threads, [&](std::size_t begin, std::size_t end) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));  // slow pieces do not grow
        visited += end - begin;
      });
    };
    CHECK_THROWS_WITH(slow(), "stop");
    CHECK(visited < 300);
  }
}
