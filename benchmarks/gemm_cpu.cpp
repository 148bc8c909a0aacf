// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM on the CPU beside oneDNN and OpenBLAS: the same process, the same data, the libraries in turn. The problems are
// those of gemm_shapes.txt, the batches among them by one call of gemm_batched. A round times one batch of calls of
// each; figures are medians over rounds, ratios are medians of each round's ratio. A wrong result ends the run with an
// error. What tilery gains by a second thread is measured where no peer's threads are: gemm_cpu_threads.
//
//   gemm_cpu                 the shapes of at most 20 GFLOP, a quarter of a second on a core with AVX-512
//   gemm_cpu --quick         those of them that are marked quick
//   gemm_cpu --all           the larger ones, too
//   gemm_cpu --shapes FILE   another file's
//
// Other arguments are Google Benchmark's, such as --benchmark_filter=square/.*/f32
#include <benchmark/benchmark.h>

#include <tilery/cpu.hpp>
#include <tilery/gemm_batched.hpp>

#include "benchmarks/cpu_peak.hpp"
#include "benchmarks/gemm_shapes_text.hpp"
#include "benchmarks/onednn.hpp"
#include "benchmarks/options.hpp"
#include "benchmarks/ratios.hpp"
#include "benchmarks/rounds.hpp"
#include "benchmarks/table.hpp"

#include <cblas.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <thread>

#include <omp.h>
#include <unistd.h>

extern "C" {  // OpenBLAS's own, not in every cblas.h
void openblas_set_num_threads(int);
char* openblas_get_config();
char* openblas_get_corename();
}

namespace {

using namespace tilery;
using namespace tilery_benchmarks;
using benchmarks::median;

/// The operands of a problem.
template <class T>
class operands_of {
public:
  using C = gemm_result_t<T>;

  explicit operands_of(const gemm_shape& s)
      : shape(s),
        a(drawn(seed_of_a, std::int64_t{s.batch} * s.m * s.k)),
        b(drawn(seed_of_b, std::int64_t{s.batch} * s.k * s.n)),
        c(static_cast<std::size_t>(std::int64_t{s.batch} * s.m * s.n)) {}

  void poison() { std::memset(static_cast<void*>(c.data()), 0xff, c.size() * sizeof(C)); }
  bool right() const {
    const auto row_of = [&](std::int64_t row) {
      return std::vector<C>(c.begin() + row * shape.n, c.begin() + (row + 1) * shape.n);
    };
    return sampled_error<T>(shape, 0, 0, row_of) <= relative_bound<T>(shape.k);  // NaN is not
  }

  gemm_shape shape;
  std::vector<T> a, b;
  std::vector<C> c;

private:
  static std::vector<T> drawn(std::uint64_t seed, std::int64_t count) {
    std::vector<T> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = counted_uniform<T>(seed, i);
    return values;
  }
};

template <class T>
cpu_way tilery_way(operands_of<T>& d, int threads) {
  const gemm_shape& s = d.shape;
  const auto a = batch_of<const T>(d.a.data(), s.batch, s.m, s.k, s.a_transposed);
  const auto b = batch_of<const T>(d.b.data(), s.batch, s.k, s.n, s.b_transposed);
  const auto c = batch_of(d.c.data(), s.batch, s.m, s.n, false);
  if (s.batch > 1)
    return {"tilery", [=] { gemm_batched(cpu(threads), a, b, c, epilogue::none(), plain_factors<T>()); }};
  return {"tilery", [=] {
            gemm(cpu(threads), ops::slice(a, 0), ops::slice(b, 0), ops::slice(c, 0), epilogue::none(),
                 plain_factors<T>());
          }};
}

template <class T>
std::vector<cpu_way> openblas_ways(operands_of<T>& d) {
  const gemm_shape& s = d.shape;
  if (s.batch > 1) return {};
  const auto a_is = s.a_transposed ? CblasTrans : CblasNoTrans, b_is = s.b_transposed ? CblasTrans : CblasNoTrans;
  const int m = s.m, n = s.n, k = s.k, a_pitch = s.a_transposed ? m : k, b_pitch = s.b_transposed ? k : n;
  const auto *a = d.a.data(), *b = d.b.data();
  auto* c = d.c.data();
  if constexpr (std::is_same_v<T, float>)
    return {{"sgemm", [=] { cblas_sgemm(CblasRowMajor, a_is, b_is, m, n, k, 1, a, a_pitch, b, b_pitch, 0, c, n); }}};
  else if constexpr (std::is_same_v<T, double>)
    return {{"dgemm", [=] { cblas_dgemm(CblasRowMajor, a_is, b_is, m, n, k, 1, a, a_pitch, b, b_pitch, 0, c, n); }}};
  else
    return {};
}

/// A side of the comparison: what runs, how many calls make a batch, and each round's seconds a call.
struct side {
  cpu_way way;
  int calls;
  std::vector<double> seconds = {};

