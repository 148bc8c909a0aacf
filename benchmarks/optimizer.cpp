// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Optimizers over all tensors of a network, beside a plain loop that reads and writes the same streams: the 148 tensors
// of GPT-2 124M, and 1,000 tensors of 1,000 elements. peers/optimizer.py runs this program and PyTorch in turn.
#include "side_by_side.hpp"

#include <tilery/optimizer.hpp>

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

/// Elements of each tensor of a network: 0 is GPT-2 124M (Radford et al., 2019: 12 layers, 768 channels), 1 is 1,000
/// tensors of 1,000 elements.
std::vector<std::int64_t> sizes_of(std::int64_t network) {
  if (network == 1) return std::vector<std::int64_t>(1000, 1000);
  constexpr std::int64_t c = 768;
  std::vector<std::int64_t> sizes{50257 * c, 1024 * c};
  for (int layer = 0; layer < 12; ++layer)
    for (const std::int64_t size : {c, c, 3 * c * c, 3 * c, c * c, c, c, c, 4 * c * c, 4 * c, 4 * c * c, c})
      sizes.push_back(size);
  sizes.insert(sizes.end(), {c, c});
  return sizes;
}

/// The network's weights and gradients, and arrays for the plain loop's streams.
template <class Weight, class Gradient>
struct network {
  executor_type executor;
  std::vector<std::int64_t> sizes;
  std::int64_t total = 0;
  buffer<Weight> weights;
  buffer<Gradient> gradients;

  explicit network(const benchmark::State& state)
      : executor(make_executor(static_cast<int>(state.range(0)))), sizes(sizes_of(state.range(1))) {
    for (const std::int64_t size : sizes) total += size;
    weights = filled<Weight>(executor, total);
    gradients = filled<Gradient>(executor, total, 2);
  }
  std::vector<parameter<Weight, Gradient>> parameters() const {
    std::vector<parameter<Weight, Gradient>> all;
    std::int64_t first = 0;
    for (const std::int64_t size : sizes) {
      all.push_back({"", vector(weights.data_handle() + first, size), vector(gradients.data_handle() + first, size)});
      first += size;
    }
    return all;
  }
};

#ifndef __CUDACC__
/// Adds the gradient to each of `States` arrays and to the weights: the streams of an optimizer with these states, and
/// next to no arithmetic.
template <int States>
struct plain_loop {
  std::vector<float> memory;
  std::int64_t total;
  float* arrays[States + 1];

  explicit plain_loop(std::int64_t total) : memory(static_cast<std::size_t>(total * (States + 1))), total(total) {
    for (int i = 0; i <= States; ++i) arrays[i] = memory.data() + i * total;
  }
  void operator()(const executor_type& executor, const float* gradient, std::int64_t threads) const {
    executor.parallel(threads, [&](std::int64_t t) {
      float* const w = arrays[0];
      float* const m = arrays[1];
      float* const v = arrays[States];
      const std::int64_t begin = total * t / threads, end = total * (t + 1) / threads;
#pragma GCC ivdep
      for (std::int64_t i = begin; i < end; ++i) {
        const float g = gradient[i];
        m[i] += g;
        if constexpr (States > 1) v[i] += g;
        w[i] += g;
      }
    });
  }
};
#endif

template <class Rule, int States, class Weight, class Gradient, class State = float>
void step_of(benchmark::State& state, const Rule& rule, double bytes_of_an_element) {
  const network<Weight, Gradient> net(state);
  optimizer<Rule, Weight, Gradient, State> o(net.executor, std::vector{rule}, net.parameters());
  std::vector<peer> peers;
#ifndef __CUDACC__
  const plain_loop<States> loop(std::is_same_v<Weight, float> ? net.total : 0);
  if constexpr (std::is_same_v<Weight, float>)
    peers.push_back({"loop", [&](int) { loop(net.executor, net.gradients.data_handle(), state.range(0)); }});
#endif
  side_by_side(
      state, net.executor, 1, bytes_of_an_element * static_cast<double>(net.total), [&](int) { o.step(net.executor); },
      peers);
}

// Bytes of an element: what is read and written once each.
void adamw_f32(benchmark::State& state) { step_of<rule::adamw, 2, float, float>(state, {}, 28); }
void sgd_momentum_f32(benchmark::State& state) {
  step_of<rule::sgd, 1, float, float>(state, {.rate = 1e-6, .momentum = 0.9}, 20);
}
// bf16 weights (written only) and gradients, f32 masters and moments.
void adamw_bf16_masters(benchmark::State& state) { step_of<rule::adamw, 2, bf16, bf16>(state, {}, 28); }
void lion_f32(benchmark::State& state) { step_of<rule::lion, 1, float, float>(state, {.rate = 1e-6}, 20); }
// Two codes of 8 bits, read and written, and two floats for each 256 elements.
void adamw_8_bit(benchmark::State& state) {
  step_of<rule::adamw, 2, float, float, eight_bit>(state, {}, 12 + 4 + 16.0 / 256);
}

void networks(benchmark::internal::Benchmark* b) {
  rounds_of(b);
  b->UseManualTime()->Unit(benchmark::kMicrosecond)->ArgNames({"threads", "network"});
  for (const auto threads : thread_counts())
    for (const int network : {0, 1}) b->Args({threads, network});
}

BENCHMARK(adamw_f32)->Apply(networks);
BENCHMARK(sgd_momentum_f32)->Apply(networks);
BENCHMARK(adamw_bf16_masters)->Apply(networks);
BENCHMARK(lion_f32)->Apply(networks);
BENCHMARK(adamw_8_bit)->Apply(networks);

}  // namespace
