// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table that a suite prints while it runs: a name, one time, the counters, and at the end a legend of the columns.
// Google Benchmark's own table has two times, of which the second, the processor's, means nothing where a suite
// measures its calls itself.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

namespace tilery_benchmarks {

/// What a column says; nothing for a name that speaks for itself.
inline std::string meaning_of(const std::string& column) {
  const auto ends_with = [&](const std::string& end) {
    return column.size() > end.size() && column.compare(column.size() - end.size(), end.size(), end) == 0;
  };
  if (column == "GB/s") return "bytes that must move through memory, at least, by the time";
  if (column == "FLOP/s") return "multiplications and additions by the time";
  if (column == "GFLOPs" || column == "TFLOPs")
    return "multiplications and additions of tilery by the time, in 1e9 or 1e12 a second";
  if (column == "call_us") return "microseconds until the call returns: what it costs to enqueue it";
  if (ends_with("FLOPs")) return "the same of " + column.substr(0, column.find('_'));
  if (ends_with("/ours"))
    return "time of " + column.substr(0, column.size() - 5) + " by that of tilery: above 1 tilery is faster";
  if (column.rfind("to_", 0) == 0)
    return "speed of tilery by that of " + column.substr(3) + ": above 1 tilery is faster; -: no peer";
  if (column.rfind("ratio", 0) == 0) return "speed of two threads by that of one";
  return {};
}

/// Google Benchmark's reporter for the console with one column of time. The time is the median over rounds where a
/// suite has it (the counter `us`), else the mean of the iterations' wall-clock time.
class table : public benchmark::ConsoleReporter {
public:
  table() : ConsoleReporter(OO_Tabular) {}

  void Finalize() override {
    if (columns_.empty()) return;
    std::printf("\n  %-16s wall-clock time of one call of tilery, the median over rounds where it has peers\n", "time");
    for (const std::string& column : columns_)
      if (const std::string meaning = meaning_of(column); !meaning.empty())
        std::printf("  %-16s %s\n", column.c_str(), meaning.c_str());
  }

protected:
  void PrintHeader(const Run& run) override {
    std::string line = padded("benchmark", name_width()) + "         time   ";
    for (const auto& [name, counter] : run.counters)
      if (name != median_us) line += std::string(name.size() < width ? width - name.size() : 1, ' ') + name;
    std::printf("%s\n%s\n%s\n", std::string(line.size(), '-').c_str(), line.c_str(),
                std::string(line.size(), '-').c_str());
    std::fflush(stdout);
  }

  void PrintRunData(const Run& run) override {
    if (failed(run)) return ConsoleReporter::PrintRunData(run);
    columns_.insert("time");
    const auto median = run.counters.find(median_us);
    const bool measured = median != run.counters.end();
    std::printf("%s %12.4g %-2s", padded(run.benchmark_name(), name_width()).c_str(),
                measured ? median->second.value : run.GetAdjustedRealTime(),
                measured ? "us" : benchmark::GetTimeUnitString(run.time_unit));
    for (const auto& [name, counter] : run.counters) {
      if (name == median_us) continue;
      columns_.insert(name);
      const int here = static_cast<int>(std::max(width - 1, name.size()));
      counter.value == 0 ? std::printf(" %*s", here, "-") : std::printf(" %*.4g", here, counter.value);
    }
    std::printf("%s%s\n", run.report_label.empty() ? "" : "  ", run.report_label.c_str());
    std::fflush(stdout);
  }

private:
  static constexpr const char* median_us = "us";
  static constexpr std::size_t width = 13;

  // One field in Google Benchmark up to 1.7, another since.
  template <class AnyRun>
  static bool failed(const AnyRun& run) {
    if constexpr (requires { run.error_occurred; })
      return run.error_occurred;
    else
      return static_cast<int>(run.skipped) != 0;
  }
  std::size_t name_width() const { return std::max<std::size_t>(name_field_width_, 10); }
  static std::string padded(std::string text, std::size_t to) {
    text.resize(std::max(to, text.size()), ' ');
    return text;
  }

  std::set<std::string> columns_;
};

/// Runs all benchmarks that the options choose, with this table.
inline void run_with_table() {
  table reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
}

}  // namespace tilery_benchmarks
