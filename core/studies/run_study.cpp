// SPDX-License-Identifier: Apache-2.0
// What is walked, and the walk.
#include "core/studies/run_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>

#include "core/compressor/parallel.hpp"
#include "core/compressor/run.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/report.hpp"
#include "core/studies/settings.hpp"

namespace ulpscope::studies {
namespace {

using io::Json;
using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;

bool contains(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// A word of an open axis is checked by it, one of a closed axis must be listed.
void check_value(const Study& study, const Axis& axis, const std::string& word) {
  const std::string where = fmt::format("study {}: {}", study.name, axis.name);
  if (contains(axis.full, word)) return;
  if (axis.check == nullptr) throw InputError(where + ": " + io::unknown_name("value", word, axis.full));
  try {
    axis.check(word);
  } catch (const std::exception& error) {
    throw InputError(fmt::format("{}: {}; usual: {}", where, error.what(), io::listed(axis.full)));
  }
}

bool is_value(const Axis& axis, const std::string& word) {
  if (contains(axis.full, word)) return true;
  if (axis.check == nullptr) return false;
  try {
    axis.check(word);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

/// "fp32,bf16" is two words; "tensor_core:25,16" is one value.
std::vector<std::string> split(const Axis& axis, const std::string& text) {
  if (is_value(axis, text)) return {text};
  std::vector<std::string> words;
  std::size_t first = 0;
  for (std::size_t comma = 0; comma != std::string::npos; first = comma + 1) {
    comma = text.find(',', first);
    words.push_back(text.substr(first, comma == std::string::npos ? comma : comma - first));
  }
  return words;
}

std::vector<std::string> values_of(const Study& study, const Axis& axis, const WalkOptions& options) {
  const auto chosen = options.values.find(axis.name);
  if (options.subject.problem != nullptr && axis.of_inputs) {
    if (chosen != options.values.end())
      throw InputError(fmt::format("study {}: {} is how the study's own inputs are made, and a problem was given",
                                   study.name, axis.name));
    return {"given"};
  }
  if (chosen == options.values.end()) return options.extent == Extent::full ? axis.full : axis.small;
  if (chosen->second.empty()) throw InputError(fmt::format("study {}: {}: no value given", study.name, axis.name));
  std::vector<std::string> values;
  for (const std::string& text : chosen->second) {
    for (const std::string& word : split(axis, text)) {
      check_value(study, axis, word);
      if (!contains(values, word)) values.push_back(word);
    }
  }
  return values;
}

/// All points, the last axis fastest.
std::vector<Point> points_of(const Study& study, const Walk& walk) {
  std::vector<std::vector<std::pair<std::string, std::string>>> points{{}};
  for (std::size_t i = 0; i < study.axes.size(); ++i) {
    std::vector<std::vector<std::pair<std::string, std::string>>> longer;
    longer.reserve(points.size() * walk.values[i].size());
    for (const auto& point : points) {
      for (const std::string& value : walk.values[i]) {
        longer.push_back(point);
        longer.back().emplace_back(study.axes[i].name, value);
      }
    }
    points = std::move(longer);
  }
  std::vector<Point> out;
  for (auto& point : points) out.emplace_back(std::move(point));
  return out;
}

class Walker {
 public:
  Walker(const Study& study, const WalkOptions& options)
      : study_(study), options_(options), results_(planned(study, options)), points_(points_of(study, results_.walk)) {
    for (const Cell& cell : options.known) known_.emplace(cell.at.json().dump(), &cell);
    if (options.subject.problem == nullptr) return;
    compressor::RunOptions whole;
    whole.threads = options.threads;
    truth_ = compressor::run_traced(*options.subject.problem, compressor::load_recipe("fp64"), whole).tape;
  }

  Results run() {
    try {
      measure_all();
    } catch (...) {
      const std::exception_ptr reason = std::current_exception();
      keep();
      std::rethrow_exception(reason);
    }
    results_.complete = true;
    results_.conclusion = study_.conclude(results_.cells);
    if (const std::string said = said_of_means(results_.cells, results_.walk.seeds); !said.empty())
      results_.conclusion.push_back(said);
    keep();
    return std::move(results_);
  }

 private:
  /// Batches that take a fraction of a second, so that little is lost and keeping costs little.
  void measure_all() {
    std::size_t size = std::max(1U, options_.threads);
    for (std::size_t done = 0; done < points_.size();) {
      precision::ask_poll();
      const auto start = Clock::now();
      const std::size_t count = std::min(size, points_.size() - done);
      measure_batch(done, count);
      done += count;
      const auto measured = Clock::now() - start;
      if (options_.progress) options_.progress(done, points_.size());
      keep();
      const auto kept = Clock::now() - start - measured;
      if (measured < std::max<Clock::duration>(std::chrono::milliseconds(200), 10 * kept)) size *= 2;
    }
  }

  void measure_batch(std::size_t first, std::size_t count) {
    std::vector<Json> batch(count);
    compressor::parallel_for({0, count, 1}, options_.threads, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) batch[i] = measured(points_[first + i]);
    });
    for (std::size_t i = 0; i < count; ++i) results_.cells.push_back({points_[first + i], std::move(batch[i])});
  }

  Json measured(const Point& point) const {
    const auto known = known_.find(point.json().dump());
    if (known != known_.end()) return known->second->measures;
    std::vector<Json> draws;
    for (std::size_t s = 0; s < results_.walk.seeds; ++s) {
      Subject subject = options_.subject;
      subject.seed += s;
      subject.memo = memo_;
      if (subject.problem != nullptr) subject.truth = &truth_;
      draws.push_back(study_.measure(point, subject));
      check(draws.back());
    }
    return combined(draws);
  }

  /// A study that forgets a column is a fault of ours.
  void check(const Json& measures) const {
    if (measures.contains("skipped")) return;
    for (const Measure& measure : study_.measures) {
      if (!measures.contains(measure.name)) throw std::logic_error(study_.name + " measures no " + measure.name);
    }
    if (measures.size() != study_.measures.size()) throw std::logic_error(study_.name + " measures more than it says");
  }

  /// What was walked, and what is known of the rest: a walk that is cut off again keeps all that it was given.
  void keep() const {
    if (!options_.keep) return;
    Results kept = results_;
    for (std::size_t i = kept.cells.size(); i < points_.size(); ++i) {
      const auto known = known_.find(points_[i].json().dump());
      if (known != known_.end()) kept.cells.push_back({points_[i], known->second->measures});
    }
    options_.keep(kept);
  }

  const Study& study_;
  const WalkOptions& options_;
  Results results_;
  std::vector<Point> points_;
  std::map<std::string, const Cell*> known_;
  compressor::Tape truth_;
  std::shared_ptr<Memo> memo_ = std::make_shared<Memo>();
};

}  // namespace

Results planned(const Study& study, const WalkOptions& options) {
  std::vector<std::string> known;
  for (const Axis& axis : study.axes) known.push_back(axis.name);
  for (const auto& [name, ignored] : options.values) {
    if (!contains(known, name))
      throw InputError(fmt::format("study {}: {}", study.name, io::unknown_name("axis", name, known)));
  }
  Results results;
  results.study = &study;
  for (const Axis& axis : study.axes) results.walk.values.push_back(values_of(study, axis, options));
  results.walk.seeds =
      study.random && options.subject.problem == nullptr ? options.seeds : 1;  // a given problem is one draw
  results.walk.first_seed = options.subject.seed;
  results.walk.settings = options.settings;
  refuse_lost(options.settings, study, results.walk);
  if (options.subject.problem != nullptr) {
    const judge::ProblemInfo info = judge::describe(*options.subject.problem);
    results.walk.problem_sha256 = info.sha256;
    results.problem = {{"config", info.config}, {"source", info.source}, {"sha256", info.sha256}};
  }
  return results;
}

Results run_study(const Study& study, const WalkOptions& options) { return Walker(study, options).run(); }

}  // namespace ulpscope::studies
