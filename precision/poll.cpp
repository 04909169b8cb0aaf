// SPDX-License-Identifier: Apache-2.0
// One poll per thread: whoever calls the library from two threads is asked on each.
#include "precision/poll.hpp"

#include <utility>

namespace ulpscope::precision {
namespace {

thread_local const Poll* current = nullptr;

}  // namespace

PollScope::PollScope(Poll poll) : poll_(std::move(poll)), outer_(current) { current = &poll_; }

PollScope::~PollScope() { current = outer_; }

const Poll* current_poll() { return current; }

void ask_poll() {
  if (current != nullptr) (*current)();
}

}  // namespace ulpscope::precision
