// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tuners of GEMM policies have in common: measure each candidate as gemm_gpu does, then list them by time.
#pragma once

#include "benchmarks/gemm_gpu.hpp"

namespace tilery_benchmarks {

/// For each shape the candidates, the fastest first.
inline void print_by_time(const gemm_session& session) {
  std::map<std::string, std::vector<gemm_measurement>> shapes;
  for (const gemm_measurement& m : session.measurements) shapes[m.shape.title()].push_back(m);
  for (auto& [title, all] : shapes) {
    std::sort(all.begin(), all.end(), [](const auto& x, const auto& y) { return x.seconds < y.seconds; });
    std::printf("\n%-40s %12s %9s %15s\n", title.c_str(), "microseconds", "TFLOP/s", "cuBLASLt/ours");
    for (const gemm_measurement& m : all)
      std::printf("  %-38s %12.1f %9.2f %15.3f\n", m.candidate.c_str(), m.seconds * 1e6, m.tflops(),
                  m.best_seconds / m.seconds);
  }
}

/// Over all shapes of a type: the geometric mean of the time as a multiple of the shape's fastest.
inline void print_means(const gemm_session& session) {
  std::map<std::string, double> fastest;
  for (const gemm_measurement& m : session.measurements) {
    auto [at, is_new] = fastest.try_emplace(m.shape.title(), m.seconds);
    if (!is_new) at->second = std::min(at->second, m.seconds);
  }
  std::map<std::string, std::map<std::string, std::vector<double>>> types;
  for (const gemm_measurement& m : session.measurements)
    types[m.shape.type][m.candidate].push_back(m.seconds / fastest[m.shape.title()]);
  for (const auto& [type, candidates] : types) {
    std::vector<std::pair<double, std::string>> lines;
    for (const auto& [name, times] : candidates) lines.emplace_back(geometric_mean(times), name);
    std::sort(lines.begin(), lines.end());
    std::printf("\n%s: times the fastest of each shape, geometric means\n", type.c_str());
    for (const auto& [mean, name] : lines) std::printf("  %-38s %12.3f\n", name.c_str(), mean);
  }
}

/// The whole program: `add` registers the candidates.
template <class Add>
int run_tuner(int count, char** arguments, const char* name, const Add& add) try {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  if (tilery::cuda_devices() == 0) return std::fprintf(stderr, "%s: there is no GPU\n", name), 77;

  gemm_session session;
  introduce(session);
  add(session);
  tilery_benchmarks::run_with_table();
  print_by_time(session);
  print_means(session);
  if (session.failed) std::fprintf(stderr, "%s: a result was wrong or a call failed\n", name);
  return session.failed ? 1 : 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s: %s\n", name, error.what());
  return 1;
}

}  // namespace tilery_benchmarks
