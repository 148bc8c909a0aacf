// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The common parts of the suites that measure a GPU beside a library in the same process: the executor, failures, the
// library's fastest algorithm, and the host's time for a call.
#pragma once

#include "benchmarks/side_by_side.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <limits>
#include <string>
#include <vector>

namespace tilery_benchmarks {

/// The state of a whole run. A suite derives its own from it, with the library.
struct gpu_session {
  tilery::cuda executor;
  std::string without_peer;  // why the library is not here
  bool failed = false;

  /// Ends a benchmark with a sentence, and the run with a failure.
  void fail(benchmark::State& state, const std::string& sentence) {
    failed = true;
    std::fprintf(stderr, "%s\n", sentence.c_str());
    state.SkipWithError(sentence.c_str());
  }
};

/// Says what runs, on what, beside what.
inline void introduce(const std::string& peer) {
  cudaDeviceProp device{};
  tilery::check_cuda(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties", {});
  std::printf("%s, %d multiprocessors, %d MiB of L2; %s\n", device.name, device.multiProcessorCount,
              device.l2CacheSize >> 20, peer.c_str());
  benchmark::AddCustomContext("device", device.name);
  benchmark::AddCustomContext("peer", peer);
}

/// The fastest of a library's algorithms 0, ..., count - 1 by the median of three batches each; those that are twice as
/// slow as the best so far have one only. `run(algorithm, set)` calls it. What the library refuses to run after all is
/// passed over. -1 where it runs none.
template <class Run>
int fastest_algorithm(const tilery::cuda& executor, const char* library, int count, int sets, const Run& run) {
  const call_timer timer(executor);
  int best = -1, set = 0;
  double best_seconds = std::numeric_limits<double>::infinity();
  for (int i = 0; i < count; ++i) try {
      const auto call = [&] {
        set = (set + 1) % sets;
        run(i, set);
      };
      call();
      const int calls = timer.calls_of_a_batch(call);
      std::vector<double> seconds = {timer.seconds(calls, call)};
      while (seconds.size() < 3 && seconds[0] < 2 * best_seconds) seconds.push_back(timer.seconds(calls, call));
      if (median(seconds) < best_seconds) best = i, best_seconds = median(seconds);
    } catch (const tilery::error& error) {
      std::fprintf(stderr, "%s's algorithm %d is passed over: %s\n", library, i + 1, error.what());
    }
  return best;
}

/// Microseconds that the host spends on a call: where they exceed the call's time, the host is what is measured.
template <class Call>
double microseconds_to_enqueue(const tilery::cuda& executor, int sets, const Call& call) {
  constexpr int calls = 16;
  executor.wait();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) call(i % sets);
  const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
  executor.wait();
  return taken.count() / calls;
}

/// A sentence about a wrong result.
inline std::string wrong_by(const std::string& who, const char* whom, double error, double bound) {
  char figures[100];
  std::snprintf(figures, sizeof figures, " by %.3g of its norm; the bound is %.3g", error, bound);
  return "wrong result: " + who + " differs from " + whom + figures;
}

}  // namespace tilery_benchmarks
