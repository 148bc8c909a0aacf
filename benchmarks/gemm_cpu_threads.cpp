// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a second thread gives the SGEMM on the CPU, beside what it gives a loop of multiply-adds. One thread and two
// take turns, and the ratio is of neighbours in time. No peer is linked: idle threads of theirs would spin on our
// cores.
#include <benchmark/benchmark.h>

#include <tilery/cpu.hpp>
#include <tilery/gemm.hpp>

#include "benchmarks/cpu_peak.hpp"
#include "benchmarks/rounds.hpp"
#include "benchmarks/table.hpp"

#include <sched.h>
#include <cstdio>
#include <functional>
#include <string>

namespace {

using namespace benchmarks;

constexpr int rounds = 15;

/// While one lives, the calling thread stays on the n-th core of those that it may use.
class on_core {
public:
  explicit on_core(int n) {
    sched_getaffinity(0, sizeof(all_), &all_);
    int core = 0;
    while (!CPU_ISSET(core, &all_) || n-- > 0) ++core;
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(core, &only);
    sched_setaffinity(0, sizeof(only), &only);
  }
  on_core(const on_core&) = delete;
  ~on_core() { sched_setaffinity(0, sizeof(all_), &all_); }

private:
  cpu_set_t all_;
};

/// `speed(threads)` in GFLOP/s: medians of one thread's and two threads', and of the rounds' ratios.
void compare(benchmark::State& state, double flops, const std::function<double(int threads)>& speed) {
  const auto alone = [&](int core) {
    const on_core here(core);
    return speed(1);
  };
  std::vector<double> one, two, ratio;
  speed(2);  // starts the second thread, which inherits the cores of the first
  for (auto _ : state) {
    const double first = alone(0);
    two.push_back(speed(2));
    one.push_back((first + alone(1)) / 2);
    ratio.push_back(two.back() / one.back());
    state.SetIterationTime(flops / two.back() * 1e-9);
  }
  state.counters["one_GFLOPs"] = median(one);
  state.counters["two_GFLOPs"] = median(two);
  state.counters["ratio"] = median(ratio);
  state.counters["ratio_least"] = *std::min_element(ratio.begin(), ratio.end());
  state.counters["ratio_most"] = *std::max_element(ratio.begin(), ratio.end());
}

void fma_peak(benchmark::State& state) { compare(state, 1, fma_speed); }

void gemm(benchmark::State& state, int n) {
  const std::size_t size = std::size_t(n) * n;
  const std::vector<float> a = uniform<float>(size, 1), b = uniform<float>(size, 2);
  std::vector<float> c(size);
  const double flops = 2.0 * n * n * n;
  compare(state, flops, [&](int threads) {
    return speed_of_batch(flops, [&] {
      tilery::gemm(tilery::cpu(threads), tilery::matrix(a.data(), n, n), tilery::matrix(b.data(), n, n),
                   tilery::matrix(c.data(), n, n));
    });
  });
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  if (tilery::host_threads() < 2) {
    std::puts("this machine has one core: there is nothing to compare");
    return 0;
  }
  if (const char* why = tilery::cpu::slow_build()) std::printf("note: %s\n", why);
  const auto add = [](const std::string& name, const auto& run) {
    benchmark::RegisterBenchmark(name.c_str(), run)->Iterations(rounds)->UseManualTime()->Unit(benchmark::kMicrosecond);
  };
  add("fma_peak/threads:2", fma_peak);
  for (const int n : {128, 256, 512, 1024, 2048})
    add("gemm/f32/" + std::to_string(n) + "/threads:2", [n](benchmark::State& state) { gemm(state, n); });
  tilery_benchmarks::run_with_table();
}
