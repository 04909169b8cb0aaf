// SPDX-License-Identifier: Apache-2.0
// Poll: what a thread that called the library is asked between pieces of work; it throws to stop the work.
#pragma once

#include <functional>

namespace ulpscope::precision {

using Poll = std::function<void()>;

/// While one lives, whatever works long on the thread that made it asks `poll`, every few milliseconds: an exception of
/// it ends the call once other threads have finished their current piece. The innermost one counts.
class PollScope {
 public:
  explicit PollScope(Poll poll);
  ~PollScope();
  PollScope(const PollScope&) = delete;
  PollScope& operator=(const PollScope&) = delete;

 private:
  Poll poll_;
  const Poll* outer_;
};

/// This thread's poll; null where nobody asked for one.
const Poll* current_poll();
/// Asks this thread's poll, if there is one.
void ask_poll();

}  // namespace ulpscope::precision