  double gflops(const gemm_shape& s) const { return seconds.empty() ? 0 : s.flops() / median(seconds) * 1e-9; }
};

struct row {
  gemm_shape shape;
  int threads;
  double tilery, onednn, openblas, to_onednn, to_openblas;  // GFLOP/s, ratios
};

struct session {
  std::vector<row> rows;
  bool wrong = false;
};

/// Seconds of one call, by a batch. With several threads, the library that had its turn before may have idle ones that
/// spin (OpenBLAS's do for 27 ms): they get time to fall asleep, and ours are woken by the batch's unmeasured call.
double seconds_of(const cpu_way& way, int calls, int threads) {
  if (threads > 1) std::this_thread::sleep_for(std::chrono::milliseconds(60));
  return benchmarks::seconds_of_a_call(calls, way.call);
}

/// The faster of a library's ways, by the better of two batches each.
std::vector<side> fastest(const std::vector<cpu_way>& ways, int threads) {
  std::vector<side> best;
  double best_seconds = 0;
  for (const cpu_way& way : ways) {
    const int calls = benchmarks::calls_of_a_batch(way.call);
    const double seconds = std::min(seconds_of(way, calls, threads), seconds_of(way, calls, threads));
    if (best.empty() || seconds < best_seconds) best = {{way, calls}}, best_seconds = seconds;
  }
  return best;
}

/// The median of each round's ratio of speeds, ours to theirs.
double ratio(const side& ours, const std::vector<side>& theirs) {
  if (theirs.empty()) return 0;
  std::vector<double> all;
  for (std::size_t i = 0; i < ours.seconds.size(); ++i) all.push_back(theirs[0].seconds[i] / ours.seconds[i]);
  return median(all);
}

template <class T>
void compare(benchmark::State& state, session& all, const gemm_shape& shape, int threads) try {
  omp_set_num_threads(threads);
  openblas_set_num_threads(threads);
  operands_of<T> d(shape);
  std::vector<side> ours = fastest({tilery_way(d, threads)}, threads),
                    onednn = fastest(onednn_ways<T>(shape, d.a.data(), d.b.data(), d.c.data()), threads),
                    openblas = fastest(openblas_ways(d), threads);
  std::vector<side*> sides;
  for (auto* of : {&ours, &onednn, &openblas})
    for (side& one : *of) sides.push_back(&one);

  for (const side* one : sides) {
    d.poison();
    one->way.call();
    if (d.right()) continue;
    all.wrong = true;
    return state.SkipWithError(("wrong result of " + one->way.name).c_str());
  }
  for (auto _ : state) {
    for (side* one : sides) one->seconds.push_back(seconds_of(one->way, one->calls, threads));
    state.SetIterationTime(ours[0].seconds.back());
  }
  const auto speed = [&](const std::vector<side>& of) { return of.empty() ? 0 : of[0].gflops(shape); };
  const row
      r{shape, threads, speed(ours), speed(onednn), speed(openblas), ratio(ours[0], onednn), ratio(ours[0], openblas)};
  all.rows.push_back(r);
  state.counters["GFLOPs"] = r.tilery;
  state.counters["GB/s"] = bytes_of<T>(shape) / shape.flops() * r.tilery;
  state.counters["oneDNN_GFLOPs"] = r.onednn;
  state.counters["OpenBLAS_GFLOPs"] = r.openblas;
  state.counters["to_oneDNN"] = r.to_onednn;
  state.counters["to_OpenBLAS"] = r.to_openblas;
  if (!onednn.empty()) state.SetLabel("oneDNN's " + onednn[0].way.name);
} catch (const std::exception& error) {
  all.wrong = true;
  state.SkipWithError(error.what());
}

void add_all(session& all, const std::vector<gemm_shape>& shapes, double most_flops, bool quick) {
  const int most = std::min(2, static_cast<int>(std::thread::hardware_concurrency()));
  for (int threads = 1; threads <= most; ++threads)
    for (const gemm_shape& shape : shapes) {
      if (shape.flops() > most_flops || (quick && !shape.quick)) continue;
      if (shape.type == "tf32" || shape.type == "fp8_e4m3") continue;  // of tensor cores: converted here, and no peer
      with_element_type(shape.type, [&]<class T>() {
        const std::string name = shape.title() + "/threads:" + std::to_string(threads);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [&all, shape, threads](benchmark::State& state) {
                                       compare<T>(state, all, shape, threads);
                                     })
            ->Iterations(shape.flops() < 4e9 ? 11 : 5)
            ->UseManualTime()
            ->Unit(benchmark::kMicrosecond);
      });
    }
}

