// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ratios of many measurements as one figure a group: their geometric mean, which is the same whichever side is on top.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace tilery_benchmarks {

/// The geometric mean; NaN of nothing.
inline double geometric_mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += std::log(v);
  return values.empty() ? std::nan("") : std::exp(sum / static_cast<double>(values.size()));
}

/// One measurement beside its peer: above 1 ours is faster.
struct measured_ratio {
  std::string group, type;
  double to_best;                  // the peer's best algorithm
  double to_first = std::nan("");  // the one that it proposes first; NaN where it has no choice
};

/// A group's line of the closing table.
struct ratio_summary {
  std::string group, type;
  int count;
  double best, first, lowest, highest;  // geometric means; the extremes of to_best
};

/// One line for each group and type, in the order of their names.
inline std::vector<ratio_summary> summarise(const std::vector<measured_ratio>& all) {
  std::map<std::pair<std::string, std::string>, std::pair<std::vector<double>, std::vector<double>>> groups;
  for (const measured_ratio& r : all) {
    auto& [best, first] = groups[{r.group, r.type}];
    best.push_back(r.to_best), first.push_back(r.to_first);
  }
  std::vector<ratio_summary> lines;
  for (const auto& [key, ratios] : groups) {
    const auto& [best, first] = ratios;
    const auto [low, high] = std::minmax_element(best.begin(), best.end());
    lines.push_back({key.first, key.second, static_cast<int>(best.size()), geometric_mean(best), geometric_mean(first),
                     *low, *high});
  }
  return lines;
}

/// The closing table.
inline void print_ratios(const std::vector<measured_ratio>& all, const char* peer) {
  if (all.empty()) return;
  std::size_t width = 22;
  for (const measured_ratio& r : all) width = std::max(width, r.group.size());
  const int group = static_cast<int>(width);
  std::printf("\ntimes of %s by ours, geometric means (above 1: ours is faster)\n", peer);
  std::printf("%-*s %-8s %6s %8s %8s %8s %9s\n", group, "group", "type", "count", "best", "lowest", "highest",
              "heuristic");
  for (const ratio_summary& s : summarise(all)) {
    std::printf("%-*s %-8s %6d %8.3f %8.3f %8.3f", group, s.group.c_str(), s.type.c_str(), s.count, s.best, s.lowest,
                s.highest);
    std::isnan(s.first) ? std::printf(" %9s\n", "-") : std::printf(" %9.3f\n", s.first);
  }
}

}  // namespace tilery_benchmarks
