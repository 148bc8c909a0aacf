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

#include "benchmarks/counted_uniform.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tilery_benchmarks {

#ifdef __CUDACC__
using executor_type = tilery::cuda;
inline executor_type make_executor(int) {
  // The pool keeps what is freed: ops that allocate workspace in the stream's order do not go to the driver each time.
  int device = 0;
  cudaMemPool_t pool = nullptr;
  std::uint64_t kept = ~std::uint64_t{0};
  tilery::check_cuda(cudaGetDevice(&device), "cudaGetDevice", {});
  tilery::check_cuda(cudaDeviceGetDefaultMemPool(&pool, device), "cudaDeviceGetDefaultMemPool", {});
  tilery::check_cuda(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &kept), "cudaMemPoolSetAttribute",
                     {});
  return tilery::cuda();
}
#else
using executor_type = tilery::cpu;
inline executor_type make_executor(int threads) { return tilery::cpu(threads); }
#endif

/// Bytes that together exceed the caches twice: twice the GPU's L2; twice a desktop's last level.
inline std::int64_t beyond_caches() {
#ifdef __CUDACC__
  int device = 0, l2_bytes = 0;
  tilery::check_cuda(cudaGetDevice(&device), "cudaGetDevice", {});
  tilery::check_cuda(cudaDeviceGetAttribute(&l2_bytes, cudaDevAttrL2CacheSize, device), "cudaDeviceGetAttribute", {});
  return std::int64_t{2} * l2_bytes;
#else
  return std::int64_t{120} << 20;
#endif
}

/// Sets of buffers for data of so many bytes, so that a set is cold when its turn comes again.
inline int sets_for(std::int64_t bytes) {
  bytes = std::max<std::int64_t>(bytes, 1);
  return static_cast<int>(std::clamp<std::int64_t>((beyond_caches() + bytes - 1) / bytes, 2, 4096));
}

#ifdef __CUDACC__
inline constexpr int measured_rounds = 11;
inline constexpr double seconds_of_a_batch = 5e-4;  // the gap before the first kernel, some microseconds, is below 2 %
/// For an op; the first one of a program has to wake the GPU, too.
inline double seconds_to_warm_up() {
  static bool is_awake = false;
  return std::exchange(is_awake, true) ? 0.1 : 2;
}
#endif

/// How often an op and its peers have their turn. On a GPU that is fixed: Google Benchmark would count the time of one
/// call, of which a turn makes many.
inline void rounds_of(benchmark::internal::Benchmark* b) {
#ifdef __CUDACC__
  b->Iterations(measured_rounds);
#else
  (void)b;
#endif
}

/// Measures calls: on a GPU between two events, as many as take half a millisecond together, on the CPU one.
class call_timer {
public:
  explicit call_timer(const executor_type& executor) : executor_(executor) {
#ifdef __CUDACC__
    tilery::check_cuda(cudaEventCreate(&begin_), "cudaEventCreate", {});
    tilery::check_cuda(cudaEventCreate(&end_), "cudaEventCreate", {});
#endif
  }
#ifdef __CUDACC__
  ~call_timer() {
    (void)cudaEventDestroy(begin_);
    (void)cudaEventDestroy(end_);
  }
#endif
  call_timer(const call_timer&) = delete;
  call_timer& operator=(const call_timer&) = delete;

  /// Calls of a batch, after some that warm up.
  template <class Call>
  int calls_of_a_batch([[maybe_unused]] const Call& call) const {
#ifdef __CUDACC__
    int calls = 1;
    for (double seconds = this->seconds(1, call); calls < 256; seconds = this->seconds(calls, call)) {
      const int wanted = static_cast<int>(std::clamp(seconds_of_a_batch / std::max(seconds, 1e-6), 1.0, 256.0)) + 1;
      if (seconds * calls >= 0.9 * seconds_of_a_batch || wanted <= calls) break;
      calls = wanted;
    }
    return calls;
#else
    return 1;
#endif
  }

