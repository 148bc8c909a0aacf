// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Times an op and its peer in turn, on the same data, in one process. Each repetition uses the next of several sets of
// buffers that together exceed the caches twice; the time reported is the op's median, with the ratio of the medians.
#pragma once

#ifdef __CUDACC__
#include <tilery/cuda.hpp>
#else
#include <tilery/cpu.hpp>
#endif

#include <benchmark/benchmark.h>

#include <tilery/core/buffer.hpp>
#include <tilery/core/convert.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace tilery_benchmarks {

#ifdef __CUDACC__
using executor_type = tilery::cuda;
inline executor_type make_executor(int) { return tilery::cuda(); }
#else
using executor_type = tilery::cpu;
inline executor_type make_executor(int threads) { return tilery::cpu(threads); }
#endif

/// Bytes that the caches hold at most: twice the H200's L2, more than twice a desktop's last level.
inline constexpr std::int64_t beyond_caches = std::int64_t{120} << 20;

/// Sets of buffers for data of so many bytes, so that a set is cold when its turn comes again.
inline int sets_for(std::int64_t bytes) {
  return static_cast<int>(std::clamp<std::int64_t>(beyond_caches / std::max<std::int64_t>(bytes, 1), 2, 64));
}

/// Seconds of one call; on a GPU between two events, several calls where one takes less than 20 microseconds.
inline double seconds_of(const executor_type& executor, const std::function<void()>& call) {
#ifdef __CUDACC__
  cudaEvent_t begin, end;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  float milliseconds = 0;
  int calls = 1;
  for (;; calls *= 4) {
    cudaEventRecord(begin, executor.stream());
    for (int i = 0; i < calls; ++i) call();
    cudaEventRecord(end, executor.stream());
    cudaEventSynchronize(end);
    cudaEventElapsedTime(&milliseconds, begin, end);
    if (milliseconds > 0.1f || calls >= 64) break;
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return milliseconds * 1e-3 / calls;
#else
  const auto start = std::chrono::steady_clock::now();
  call();
  executor.wait();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
#endif
}

/// A peer and what it is called in the table.
struct peer {
  const char* name;
  std::function<void(int set)> call;
};

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Runs the op and its peers in turn. Reports the op's median time, bytes (or operations) a second, and for each peer
/// `<name>/ours`: above 1 the op is faster. `bytes` is what must move through memory, at least.
inline void side_by_side(benchmark::State& state, const executor_type& executor, int sets, double bytes,
                         const std::function<void(int set)>& ours, const std::vector<peer>& peers) {
  std::vector<double> our_seconds;
  std::vector<std::vector<double>> peer_seconds(peers.size());
  int set = 0;
  const auto turn = [&] { return set = (set + 1) % sets; };
  for (int warm = 0; warm < sets; ++warm) {
    ours(turn());
    for (const peer& p : peers) p.call(turn());
  }
  executor.wait();
  for (auto _ : state) {
    const double seconds = seconds_of(executor, [&] { ours(turn()); });
    our_seconds.push_back(seconds);
    state.SetIterationTime(seconds);
    for (std::size_t i = 0; i < peers.size(); ++i)
      peer_seconds[i].push_back(seconds_of(executor, [&] { peers[i].call(turn()); }));
  }
  const double ours_median = median(our_seconds);
  state.counters["us"] = ours_median * 1e6;
  state.counters["GB/s"] = bytes / ours_median * 1e-9;
  for (std::size_t i = 0; i < peers.size(); ++i)
    state.counters[std::string(peers[i].name) + "/ours"] = median(peer_seconds[i]) / ours_median;
}

/// A copy of the same number of bytes (half read, half written), the bound of what memory gives.
inline peer copy_of(const executor_type& executor, std::byte* memory, std::int64_t bytes, int threads) {
  return {"copy", [=](int) {
#ifdef __CUDACC__
            (void)threads;
            executor.copy_bytes(memory + bytes / 2, memory, static_cast<std::size_t>(bytes / 2));
#else
            const std::int64_t part = bytes / 2 / threads / 64 * 64;
            executor.parallel(threads, [=](std::int64_t t) { std::memcpy(memory + bytes / 2 + t * part, memory + t * part, static_cast<std::size_t>(part)); });
#endif
          }};
}

/// Sets of a tensor with uniform values in [-1, 1].
template <class T>
tilery::buffer<T> filled(const executor_type& executor, std::int64_t n, std::uint64_t seed = 1) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<T> host(static_cast<std::size_t>(n));
  for (T& v : host) v = tilery::convert<T>(uniform(generator));
  tilery::buffer<T> result(executor, n);
  tilery::copy(executor, tilery::vector(host.data(), static_cast<int>(n)), result);
  executor.wait();
  return result;
}

/// Threads of the CPU's runs: 1, and all.
inline std::vector<std::int64_t> thread_counts() {
#ifdef __CUDACC__
  return {0};
#else
  if (tilery::host_threads() == 1) return {1};
  return {1, tilery::host_threads()};
#endif
}

}  // namespace tilery_benchmarks
