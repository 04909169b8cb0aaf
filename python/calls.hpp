// SPDX-License-Identifier: Apache-2.0
// Calls that take time: without the interpreter's lock, and ended by Ctrl-C.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>

#include "precision/poll.hpp"

namespace ulpscope::python {

/// Asks the interpreter, at most every 50 ms, whether a signal's handler raised (KeyboardInterrupt, most often).
class SignalCheck {
 public:
  void operator()() {
    const auto now = Clock::now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds(50);
    const pybind11::gil_scoped_acquire lock;
    if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point next_ = Clock::now() + std::chrono::milliseconds(50);
};

/// call(), with the lock released; `call` touches no Python object.
template <class Call>
auto interruptible(Call call) {
  const precision::PollScope scope{SignalCheck()};
  const pybind11::gil_scoped_release released;
  return call();
}

/// The same for work that is over before anybody could stop it: nothing is asked on the way.
template <class Call>
auto unlocked(Call call) {
  const pybind11::gil_scoped_release released;
  return call();
}

}  // namespace ulpscope::python
