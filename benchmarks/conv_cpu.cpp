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

#include <tilery/cpu.hpp>
#include <tilery/kernels/conv/cpu.hpp>
#include <tilery/kernels/conv/cpu_weight_gradient.hpp>
#include <tilery/ops/conv_params.hpp>
#include <tilery/ops/run_conv.hpp>
#include <tilery/policies/conv_cpu_table.hpp>

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

std::vector<float> drawn(std::uint64_t seed, std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = counted_uniform<float>(seed, i);
  return values;
}

/// The tensors of a problem.
struct tensors {
  conv_geometry g;
  std::vector<float> x, w, y;

  tensors(const conv_shape& s, int images) {
    g.images = images, g.groups = s.groups, g.channels = s.channels / s.groups, g.filters = s.filters / s.groups;
    g.in = {1, s.height, s.width}, g.out = {1, s.out_height(), s.out_width()};
    g.taps = {1, s.taps_height, s.taps_width};
    g.stride = {1, s.stride, s.stride}, g.before = g.after = {0, s.padding, s.padding};
    g.dilation = {1, s.dilation, s.dilation};
    x = drawn(1, g.pixels_in() * s.channels), w = drawn(2, g.taps.volume() * s.filters * g.channels);
    y = drawn(3, g.pixels_out() * s.filters);
  }
  static tensor_view<float, 5> view_of(std::vector<float>& v, int images, const spatial<3>& extents, int channels) {
    return tensor_view<float, 5>(v.data(), images, extents[0], extents[1], extents[2], channels);
  }
  tensor_view<float, 5> images() { return view_of(x, g.images, g.in, g.channels * g.groups); }
  tensor_view<float, 5> filter() { return view_of(w, g.filters * g.groups, g.taps, g.channels); }
  tensor_view<float, 5> output() { return view_of(y, g.images, g.out, g.filters * g.groups); }
};

void call(const cpu& executor, tensors& t, conv_direction direction) {
  constexpr conv_cpu_policy policy = conv_cpu_table<float>::candidates[0];
  const epilogue::none none;
  if (direction == conv_direction::forward) {
    conv_cpu<policy>(executor, ops::forward_params(t.g, t.images(), t.filter(), t.output(), none, {}));
  } else if (direction == conv_direction::data_gradient) {
    const auto classes = ops::residue_classes(t.g, t.output(), t.filter(), t.images(), none, {}).members;
    conv_cpu_all<policy>(
        executor, static_cast<std::int64_t>(classes.size()), [&](std::int64_t i) -> const auto& {
          return classes[static_cast<std::size_t>(i)];
        });
  } else {
    conv_cpu_weight_gradient<policy>(executor,
                                     ops::weight_gradient_params(t.g, t.images(), t.output(), t.filter(), none, {}));
  }
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
  tensors t(shape, images);
  const cpu executor(threads);
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
