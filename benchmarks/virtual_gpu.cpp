// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How fast the virtual GPU runs kernels: GEMM on lanes and on tensor cores in operations a second, unchecked, with
// every check, and with a profile; barriers of lanes in nanoseconds; a thousand small launches, which must not become
// slower or larger.
#include <tilery/gemm.hpp>
#include <tilery/virtual_gpu.hpp>

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

namespace {

using namespace tilery;

// Policies of their own: the numbers stay comparable when a table is tuned.
constexpr gemm_simt_policy on_lanes{.block = {128, 128, 8}, .lane = {8, 8}};
constexpr gemm_mma_sync_policy on_tensor_cores{.block = {64, 64, 64}, .warp = {32, 32}, .stages = 4};

template <auto P, class T, class Gpu>
void gemm_of(benchmark::State& state, const Gpu& gpu) {
  const int n = static_cast<int>(state.range(0));
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<T> a(static_cast<std::size_t>(n) * n), b(a.size()), c(a.size());
  for (T& x : a) x = convert<T>(uniform(generator));
  for (T& x : b) x = convert<T>(uniform(generator));
  const auto av = matrix(a.data(), n, n), bv = matrix(b.data(), n, n);
  for (auto _ : state) gemm<P>(gpu, av, bv, matrix(c.data(), n, n));
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * n * n * n, benchmark::Counter::kIsIterationInvariantRate);
}
template <class Gpu>
void simt_gemm(benchmark::State& state, const Gpu& gpu) {
  gemm_of<on_lanes, float>(state, gpu);
}
template <class Gpu>
void tensor_core_gemm(benchmark::State& state, const Gpu& gpu) {
  gemm_of<on_tensor_cores, bf16>(state, gpu);
}
void profiled_gemm(benchmark::State& state) {
  launch_report report;
  simt_gemm(state, virtual_gpu(arch::sm_90, {.report = &report}));
  if (!report.faults.empty()) state.SkipWithError("faults in a right kernel");
}
BENCHMARK_CAPTURE(simt_gemm, unchecked, unchecked_virtual_gpu())->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simt_gemm, checked, virtual_gpu())->Arg(512)->Unit(benchmark::kMillisecond);
BENCHMARK(profiled_gemm)->Name("simt_gemm/checked_and_profiled")->Arg(512)->Unit(benchmark::kMillisecond);

BENCHMARK_CAPTURE(tensor_core_gemm, unchecked, unchecked_virtual_gpu())->Arg(256)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(tensor_core_gemm, unchecked_and_exact,
                  unchecked_virtual_gpu(arch::sm_90, {.exact_tensor_cores = true}))
    ->Arg(256)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(tensor_core_gemm, checked, virtual_gpu())->Arg(256)->Unit(benchmark::kMillisecond);

struct no_params {};

template <bool Block>
struct meets {
  static constexpr const char* name = "meets";
  static constexpr int threads = 256;
  static constexpr bool allows_one_lane = false;
  static constexpr int times = 1000;
  using shared = no_shared;
  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const no_params&, shared&) {
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
  for (auto _ : state) launch<Kernel>(unchecked_virtual_gpu(), {1}, no_params{});
  state.counters["seconds a lane"] =
      benchmark::Counter(Kernel::threads * Kernel::times,
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(meeting<meets<true>>)->Name("sync_block");
BENCHMARK(meeting<meets<false>>)->Name("shuffle");

struct returns : meets<true> {
  template <class Lane>
  TILERY_SIMT static void run(Lane, const no_params&, shared&) {}
};
template <class Gpu>
void small_launch(benchmark::State& state) {
  for (auto _ : state) launch<returns>(Gpu(), {1}, no_params{});
}
BENCHMARK(small_launch<unchecked_virtual_gpu>)->Name("small_launch/checked:0");
BENCHMARK(small_launch<virtual_gpu>)->Name("small_launch/checked:1");

}  // namespace
