// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the host's arithmetic could do: a loop of multiply-adds that never leaves the registers.
#pragma once

#include <tilery/core/arch.hpp>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace benchmarks {

/// Multiply-adds in ten independent chains of whole vectors, more than the latency needs.
inline void multiply_adds(long times) {
  typedef float vector __attribute__((vector_size(tilery::vector_bytes())));
  vector s[10] = {};
  const vector a = vector{} + 0.99f, b = vector{} + 0.01f;
  for (long i = 0; i < times; ++i) {
#pragma GCC unroll 10
    for (int j = 0; j < 10; ++j) {
      s[j] = s[j] * a + b;
      asm volatile("" : "+x"(s[j]));  // keeps the chain, in a register
    }
  }
}

/// GFLOP/s of that loop on so many threads at once: the best of some tries.
inline double fma_peak(int threads) {
  constexpr long times = 3'000'000;
  constexpr double flops = 2.0 * 10 * times * (tilery::vector_bytes() / sizeof(float));
  double best = 0;
  for (int attempt = 0; attempt < 7; ++attempt) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back([] { multiply_adds(times); });
    multiply_adds(times);
    for (std::thread& other : others) other.join();
    const double taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    best = std::max(best, threads * flops / taken * 1e-9);
  }
  return best;
}

}  // namespace benchmarks
