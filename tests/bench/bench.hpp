// SPDX-License-Identifier: Apache-2.0
// What benchmarks share: work and its limit timed in turns, ratios printed and written as JSON, cost checked for
// linearity.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/io/json.hpp"

namespace ulpscope::bench {

/// Long work is followed by a rest, in which threads of a library that wait for more work fall asleep. Linux also stops
/// real-time processes that take more than 95% of a second, and would stop them at the same point of each round.
template <class F>
double seconds(F&& work) {
  using Seconds = std::chrono::duration<double>;
  const auto start = std::chrono::steady_clock::now();
  work();
  const Seconds spent = std::chrono::steady_clock::now() - start;
  if (spent > Seconds(0.01)) std::this_thread::sleep_for(std::max(spent / 4, Seconds(0.1)));
  return spent.count();
}

/// Minima over `rounds` rounds, and the medians, which show how noisy the machine was.
struct Times {
  double work = 0;
  double limit = 0;
  double median_work = 0;
  double median_limit = 0;
  /// Where the timed work was done `works` times and the limit `limits` times.
  Times per(int works, int limits) const {
    return {work / works, limit / limits, median_work / works, median_limit / limits};
  }
};

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Work and limit by turns, each once before the first round: both see the same neighbours.
template <class F, class G>
Times in_turns(int rounds, F&& work, G&& limit) {
  work();
  limit();
  std::vector<double> works;
  std::vector<double> limits;
  for (int i = 0; i < rounds; ++i) {
    limits.push_back(seconds(limit));
    works.push_back(seconds(work));
  }
  return {*std::min_element(works.begin(), works.end()), *std::min_element(limits.begin(), limits.end()), median(works),
          median(limits)};
}

/// f() `count` times: short work is timed in batches.
template <class F>
auto repeated(int count, F f) {
  return [count, f] {
    for (int i = 0; i < count; ++i) f();
  };
}

/// What a ratio is compared with: at most or at least `value` times the limit's time (or speed).
enum class Goal : unsigned char { at_most, at_least };

struct Case {
  std::string name;
  std::string limit;  ///< what the limit does
  Goal goal = Goal::at_most;
  double value = 0;  ///< at_most: time / limit time; at_least: limit time / time
};

class Report {
 public:
  /// Arguments: [--json FILE] [--threads N] [--rounds N].
  Report(std::string title, int argc, char** argv) {
    json_["benchmark"] = title;
    for (int i = 1; i + 1 < argc; i += 2) {
      const std::string option = argv[i];
      if (option == "--json") {
        path_ = argv[i + 1];
      } else if (option == "--threads") {
        threads_ = static_cast<unsigned>(std::atoi(argv[i + 1]));
      } else if (option == "--rounds") {
        rounds_ = std::atoi(argv[i + 1]);
      } else {
        throw std::invalid_argument("unknown option " + option + "; known: --json FILE --threads N --rounds N");
      }
    }
    json_["threads"] = threads_;
    json_["cases"] = io::Json::array();
    fmt::print("{}, {} threads, minima of {} rounds (medians in brackets)\n", title, threads_, rounds_);
  }
  unsigned threads() const { return threads_; }
  int rounds() const { return rounds_; }

  /// One case at one size; `size` is what cost must be proportional to.
  void add(const Case& one, double size, const Times& times) {
    const bool at_most = one.goal == Goal::at_most;
    const auto ratio_of = [&](double work, double limit) { return at_most ? work / limit : limit / work; };
    const double ratio = ratio_of(times.work, times.limit);
    const bool met = at_most ? ratio <= one.value : ratio >= one.value;
    io::Json row{{"case", one.name},
                 {"size", size},
                 {"seconds", times.work},
                 {"limit", one.limit},
                 {"limit_seconds", times.limit},
                 {"ratio", ratio},
                 {"ratio_of_medians", ratio_of(times.median_work, times.median_limit)},
                 {"goal", fmt::format("{} {}", at_most ? "<=" : ">=", one.value)},
                 {"met", met}};
    fmt::print("{:<34} size {:>9.3g}  {:>10.3f} us  {} {:>10.3f} us  ratio {:.3f} [{:.3f}]  goal {} {}  {}\n", one.name,
               size, times.work * 1e6, one.limit, times.limit * 1e6, ratio,
               ratio_of(times.median_work, times.median_limit), at_most ? "<=" : ">=", one.value,
               met ? "met" : "MISSED");
    if (one.name == last_name_) {
      const double growth = times.work / last_seconds_ / (size / last_size_);
      row["growth_against_linear"] = growth;
      fmt::print("{:<34} cost per size against the size before: {:.2f}\n", "", growth);
    }
    last_name_ = one.name;
    last_size_ = size;
    last_seconds_ = times.work;
    json_["cases"].push_back(std::move(row));
  }
  /// Whatever else a program measures.
  void note(const std::string& name, io::Json value) {
    fmt::print("{}: {}\n", name, value.dump());
    json_[name] = std::move(value);
  }
  void write() const {
    if (!path_.empty()) io::write_text(path_, json_.dump(2) + "\n");
  }

 private:
  io::Json json_;
  std::string path_;
  unsigned threads_ = 2;
  int rounds_ = 9;
  std::string last_name_;
  double last_size_ = 0;
  double last_seconds_ = 0;
};

/// A wrong answer ends the program: nothing wrong is timed.
inline void require_within(double error, double tolerance, const std::string& what) {
  if (!(error <= tolerance)) throw std::runtime_error(fmt::format("wrong answer: {}: {} > {}", what, error, tolerance));
}
inline void require_equal(double value, double expected, const std::string& what) {
  if (!(value == expected))
    throw std::runtime_error(fmt::format("wrong answer: {}: {}, not {}", what, value, expected));
}

/// Runs a benchmark's body; 0, or 1 and one sentence.
template <class F>
int run(const std::string& title, int argc, char** argv, F body) {
  try {
    Report report(title, argc, argv);
    body(report);
    report.write();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}

}  // namespace ulpscope::bench
