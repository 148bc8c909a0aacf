// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One GEMM on a GPU beside cuBLASLt: the same operands, the two in turn, a wrong result ends the run with an error.
// A program registers candidates (the default call, a policy by name) for the shapes that it wants and calls `finish`.
#pragma once

#include "benchmarks/cublaslt.hpp"
#include "benchmarks/gemm_reference.hpp"
#include "benchmarks/ratios.hpp"
#include "benchmarks/side_by_side.hpp"

#include <tilery/gemm.hpp>

#include <cstdio>
#include <map>
#include <memory>
#include <optional>

namespace tilery_benchmarks {

/// One element a thread, in strides of the grid.
template <class T>
__global__ void fill_uniform(T* data, std::int64_t n, std::uint64_t seed) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += step)
    data[i] = counted_uniform<T>(seed, static_cast<std::uint64_t>(i));
}

/// sums += {sum of (x - reference)^2, sum of reference^2}, in double. A NaN anywhere makes the first one NaN.
template <class T>
__global__ void add_differences(const T* x, const T* reference, std::int64_t n, double* sums) {
  double differences = 0, squares = 0;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += step) {
    const double r = static_cast<double>(tilery::convert<tilery::accumulator_t<T>>(reference[i]));
    const double d = static_cast<double>(tilery::convert<tilery::accumulator_t<T>>(x[i])) - r;
    differences += d * d, squares += r * r;
  }
  for (int distance = 16; distance > 0; distance /= 2) {
    differences += __shfl_xor_sync(0xffffffffu, differences, distance);
    squares += __shfl_xor_sync(0xffffffffu, squares, distance);
  }
  if (threadIdx.x % 32 == 0) atomicAdd(&sums[0], differences), atomicAdd(&sums[1], squares);
}

/// The operands of one shape, in as many sets as exceed the L2 twice, and a second C for the peer's result.
template <class T>
class gemm_data {
public:
  gemm_data(const tilery::cuda& executor, const gemm_shape& shape)
      : shape_(shape),
        executor_(executor),
        a_step_(step(shape.m, shape.k)),
        b_step_(step(shape.k, shape.n)),
        c_step_(step(shape.m, shape.n)),
        sets_(sets_for(static_cast<std::int64_t>(shape.bytes(sizeof(T))))) {
    std::size_t free = 0, total = 0;
    tilery::check_cuda(cudaMemGetInfo(&free, &total), "cudaMemGetInfo", {});
    needed_ = (static_cast<std::size_t>(sets_) * static_cast<std::size_t>(a_step_ + b_step_ + c_step_) +
               static_cast<std::size_t>(c_step_)) *
              sizeof(T);
    fits_ = needed_ < free / 10 * 9;
    if (!fits_) return;
    a_ = executor.allocate(bytes_of(a_step_) * static_cast<std::size_t>(sets_));
    b_ = executor.allocate(bytes_of(b_step_) * static_cast<std::size_t>(sets_));
    c_ = executor.allocate(bytes_of(c_step_) * static_cast<std::size_t>(sets_));
    reference_ = executor.allocate(bytes_of(c_step_));
    sums_ = executor.allocate(2 * sizeof(double));
    fill(a_, a_step_ * sets_, seed_of_a);
    fill(b_, b_step_ * sets_, seed_of_b);
    executor.zero_bytes(c_.get(), c_.bytes());  // touched: what is first written in the timed part has its pages
    executor.wait();
  }

  bool fits() const { return fits_; }
  std::size_t needed() const { return needed_; }
  int sets() const { return sets_; }
  const T* a(int set) const { return static_cast<const T*>(a_.get()) + set * a_step_; }
  const T* b(int set) const { return static_cast<const T*>(b_.get()) + set * b_step_; }
  T* c(int set) const { return static_cast<T*>(c_.get()) + set * c_step_; }
  T* reference() const { return static_cast<T*>(reference_.get()); }
  tilery::matrix_view<const T> a_view(int set) const {
    return operand(a(set), shape_.m, shape_.k, shape_.a_transposed);
  }
  tilery::matrix_view<const T> b_view(int set) const {
    return operand(b(set), shape_.k, shape_.n, shape_.b_transposed);
  }
  tilery::matrix_view<T> c_view(int set) const { return tilery::matrix(c(set), shape_.m, shape_.n); }

