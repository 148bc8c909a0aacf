// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// SGEMM on the CPU beside oneDNN and OpenBLAS: the same process, the same data, the libraries in turn. A round times
// one batch of each; figures are medians over rounds, ratios are medians of each round's ratio. A wrong result ends the
// run with an error. What tilery gains by a second thread is measured where no peer's threads are: gemm_cpu_threads.
#include <benchmark/benchmark.h>

#include <tilery/cpu.hpp>
#include <tilery/gemm.hpp>

#include "benchmarks/cpu_peak.hpp"
#include "benchmarks/rounds.hpp"

#include <cblas.h>
#include <dnnl.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <omp.h>
#include <unistd.h>

extern "C" {  // OpenBLAS's own, not in every cblas.h
void openblas_set_num_threads(int);
char* openblas_get_config();
char* openblas_get_corename();
}

namespace {

using namespace tilery;
using benchmarks::median;
using benchmarks::uniform;

struct problem {
  int m, n, k;
  bool a_transposed, b_transposed;
  int threads;
  std::string what;

  double flops() const { return 2.0 * m * n * k; }
  std::string name() const {
    return what + "/" + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) + "/" +
           (a_transposed ? "T" : "N") + (b_transposed ? "T" : "N") + "/threads:" + std::to_string(threads);
  }
};

/// op(X) of a row-major X, as a view.
template <class T>
matrix_view<const T> operand_view(const std::vector<T>& x, int rows, int columns, bool is_transposed) {
  return is_transposed ? transposed(matrix(x.data(), columns, rows)) : matrix(x.data(), rows, columns);
}

template <class T>
struct data {
  problem p;
  std::vector<T> a = uniform<T>(std::size_t(p.m) * p.k, 1), b = uniform<T>(std::size_t(p.k) * p.n, 2),
                 c = std::vector<T>(std::size_t(p.m) * p.n);
  int a_pitch() const { return p.a_transposed ? p.m : p.k; }
  int b_pitch() const { return p.b_transposed ? p.k : p.n; }

  void run_tilery() {
    gemm(cpu(p.threads), operand_view(a, p.m, p.k, p.a_transposed), operand_view(b, p.k, p.n, p.b_transposed),
         matrix(c.data(), p.m, p.n));
  }
  void run_onednn() requires std::is_same_v<T, float> {
    dnnl_sgemm(p.a_transposed ? 'T' : 'N', p.b_transposed ? 'T' : 'N', p.m, p.n, p.k, 1, a.data(), a_pitch(), b.data(),
               b_pitch(), 0, c.data(), p.n);
  }
  void run_openblas() requires(sizeof(T) >= 4) {
    const auto a_is = p.a_transposed ? CblasTrans : CblasNoTrans, b_is = p.b_transposed ? CblasTrans : CblasNoTrans;
    if constexpr (std::is_same_v<T, float>)
      cblas_sgemm(CblasRowMajor, a_is, b_is, p.m, p.n, p.k, 1, a.data(), a_pitch(), b.data(), b_pitch(), 0, c.data(),
                  p.n);
    else
      cblas_dgemm(CblasRowMajor, a_is, b_is, p.m, p.n, p.k, 1, a.data(), a_pitch(), b.data(), b_pitch(), 0, c.data(),
                  p.n);
  }

  /// Compares some hundreds of elements with sums in double.
  bool right() const {
    const auto x = operand_view(a, p.m, p.k, p.a_transposed), y = operand_view(b, p.k, p.n, p.b_transposed);
    const double u = sizeof(T) == 8 ? 0x1p-53 : 0x1p-24;
    std::mt19937 engine(3);
    for (int i = 0; i < 300; ++i) {
      const int row = static_cast<int>(engine() % p.m), column = static_cast<int>(engine() % p.n);
      double sum = 0, size = 0;
      for (int k = 0; k < p.k; ++k) {
        const double product = as_double(x.pointer[row * x.strides[0] + k * x.strides[1]]) *
                               as_double(y.pointer[k * y.strides[0] + column * y.strides[1]]);
        sum += product, size += std::abs(product);
      }
      const double bound = (p.k + 2) * u * size + (sizeof(T) == 2 ? 0x1p-8 * std::abs(sum) : 0);
      if (!(std::abs(as_double(c[std::size_t(row) * p.n + column]) - sum) <= bound)) return false;
    }
    return true;
  }
  static double as_double(T v) { return static_cast<double>(convert<accumulator_t<T>>(v)); }
};

struct row {
  std::string name;
  double tilery, onednn, openblas, to_onednn, to_openblas;  // GFLOP/s, ratios
};
std::vector<row>& rows() {
  static std::vector<row> all;
  return all;
}
bool& wrong_result() {
  static bool wrong = false;
  return wrong;
}

/// GFLOP/s of one batch. With several threads, the library that had its turn before may have idle ones that spin
/// (OpenBLAS's do for 27 ms): they get time to fall asleep, and ours are woken by the batch's unmeasured call.
template <class Call>
double speed(const problem& p, const Call& call) {
  if (p.threads > 1) std::this_thread::sleep_for(std::chrono::milliseconds(60));
  return benchmarks::speed_of_batch(p.flops(), call);
}

