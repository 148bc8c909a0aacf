// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution on the CPU in three directions: forward, data gradient and weight gradient, float, channels-last. The
// problems are those of conv_shapes.txt. The peer is PyTorch: benchmarks/peers/conv.py runs this program and PyTorch in
// turn. A round times one batch of calls; the time is the median over rounds.
//
//   conv_cpu                 all shapes, 1 and 8 images, 1 and 2 threads
//   conv_cpu --quick         the shapes that are marked quick
//   conv_cpu --shapes FILE   another file's
//   conv_cpu --processor-time  one thread alone, and its processor's time instead of wall-clock time: on a machine on
//                            which others work, a thread waits for a processor
//
// Other arguments are Google Benchmark's, such as --benchmark_filter=resnet50/.*/forward
#include <benchmark/benchmark.h>

#include <tilery/conv.hpp>
#include <tilery/cpu.hpp>

#include "benchmarks/conv_shapes.hpp"
#include "benchmarks/conv_shapes_text.hpp"
#include "benchmarks/counted_uniform.hpp"
#include "benchmarks/cpu_peak.hpp"
#include "benchmarks/options.hpp"
#include "benchmarks/rounds.hpp"
#include "benchmarks/table.hpp"

#include <time.h>
#include <cstdio>
#include <thread>

namespace {

using namespace tilery;
using namespace tilery_benchmarks;
using benchmarks::median;

/// The tensors of a problem, each at the beginning of a cache line, as other libraries allocate theirs.
struct tensors {
  buffer<float, 4> x, w, y;
  conv_options<2> options;

  tensors(const cpu& executor, const conv_shape& s, int images)
      : x(executor, images, s.height, s.width, s.channels),
        w(executor, s.filters, s.taps_height, s.taps_width, s.channels / s.groups),
        y(executor, images, s.out_height(), s.out_width(), s.filters),
        options{.stride = s.stride, .padding = s.padding, .dilation = s.dilation, .groups = s.groups} {
    draw(1, x), draw(2, w), draw(3, y);
  }
  static void draw(std::uint64_t seed, buffer<float, 4>& to) {
    for (std::int64_t i = 0; i < view(to).size(); ++i)
      to.data_handle()[i] = counted_uniform<float>(seed, static_cast<std::uint64_t>(i));
  }
};

void call(const cpu& executor, const tensors& t, conv_direction direction) {
  if (direction == conv_direction::forward)
    conv2d(executor, t.x, t.w, t.y, t.options);
  else if (direction == conv_direction::data_gradient)
    conv2d_data_gradient(executor, t.y, t.w, t.x, t.options);
  else
    conv2d_weight_gradient(executor, t.x, t.y, t.w, t.options);
}

double processor_seconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

bool of_processor = false;

/// Seconds of a call in a batch.
template <class Call>
double seconds_of(int calls, const Call& call) {
  if (!of_processor) return benchmarks::seconds_of_a_call(calls, call);
  call();
  const double begin = processor_seconds();
  for (int i = 0; i < calls; ++i) call();
  return (processor_seconds() - begin) / calls;
}

void measure(benchmark::State& state, const conv_shape& shape, conv_direction direction, int images, int threads) {
  const cpu executor(threads);
  const tensors t(executor, shape, images);
  const auto run = [&] { call(executor, t, direction); };
  const int calls = benchmarks::calls_of_a_batch(run);
  std::vector<double> seconds;
  for (auto _ : state) {
    seconds.push_back(seconds_of(calls, run));
    state.SetIterationTime(seconds.back());
  }
  state.counters["us"] = median(seconds) * 1e6;
  state.counters["GFLOPs"] = shape.flops() * images / median(seconds) * 1e-9;
}

}  // namespace

int main(int count, char** arguments) try {
  const bool quick = take_option(count, arguments, "--quick", false).has_value();
  const auto file = take_option(count, arguments, "--shapes", true);
  of_processor = take_option(count, arguments, "--processor-time", false).has_value();
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  const auto shapes = file ? read_conv_shapes(*file) : parse_conv_shapes(conv_shapes_text);
  const int most = of_processor ? 1 : std::min(2, static_cast<int>(std::thread::hardware_concurrency()));
  const std::pair<const char*, conv_direction> directions[] = {{"forward", conv_direction::forward},
                                                               {"data_gradient", conv_direction::data_gradient},
                                                               {"weight_gradient", conv_direction::weight_gradient}};
  std::vector<double> speeds;
  for (int round = 0; round < 3; ++round) speeds.push_back(benchmarks::fma_speed(1));
  std::printf("FMA peak, float, one thread: %.0f GFLOP/s\n", median(speeds));
  if (const char* why = cpu::slow_build()) std::printf("note: %s\n", why);
  for (int threads = 1; threads <= most; ++threads)
    for (const int images : {1, 8})
      for (const conv_shape& shape : shapes)
        for (const auto& [name, direction] : directions) {
          if (quick && !shape.quick) continue;
          const std::string title = shape.group + "/" + shape.name + "/" + name + "/images:" + std::to_string(images) +
                                    "/threads:" + std::to_string(threads);
          benchmark::RegisterBenchmark(title.c_str(),
                                       [=, way = direction](benchmark::State& state) {
                                         measure(state, shape, way, images, threads);
                                       })
              ->Iterations(5)
              ->UseManualTime()
              ->Unit(benchmark::kMicrosecond);
        }
  run_with_table();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "conv_cpu: %s\n", error.what());
  return 1;
}
