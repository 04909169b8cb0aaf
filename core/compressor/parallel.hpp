// SPDX-License-Identifier: Apache-2.0
// Threads over disjoint outputs: no reduction, so results do not depend on how many there are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace ulpscope::compressor {

/// Items [begin, end), dealt out in multiples of `grain`.
struct Items {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t grain = 1;
};

/// Calls work(begin, end) for consecutive ranges that cover the items; the calling thread takes a share, and the shares
/// of threads that the system refuses to start. The first exception is rethrown once all threads have stopped.
template <class Thread = std::jthread, class Work>
void parallel_for(const Items& items, unsigned threads, Work work) {
  const auto [begin, end, grain] = items;
  if (begin >= end) return;
  const std::size_t chunks = (end - begin + grain - 1) / grain;
  const std::size_t workers = std::min<std::size_t>(std::max(1U, threads), chunks);
  const auto boundary = [&items, chunks, workers](std::size_t worker) {
    return std::min(items.end, items.begin + chunks * worker / workers * items.grain);
  };
  if (workers == 1) return work(begin, end);
  std::vector<std::exception_ptr> failures(workers);
  const auto share = [&](std::size_t worker) {
    try {
      work(boundary(worker), boundary(worker + 1));
    } catch (...) {
      failures[worker] = std::current_exception();
    }
  };
  {
    std::vector<Thread> team;
    team.reserve(workers);
    std::size_t started = 1;
    try {
      for (; started < workers; ++started) team.emplace_back(share, started);
    } catch (const std::system_error&) {  // no more threads: the bits do not depend on how many there are
    }
    share(0);
    for (std::size_t worker = started; worker < workers; ++worker) share(worker);
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace ulpscope::compressor