  /// Every element NaN: all bits set, in each of the types.
  void poison(T* c) const {
    tilery::check_cuda(cudaMemsetAsync(c, 0xff, bytes_of(c_elements()), executor_.stream()), "cudaMemsetAsync", {});
  }
  /// ||x - reference|| / ||reference||, over all of two results.
  double difference(const T* x, const T* reference) const {
    double sums[2] = {};
    executor_.zero_bytes(sums_.get(), sizeof sums);
    add_differences<<<blocks, 256, 0, executor_.stream()>>>(x, reference, c_elements(),
                                                            static_cast<double*>(sums_.get()));
    tilery::check_cuda(cudaGetLastError(), "add_differences", {});
    executor_.copy_bytes(sums, sums_.get(), sizeof sums);
    executor_.wait();
    return std::sqrt(sums[0] / sums[1]);
  }
  /// The same against sums in double on the host, over sampled rows and columns; x is the C of this set.
  double error_of_samples(const T* x, int set) const {
    return sampled_error<T>(shape_, set * a_step_, set * b_step_, [&](int row) {
      std::vector<T> values(static_cast<std::size_t>(shape_.n));
      executor_.copy_bytes(values.data(), x + std::int64_t{row} * shape_.n, values.size() * sizeof(T));
      executor_.wait();
      return values;
    });
  }

private:
  static constexpr int blocks = 1024;
  std::int64_t c_elements() const { return std::int64_t{shape_.m} * shape_.n; }
  static std::size_t bytes_of(std::int64_t elements) { return static_cast<std::size_t>(elements) * sizeof(T); }
  /// Elements from one set to the next: whole units of 256 bytes, as cudaMalloc aligns.
  static std::int64_t step(std::int64_t rows, std::int64_t columns) {
    constexpr std::int64_t unit = 256 / sizeof(T);
    return (rows * columns + unit - 1) / unit * unit;
  }
  static tilery::matrix_view<const T> operand(const T* x, int rows, int columns, bool is_transposed) {
    return is_transposed ? tilery::transposed(tilery::matrix(x, columns, rows)) : tilery::matrix(x, rows, columns);
  }
  void fill(const tilery::allocation& memory, std::int64_t elements, std::uint64_t seed) const {
    fill_uniform<<<blocks, 256, 0, executor_.stream()>>>(static_cast<T*>(memory.get()), elements, seed);
    tilery::check_cuda(cudaGetLastError(), "fill_uniform", {});
  }

  gemm_shape shape_;
  tilery::cuda executor_;
  std::int64_t a_step_, b_step_, c_step_;
  int sets_;
  bool fits_ = false;
  std::size_t needed_ = 0;
  tilery::allocation a_, b_, c_, reference_, sums_;
};

/// A way to call tilery's GEMM: why it does not serve the operands (null: it does), and the call.
template <class T>
struct gemm_candidate {
  std::string name;
  std::function<const char*(const tilery::cuda&, const gemm_data<T>&)> misfit;
  std::function<void(const tilery::cuda&, const gemm_data<T>&, int set)> call;
};

/// The call without a policy.
template <class T>
gemm_candidate<T> default_gemm() {
  return {"default", [](const tilery::cuda&, const gemm_data<T>&) -> const char* { return nullptr; },
          [](const tilery::cuda& executor, const gemm_data<T>& d, int set) {
            tilery::gemm(executor, d.a_view(set), d.b_view(set), d.c_view(set));
          }};
}

/// The call with policy P.
template <auto P, class T>
gemm_candidate<T> gemm_with(const char* name) {
  return {name,
          [](const tilery::cuda& executor, const gemm_data<T>& d) {
            return misfit(P, tilery::ops::describe_gemm(d.a_view(0), d.b_view(0), d.c_view(0), executor.target()));
          },
          [](const tilery::cuda& executor, const gemm_data<T>& d, int set) {
            tilery::gemm<P>(executor, d.a_view(set), d.b_view(set), d.c_view(set));
          }};
}

/// One line of what was measured.
struct gemm_measurement {
  gemm_shape shape;
  std::string candidate;
  double seconds = 0;
  double best_seconds = 0, first_seconds = 0;  // cuBLASLt's; 0 where it is not here or has no algorithm

