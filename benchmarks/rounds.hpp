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

/// Seconds of one call in a batch of them. An unmeasured call comes first: it wakes the threads, the core that slept
/// and the caches.
template <class Call>
double seconds_of_a_call(int calls, const Call& call) {
  call();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) call();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return taken.count() / calls;
}

/// How many calls take 10 ms and more together: a batch.
template <class Call>
int calls_of_a_batch(const Call& call) {
  int calls = 1;
  for (double seconds = 0; (seconds = seconds_of_a_call(calls, call)) * calls < 0.01;)
    calls = std::max(calls + 1, static_cast<int>(std::min(0.012 / seconds, 4.0 * calls)));
  return calls;
}

/// GFLOP/s of calls of `flops` operations each.
template <class Call>
double speed_of_batch(double flops, const Call& call) {
  const int calls = std::max(1, static_cast<int>(std::ceil(2e9 / flops)));
  return flops / seconds_of_a_call(calls, call) * 1e-9;
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