void print_tables(const session& all) {
  std::printf("\n%-58s %8s %8s %9s %10s %12s\n", "GFLOP/s, medians", "tilery", "oneDNN", "OpenBLAS", "to oneDNN",
              "to OpenBLAS");
  const auto print = [](int width, int digits, double figure) {
    figure > 0 ? std::printf(" %*.*f", width, digits, figure) : std::printf(" %*s", width, "-");
  };
  std::vector<measured_ratio> to_onednn, to_openblas;
  for (const row& r : all.rows) {
    const std::string threads = "/threads:" + std::to_string(r.threads);
    std::printf("%-58s", (r.shape.title() + threads).c_str());
    print(8, 1, r.tilery), print(8, 1, r.onednn), print(9, 1, r.openblas);
    print(10, 2, r.to_onednn), print(12, 2, r.to_openblas);
    std::printf("\n");
    if (r.onednn > 0) to_onednn.push_back({r.shape.group + threads, r.shape.type, r.to_onednn});
    if (r.openblas > 0) to_openblas.push_back({r.shape.group + threads, r.shape.type, r.to_openblas});
  }
  print_ratios(to_onednn, "oneDNN");
  print_ratios(to_openblas, "OpenBLAS");
}

/// OpenBLAS reads its kernels' name when it is loaded: set it, and begin again.
void name_openblas_kernels(char** arguments) {
  if (std::getenv("OPENBLAS_CORETYPE")) return;
  const host_isa isa = running_isa();
  if (isa == host_isa::baseline) return;
  setenv("OPENBLAS_CORETYPE", isa == host_isa::avx512 ? "SkylakeX" : "Haswell", 1);
  execv("/proc/self/exe", arguments);
}

void introduce() {
  std::vector<double> speeds;
  for (int round = 0; round < 11; ++round) speeds.push_back(benchmarks::fma_speed(1));
  const double peak = median(speeds);
  const dnnl_version_t* onednn = dnnl_version();
  const std::string version =
      std::to_string(onednn->major) + "." + std::to_string(onednn->minor) + "." + std::to_string(onednn->patch);
  std::printf("FMA peak, float, one thread: %.0f GFLOP/s\n", peak);
  std::printf("OpenBLAS: %s, kernels %s\noneDNN: %s, effective ISA 0x%x\n", openblas_get_config(),
              openblas_get_corename(), version.c_str(), static_cast<unsigned>(dnnl_get_effective_cpu_isa()));
  if (const char* why = cpu::slow_build()) std::printf("note: %s\n", why);
  benchmark::AddCustomContext("fma_peak_gflops", std::to_string(peak));
  benchmark::AddCustomContext("openblas_kernels", openblas_get_corename());
  benchmark::AddCustomContext("onednn", version);
}

}  // namespace

int main(int count, char** arguments) try {
  name_openblas_kernels(arguments);
  const bool quick = take_option(count, arguments, "--quick", false).has_value();
  const bool large = take_option(count, arguments, "--all", false).has_value();
  const auto file = take_option(count, arguments, "--shapes", true);
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  const auto shapes = file ? read_gemm_shapes(*file) : parse_gemm_shapes(gemm_shapes_text);

  session all;
  introduce();
  add_all(all, shapes, large ? std::numeric_limits<double>::infinity() : 20e9, quick);
  run_with_table();
  print_tables(all);
  if (all.wrong) std::fprintf(stderr, "gemm_cpu: a result was wrong or a call failed\n");
  return all.wrong ? 1 : 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "gemm_cpu: %s\n", error.what());
  return 1;
}