  double tflops() const { return shape.flops() / seconds * 1e-12; }
};

/// What the whole run shares.
struct gemm_session {
  tilery::cuda executor;
  std::string without_peer;
  std::unique_ptr<cublaslt> library = cublaslt::open(without_peer);
  tilery::allocation workspace;
  std::map<std::string, int> best_algorithms;  // by the shape's title
  std::vector<gemm_measurement> measurements;
  bool failed = false;

  /// 64 MiB on Hopper and later, 32 before, as much as cuBLAS itself takes at most.
  gemm_session()
      : workspace(executor.allocate(std::size_t{executor.target() >= tilery::arch::sm_90 ? 64u : 32u} << 20)) {}

  void fail(benchmark::State& state, const std::string& sentence) {
    failed = true;
    std::fprintf(stderr, "%s\n", sentence.c_str());
    state.SkipWithError(sentence.c_str());
  }
};

/// The fastest of the peer's algorithms, by the median of three batches each; those that are twice as slow as the best
/// so far have one only. What an algorithm refuses to run is passed over.
template <class T, class Run>
int fastest_algorithm(const tilery::cuda& executor, int algorithms, const Run& run) {
  const call_timer timer(executor);
  int best = 0;
  double best_seconds = 0;
  for (int i = 0; i < algorithms; ++i) {
    const auto call = [&] { run(i); };
    call();
    const int calls = timer.calls_of_a_batch(call);
    std::vector<double> seconds = {timer.seconds(calls, call)};
    while (seconds.size() < 3 && (i == 0 || seconds[0] < 2 * best_seconds))
      seconds.push_back(timer.seconds(calls, call));
    if (i == 0 || median(seconds) < best_seconds) best = i, best_seconds = median(seconds);
  }
  return best;
}

/// Measures one candidate for one shape.
template <class T>
void compare_gemm(benchmark::State& state, gemm_session& session, const gemm_shape& shape,
                  const gemm_candidate<T>& candidate) try {
  const tilery::cuda& executor = session.executor;
  const gemm_data<T> d(executor, shape);
  if (!d.fits()) {
    const std::string needs = "not measured: it needs " + std::to_string(d.needed() >> 20) + " MiB on the GPU";
    return state.SkipWithError(needs.c_str());
  }
  if (const char* why = candidate.misfit(executor, d))
    return state.SkipWithError(("not measured: " + std::string(why)).c_str());

  const double bound = relative_bound<T>(shape.k);
  const auto wrong = [&](const char* who, double error, const char* whom) {
    if (error <= bound) return false;  // NaN is not
    char text[300];
    std::snprintf(text, sizeof text,
                  "wrong result of %s for %s: it differs from %s by %.3g of its norm; the bound is %.3g", who,
                  shape.title().c_str(), whom, error, bound);
    session.fail(state, text);
    return true;
  };
  d.poison(d.c(0));
  candidate.call(executor, d, 0);
  executor.wait();
  if (wrong(candidate.name.c_str(), d.error_of_samples(d.c(0), 0), "sums in double on the host")) return;

  std::optional<cublaslt_gemm<T>> library;
  std::string label = session.without_peer;
  std::vector<peer> peers;
  if (session.library) {
    library.emplace(*session.library, shape, session.workspace.bytes());
    label = "cuBLASLt has no algorithm";
  }
  if (library && library->algorithms() > 0) {
    const auto run = [&](int algorithm, int set, T* c) {
      library->run(algorithm, d.a(set), d.b(set), c, session.workspace.get(), executor.stream());
    };
    int set = 0;
    auto [known, is_new] = session.best_algorithms.try_emplace(shape.title(), 0);
    if (is_new)
      known->second = fastest_algorithm<T>(executor, library->algorithms(), [&](int algorithm) {
        set = (set + 1) % d.sets();
        run(algorithm, set, d.c(set));
      });
    const int best = known->second < library->algorithms() ? known->second : 0;
    // cuBLASLt's first and best, each against ours: all elements, the same operands.
    d.poison(d.c(0));
    candidate.call(executor, d, 0);
    for (const int algorithm : {0, best}) {
      d.poison(d.reference());
      run(algorithm, 0, d.reference());
      executor.wait();
      if (algorithm == 0 && wrong("cuBLASLt", d.error_of_samples(d.reference(), 0), "sums in double on the host"))
        return;
      if (wrong(candidate.name.c_str(), d.difference(d.c(0), d.reference()), "cuBLASLt's")) return;
    }
    peers.push_back({"cuBLASLt", [&, best, run](int at) { run(best, at, d.c(at)); }});
    if (best != 0) peers.push_back({"first", [&, run](int at) { run(0, at, d.c(at)); }});
    label = "cuBLASLt's best is " + std::to_string(best + 1) + " of " + std::to_string(library->algorithms());
  }

  const medians seconds = side_by_side(
      state, executor, d.sets(), shape.bytes(sizeof(T)), [&](int set) { candidate.call(executor, d, set); }, peers);
  gemm_measurement measured{shape, candidate.name, seconds.ours, 0, 0};
  if (!seconds.peers.empty())
    measured.best_seconds = seconds.peers.front(), measured.first_seconds = seconds.peers.back();

  // What the host spends on a call: where it is above the time of the call, the host is what is measured.
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 16; ++i) candidate.call(executor, d, i % d.sets());
  const std::chrono::duration<double, std::micro> enqueued = std::chrono::steady_clock::now() - start;
  executor.wait();

  state.counters["TFLOPs"] = measured.tflops();
  state.counters["call_us"] = enqueued.count() / 16;
  if (measured.best_seconds > 0) {
    state.counters["cuBLASLt_TFLOPs"] = shape.flops() / measured.best_seconds * 1e-12;
    state.counters["first/ours"] = measured.first_seconds / measured.seconds;
  }
  state.SetLabel(label);
  session.measurements.push_back(measured);
} catch (const std::exception& error) {
  session.fail(state, shape.title() + ", " + candidate.name + ": " + error.what());
}

