// SPDX-License-Identifier: Apache-2.0
// Threads over disjoint outputs: no reduction, so results do not depend on how many there are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace ulpscope::compressor {

/// Items [begin, end), dealt out in multiples of `grain`.
struct Items {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t grain = 1;
};

/// Calls work(begin, end) for consecutive ranges that cover the items. The first exception is rethrown once all threads
/// have stopped.
template <class Work>
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
  {
    std::vector<std::jthread> team;
    for (std::size_t worker = 0; worker < workers; ++worker) {
      team.emplace_back([&, worker] {
        try {
          work(boundary(worker), boundary(worker + 1));
        } catch (...) {
          failures[worker] = std::current_exception();
        }
      });
    }
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace ulpscope::compressor
