// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the host's arithmetic could do: a loop of multiply-adds that never leaves the registers.
#pragma once

#include <tilery/core/arch.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace benchmarks {

/// Multiply-adds in twelve independent chains of whole vectors: latency (4 cycles) times units (2) needs eight, and 16
/// registers hold twelve with both factors. Returns how many operations that was. The chains have names and the
/// function stays one: of an array, g++ 12 kept some in memory where it inlined the loop, which gave 40 to 110 GFLOP/s
/// where the registers give 145.
[[gnu::noinline]] inline double multiply_adds(long times) {
  typedef float vector __attribute__((vector_size(tilery::vector_bytes())));
  constexpr int chains = 12, unrolled = 4;
  const vector a = vector{} + 0.99f, b = vector{} + 0.01f;
  vector s0{}, s1{}, s2{}, s3{}, s4{}, s5{}, s6{}, s7{}, s8{}, s9{}, s10{}, s11{};
  const auto keep = [](vector& chain) { asm volatile("" : "+x"(chain)); };  // as it is, in a register
  const auto step = [&](auto&... chain) { ((chain = chain * a + b, keep(chain)), ...); };
  for (long i = 0; i < times; ++i) {
#pragma GCC unroll 4
    for (int u = 0; u < unrolled; ++u) step(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11);
  }
  return 2.0 * chains * unrolled * static_cast<double>(times) * (tilery::vector_bytes() / sizeof(float));
}

/// GFLOP/s of that loop on so many threads at once, some 10 ms on each, begun when all are awake.
inline double fma_speed(int threads) {
  constexpr long times = 1'000'000;
  std::atomic<int> awake = 0;
  std::vector<double> speeds(static_cast<std::size_t>(threads));
  const auto measure = [&](int thread) {
    multiply_adds(times / 8);
    for (++awake; awake < threads;) continue;
    const auto begin = std::chrono::steady_clock::now();
    const double operations = multiply_adds(times);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    speeds[static_cast<std::size_t>(thread)] = operations / taken.count() * 1e-9;
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(measure, thread);
  measure(0);
  for (std::thread& other : others) other.join();
  double sum = 0;
  for (const double speed : speeds) sum += speed;
  return sum;
}

}  // namespace benchmarks