/// Registers a candidate for a shape; the benchmark's name is GROUP/NAME/MxNxK/TYPE/LAYOUT/CANDIDATE.
template <class T>
void add_gemm(gemm_session& session, const gemm_shape& shape, const gemm_candidate<T>& candidate) {
  const std::string name = shape.title() + "/" + candidate.name;
  benchmark::RegisterBenchmark(name.c_str(),
                               [&session, shape, candidate](benchmark::State& state) {
                                 compare_gemm<T>(state, session, shape, candidate);
                               })
      ->Apply(rounds_of)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

/// Removes an option of ours from the arguments: `--name` (then "" is its value) or, with a value, `--name VALUE`.
inline std::optional<std::string> take_option(int& count, char** arguments, const std::string& name, bool has_value) {
  for (int i = 1; i < count; ++i) {
    if (arguments[i] != name) continue;
    if (has_value && i + 1 == count) throw std::runtime_error(name + " needs a value");
    const std::string value = has_value ? arguments[i + 1] : "";
    const int taken = has_value ? 2 : 1;
    for (int j = i; j + taken <= count; ++j) arguments[j] = arguments[j + taken];
    count -= taken;
    return value;
  }
  return std::nullopt;
}

/// Says what runs, on what, beside what.
inline void introduce(const gemm_session& session) {
  cudaDeviceProp device{};
  tilery::check_cuda(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties", {});
  const std::string peer = session.library ? "cuBLASLt " + session.library->version() : session.without_peer;
  std::printf("%s, %d multiprocessors, %d MiB of L2; %s\n", device.name, device.multiProcessorCount,
              device.l2CacheSize >> 20, peer.c_str());
  benchmark::AddCustomContext("device", device.name);
  benchmark::AddCustomContext("peer", peer);
}

/// Ratios of the default call by group, and over all that memory bounds.
inline void print_summary(const gemm_session& session) {
  std::map<std::string, std::vector<measured_ratio>> by_candidate;
  for (const gemm_measurement& m : session.measurements) {
    if (m.best_seconds == 0) continue;
    const double best = m.best_seconds / m.seconds, first = m.first_seconds / m.seconds;
    auto& ratios = by_candidate[m.candidate];
    ratios.push_back({m.shape.group, m.shape.type, best, first});
    ratios.push_back({m.shape.memory_bound ? "~ memory-bound" : "~ the others", m.shape.type, best, first});
  }
  for (const auto& [candidate, ratios] : by_candidate) print_ratios(ratios, ("cuBLASLt, " + candidate).c_str());
}

}  // namespace tilery_benchmarks