template <class T>
void compare(benchmark::State& state, const problem& p) {
  data<T> d{p};
  omp_set_num_threads(p.threads);
  openblas_set_num_threads(p.threads);
  std::vector<double> ours, onednn, openblas, to_onednn, to_openblas;
  const auto check = [&](const char* who) {
    if (!d.right()) wrong_result() = true, state.SkipWithError((std::string("wrong result of ") + who).c_str());
    std::fill(d.c.begin(), d.c.end(), convert<T>(static_cast<accumulator_t<T>>(NAN)));
  };
  for (auto _ : state) {
    ours.push_back(speed(p, [&] { d.run_tilery(); }));
    state.SetIterationTime(p.flops() / ours.back() * 1e-9);
    if (ours.size() == 1) check("tilery");
    if constexpr (requires { d.run_onednn(); }) {
      onednn.push_back(speed(p, [&] { d.run_onednn(); }));
      to_onednn.push_back(ours.back() / onednn.back());
      if (ours.size() == 1) check("oneDNN");
    }
    if constexpr (requires { d.run_openblas(); }) {
      openblas.push_back(speed(p, [&] { d.run_openblas(); }));
      to_openblas.push_back(ours.back() / openblas.back());
      if (ours.size() == 1) check("OpenBLAS");
    }
  }
  const row r{p.name(), median(ours), median(onednn), median(openblas), median(to_onednn), median(to_openblas)};
  rows().push_back(r);
  state.counters["GFLOPs"] = r.tilery;
  state.counters["oneDNN_GFLOPs"] = r.onednn;
  state.counters["OpenBLAS_GFLOPs"] = r.openblas;
  state.counters["to_oneDNN"] = r.to_onednn;
  state.counters["to_OpenBLAS"] = r.to_openblas;
}

template <class T>
void add(const problem& p) {
  constexpr int rounds = 11;
  benchmark::RegisterBenchmark(p.name().c_str(), [p](benchmark::State& state) { compare<T>(state, p); })
      ->Iterations(rounds)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

void add_all() {
  const int most = std::min(2, static_cast<int>(std::thread::hardware_concurrency()));
  for (int threads = 1; threads <= most; ++threads) {
    for (const int n : {64, 128, 256, 512, 1024, 2048}) add<float>({n, n, n, false, false, threads, "f32"});
    // The linear layers of an MLP, 784-256-128-10, with batches of 128: y = x W^T, dx = dy W, dW = dy^T x.
    const int widths[] = {784, 256, 128, 10};
    for (int i = 0; i < 3; ++i) {
      add<float>({128, widths[i + 1], widths[i], false, true, threads, "mlp_forward"});
      if (i > 0) add<float>({128, widths[i], widths[i + 1], false, false, threads, "mlp_dx"});
      add<float>({widths[i + 1], widths[i], 128, true, false, threads, "mlp_dw"});
    }
    add<float>({1024, 1024, 1024, false, true, threads, "f32"});
    add<float>({1024, 1024, 1024, true, false, threads, "f32"});
    for (const int n : {256, 1024}) add<double>({n, n, n, false, false, threads, "f64"});
    for (const int n : {256, 1024}) add<bf16>({n, n, n, false, false, threads, "bf16"});
  }
}

void print_table() {
  std::printf("\n%-38s %8s %8s %9s %10s %12s\n", "GFLOP/s, medians", "tilery", "oneDNN", "OpenBLAS", "to oneDNN",
              "to OpenBLAS");
  for (const row& r : rows()) {
    std::printf("%-38s %8.1f", r.name.c_str(), r.tilery);
    r.onednn > 0 ? std::printf(" %8.1f", r.onednn) : std::printf(" %8s", "-");
    r.openblas > 0 ? std::printf(" %9.1f", r.openblas) : std::printf(" %9s", "-");
    r.onednn > 0 ? std::printf(" %10.2f", r.to_onednn) : std::printf(" %10s", "-");
    r.openblas > 0 ? std::printf(" %12.2f\n", r.to_openblas) : std::printf(" %12s\n", "-");
  }
}

/// OpenBLAS reads its kernels' name when it is loaded: set it, and begin again.
void name_openblas_kernels(char** arguments) {
  if (std::getenv("OPENBLAS_CORETYPE")) return;
  const host_isa isa = running_isa();
  if (isa == host_isa::baseline) return;
  setenv("OPENBLAS_CORETYPE", isa == host_isa::avx512 ? "SkylakeX" : "Haswell", 1);
  execv("/proc/self/exe", arguments);
}

}  // namespace

int main(int argc, char** argv) {
  name_openblas_kernels(argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;

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

  add_all();
  benchmark::RunSpecifiedBenchmarks();
  print_table();
  if (wrong_result()) std::fprintf(stderr, "a result was wrong\n");
  return wrong_result() ? 1 : 0;
}