  /// Seconds of one call, the mean of a batch.
  template <class Call>
  double seconds(int calls, const Call& call) const {
#ifdef __CUDACC__
    float milliseconds = 0;
    tilery::check_cuda(cudaEventRecord(begin_, executor_.stream()), "cudaEventRecord", {});
    for (int i = 0; i < calls; ++i) call();
    tilery::check_cuda(cudaEventRecord(end_, executor_.stream()), "cudaEventRecord", {});
    tilery::check_cuda(cudaEventSynchronize(end_), "cudaEventSynchronize", {});
    tilery::check_cuda(cudaEventElapsedTime(&milliseconds, begin_, end_), "cudaEventElapsedTime", {});
    return milliseconds * 1e-3 / calls;
#else
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) call();
    executor_.wait();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / calls;
#endif
  }

private:
  const executor_type& executor_;
#ifdef __CUDACC__
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
#endif
};

/// A peer and what it is called in the table.
struct peer {
  const char* name;
  std::function<void(int set)> call;
};

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Medians of an op and of its peers, in seconds.
struct medians {
  double ours = 0;
  std::vector<double> peers;
};

/// Runs the op and its peers in turn. Reports the op's median time, bytes (or operations) a second, and for each peer
/// `<name>/ours`: above 1 the op is faster. `bytes` is what must move through memory, at least.
inline medians side_by_side(benchmark::State& state, const executor_type& executor, int sets, double bytes,
                            const std::function<void(int set)>& ours, const std::vector<peer>& peers) {
  const call_timer timer(executor);
  const std::size_t sides = peers.size() + 1;
  std::vector<std::vector<double>> seconds(sides);
  std::vector<int> calls(sides, 1);
  int set = 0;
  const auto call = [&](std::size_t side) {
    set = (set + 1) % sets;
    side == 0 ? ours(set) : peers[side - 1].call(set);
  };
  const auto start = std::chrono::steady_clock::now();
  for (int warm = 0; warm < sets; ++warm)
    for (std::size_t side = 0; side < sides; ++side) call(side);
  executor.wait();
  for (std::size_t side = 0; side < sides; ++side) calls[side] = timer.calls_of_a_batch([&] { call(side); });
#ifdef __CUDACC__
  const std::chrono::duration<double> long_enough(seconds_to_warm_up());
  while (std::chrono::steady_clock::now() - start < long_enough)
    for (std::size_t side = 0; side < sides; ++side) (void)timer.seconds(calls[side], [&] { call(side); });
#else
  (void)start;
#endif
  std::size_t round = 0;
  for (auto _ : state) {
    for (std::size_t turn = 0; turn < sides; ++turn) {
      const std::size_t side = (round + turn) % sides;  // who comes first changes
      seconds[side].push_back(timer.seconds(calls[side], [&] { call(side); }));
    }
    state.SetIterationTime(seconds[0].back());
    ++round;
  }
  medians result;
  result.ours = median(seconds[0]);
  state.counters["us"] = result.ours * 1e6;
  state.counters["GB/s"] = bytes / result.ours * 1e-9;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    result.peers.push_back(median(seconds[i + 1]));
    state.counters[std::string(peers[i].name) + "/ours"] = result.peers[i] / result.ours;
  }
  return result;
}

/// A copy of the same number of bytes (half read, half written), the bound of what memory gives. It goes through the
/// two ranges of `total` bytes in turn, so that it is as cold as the op.
inline peer copy_of(const executor_type& executor, void* to, const void* from, std::int64_t total, std::int64_t bytes,
                    int threads) {
  const std::int64_t half = std::min(bytes / 2, total), places = total / half;
  return {"copy", [=](int set) {
            std::byte* target = static_cast<std::byte*>(to) + set % places * half;
            const std::byte* source = static_cast<const std::byte*>(from) + set % places * half;
#ifdef __CUDACC__
            (void)threads;
            executor.copy_bytes(target, source, static_cast<std::size_t>(half));
#else
            const std::int64_t part = half / threads / 64 * 64;
            executor.parallel(threads, [=](std::int64_t t) { std::memcpy(target + t * part, source + t * part, static_cast<std::size_t>(part)); });
#endif
          }};
}

/// Sets of a tensor with uniform values in [-1, 1).
template <class T>
tilery::buffer<T> filled(const executor_type& executor, std::int64_t n, std::uint64_t seed = 1) {
  tilery::buffer<T> result(executor, n);
#ifdef __CUDACC__
  fill_uniform(executor, result.data_handle(), n, seed);
#else
  for (std::int64_t i = 0; i < n; ++i)
    result.data_handle()[i] = counted_uniform<T>(seed, static_cast<std::uint64_t>(i));
#endif
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
