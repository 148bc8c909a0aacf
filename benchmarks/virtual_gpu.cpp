// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How fast the virtual GPU runs kernels: GEMM in operations a second, unchecked, with every check, and with a profile;
// meetings of lanes in nanoseconds; a thousand small launches, which must not become slower or larger.
#include <tilery/gemm.hpp>
#include <tilery/virtual_gpu.hpp>

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

namespace {

using namespace tilery;

void simt_gemm(benchmark::State& state, checks watched) {
  const int n = static_cast<int>(state.range(0));
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> a(static_cast<std::size_t>(n) * n), b(a.size()), c(a.size());
  for (float& x : a) x = uniform(generator);
  for (float& x : b) x = uniform(generator);
  launch_report report;
  const virtual_gpu gpu(arch::sm_90, {.checks = watched, .report = any(watched & checks::profile) ? &report : nullptr});
  const auto av = matrix(a.data(), n, n), bv = matrix(b.data(), n, n);
  for (auto _ : state) gemm(gpu, av, bv, matrix(c.data(), n, n));
  if (!report.faults.empty()) state.SkipWithError("faults in a right kernel");
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * n * n * n, benchmark::Counter::kIsIterationInvariantRate);
}
constexpr checks without_profile = checks::memory | checks::races | checks::meetings;
BENCHMARK_CAPTURE(simt_gemm, unchecked, checks::none)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simt_gemm, checked, without_profile)->Arg(512)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simt_gemm, checked_and_profiled, checks::all)->Arg(512)->Unit(benchmark::kMillisecond);

struct no_params {};

template <bool Block>
struct meets {
  static constexpr const char* name = "meets";
  static constexpr int threads = 256;
  static constexpr arch lowest = arch::sm_75;
  static constexpr bool holds_alone = false;
  static constexpr int times = 1000;
  using shared = no_shared;
  template <class Lane>
  SIMT static void run(Lane lane, const no_params&, shared&) {
    for (int i = 0; i < times; ++i) {
      if constexpr (Block)
        lane.sync_block();
      else
        lane.shuffle_xor(i, 1);
    }
  }
};

template <class Kernel>
void meeting(benchmark::State& state) {
  for (auto _ : state) launch<Kernel>(virtual_gpu(arch::sm_90, checks::none), {1}, no_params{});
  state.counters["seconds a lane"] =
      benchmark::Counter(Kernel::threads * Kernel::times,
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(meeting<meets<true>>)->Name("sync_block");
BENCHMARK(meeting<meets<false>>)->Name("shuffle");

struct returns : meets<true> {
  template <class Lane>
  SIMT static void run(Lane, const no_params&, shared&) {}
};
void small_launch(benchmark::State& state) {
  for (auto _ : state)
    launch<returns>(virtual_gpu(arch::sm_90, state.range(0) ? checks::all : checks::none), {1}, no_params{});
}
BENCHMARK(small_launch)->ArgName("checked")->Arg(0)->Arg(1);

}  // namespace
