// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the GEMM benchmarks measure: in rounds, each candidate's batch of calls in turn. A shared machine is faster for a
// while and slower for a while; both fall on all candidates, and the median of the rounds' ratios leaves them out.
#pragma once

#include <tilery/core/convert.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <vector>

namespace benchmarks {

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

/// Calls of `flops` operations that together take 10 ms and more: a batch.
inline int calls_of_a_batch(double flops) { return std::max(1, static_cast<int>(std::ceil(2e9 / flops))); }

/// GFLOP/s of one batch. An unmeasured call comes first: it wakes the threads, the core that slept and the caches.
template <class Call>
double speed_of_batch(double flops, const Call& call) {
  const int calls = calls_of_a_batch(flops);
  call();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) call();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return flops * calls / taken.count() * 1e-9;
}

/// n values, uniform in [-1, 1].
template <class T>
std::vector<T> uniform(std::size_t n, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> in(-1, 1);
  std::vector<T> values(n);
  for (T& v : values) v = tilery::convert<T>(static_cast<tilery::accumulator_t<T>>(in(engine)));
  return values;
}

}  // namespace benchmarks
