// SPDX-License-Identifier: Apache-2.0
// Threads over disjoint outputs: no reduction, so results do not depend on how many there are.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "precision/poll.hpp"

namespace ulpscope::compressor {

/// Items [begin, end), dealt out in multiples of `grain`.
struct Items {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t grain = 1;
};

/// Shares of one parallel_for, done whole, or in pieces of a few milliseconds where the calling thread has a poll: it
/// asks between its own pieces and while it waits for the others, who stop before their next piece once it throws.
class Shares {
 public:
  explicit Shares(std::size_t others) : poll_(precision::current_poll()), running_(others) {}

  /// A share of the calling thread.
  template <class Work>
  void call(const Items& share, Work& work) {
    if (poll_ == nullptr) return work(share.begin, share.end);
    in_pieces(share, work, [this] { ask(); });
  }
  /// A share of another thread.
  template <class Work>
  void assist(const Items& share, Work& work) {
    if (poll_ == nullptr) return work(share.begin, share.end);
    in_pieces(share, work, [] {});
  }
  /// Of another thread, after its share.
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) done_.notify_one();
  }
  /// Of the calling thread, where it polls: asks until the others have left.
  void await_others() {
    if (poll_ == nullptr) return;
    std::unique_lock lock(mutex_);
    while (!done_.wait_for(lock, std::chrono::milliseconds(20), [this] { return running_ == 0; })) {
      lock.unlock();
      ask();
      lock.lock();
    }
  }
  /// Of threads that never started.
  void never_came(std::size_t count) {
    const std::lock_guard lock(mutex_);
    running_ -= count;
  }

 private:
  void ask() {
    if (stopped_) return;
    try {
      (*poll_)();
    } catch (...) {
      stopped_ = true;
      throw;
    }
  }

  template <class Work, class Between>
  void in_pieces(const Items& share, Work& work, Between between) {
    using Clock = std::chrono::steady_clock;
    std::size_t size = share.grain;
    auto start = Clock::now();
    for (std::size_t first = share.begin; first < share.end && !stopped_;) {
      const std::size_t last = first + std::min(size, share.end - first);
      work(first, last);
      const auto end = Clock::now();
      const auto spent = end - start;
      start = end;
      first = last;
      if (spent < std::chrono::microseconds(200)) {
        size *= 16;
      } else if (spent < std::chrono::milliseconds(5)) {
        size *= 2;
      }
      between();
    }
  }

  const precision::Poll* poll_;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::condition_variable done_;
  std::size_t running_;
};

/// Calls work(begin, end) for consecutive ranges that cover the items; the calling thread takes a share, and the shares
/// of threads that the system refuses to start. The first exception is rethrown once all threads have stopped. Where
/// the calling thread has a poll (poll.hpp), the ranges are smaller, and an exception of it counts as one of the work.
template <class Thread = std::jthread, class Work>
void parallel_for(const Items& items, unsigned threads, Work work) {
  const auto [begin, end, grain] = items;
  if (begin >= end) return;
  const std::size_t chunks = (end - begin + grain - 1) / grain;
  const std::size_t workers = std::min<std::size_t>(std::max(1U, threads), chunks);
  const auto share_of = [&items, chunks, workers](std::size_t worker) {
    const auto boundary = [&](std::size_t i) {
      return std::min(items.end, items.begin + chunks * i / workers * items.grain);
    };
    return Items{boundary(worker), boundary(worker + 1), items.grain};
  };
  Shares shares(workers - 1);
  if (workers == 1) return shares.call(items, work);
  std::vector<std::exception_ptr> failures(workers);
  const auto guarded = [&failures](std::size_t worker, auto&& task) {
    try {
      task();
    } catch (...) {
      failures[worker] = std::current_exception();
    }
  };
  const auto assist = [&](std::size_t worker) {
    guarded(worker, [&] { shares.assist(share_of(worker), work); });
    shares.leave();
  };
  {
    std::vector<Thread> team;
    team.reserve(workers);
    std::size_t started = 1;
    try {
      for (; started < workers; ++started) team.emplace_back(assist, started);
    } catch (const std::system_error&) {  // no more threads: the bits do not depend on how many there are
    }
    shares.never_came(workers - started);
    guarded(0, [&] { shares.call(share_of(0), work); });
    for (std::size_t worker = started; worker < workers; ++worker)
      guarded(worker, [&] { shares.call(share_of(worker), work); });
    guarded(0, [&] { shares.await_others(); });
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

/// Calls work(i) for each of `count` tasks, some longer than others: the next one is for whichever thread is free.
template <class Work>
void parallel_tasks(std::size_t count, unsigned threads, Work work) {
  const unsigned workers = std::max(1U, threads);
  std::atomic<std::size_t> next = 0;
  parallel_for({0, workers, 1}, workers, [&](std::size_t, std::size_t) {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  });
}

}  // namespace ulpscope::compressor
