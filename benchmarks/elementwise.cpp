// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What memory bounds: activations, optimizers and the column sum, beside a copy of the same bytes.
#include "side_by_side.hpp"

#include <tilery/activation.hpp>
#include <tilery/column_sum.hpp>
#include <tilery/optimizer.hpp>

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

struct tensors {
  executor_type executor;
  int n, sets;
  std::vector<buffer<float>> all;

  tensors(benchmark::State& state, int count)
      : executor(make_executor(static_cast<int>(state.range(0)))),
        n(static_cast<int>(state.range(1))),
        sets(sets_for(std::int64_t{4} * n * count)) {
    for (int i = 0; i < count; ++i)
      all.push_back(filled<float>(executor, std::int64_t{n} * sets, static_cast<std::uint64_t>(i)));
  }
  vector_view<float> part(int tensor, int set) const {
    return vector(all[static_cast<std::size_t>(tensor)].data_handle() + std::int64_t{set} * n, n);
  }
  matrix_view<float> row(int tensor, int set) const { return matrix(part(tensor, set).pointer, 1, n); }
  peer copy(benchmark::State& state) const {
    const std::int64_t half = std::int64_t{sets} / 2 * n;
    return copy_of(executor, all[0].data_handle() + half, all[0].data_handle(), 4 * half, std::int64_t{8} * n,
                   std::max(1, static_cast<int>(state.range(0))));
  }
};

template <class Activation>
void forward(benchmark::State& state) {
  const tensors t(state, 2);
  side_by_side(state, t.executor, t.sets, 8.0 * t.n,
               [&](int set) { activate<Activation>(t.executor, t.row(0, set), t.row(1, set)); }, {t.copy(state)});
}

template <class Activation>
void backward(benchmark::State& state) {
  const tensors t(state, 2);
  side_by_side(state, t.executor, t.sets, 12.0 * t.n,
               [&](int set) { activate_backward<Activation>(t.executor, t.row(0, set), t.row(1, set), t.row(1, set)); },
               {t.copy(state)});
}

void adam_step(benchmark::State& state) {
  const tensors t(state, 4);
  for (int set = 0; set < t.sets; ++set) fill_zero(t.executor, t.part(3, set));  // second moments are not negative
  side_by_side(state, t.executor, t.sets, 28.0 * t.n,
               [&](int set) { adam(t.executor, t.part(0, set), t.part(1, set), t.part(2, set), t.part(3, set), {}); },
               {t.copy(state)});
}

void sgd_step(benchmark::State& state) {
  const tensors t(state, 3);
  side_by_side(state, t.executor, t.sets, 20.0 * t.n,
               [&](int set) {
                 sgd(t.executor, t.part(0, set), t.part(1, set), t.part(2, set), {.rate = 1e-6, .momentum = 0.9});
               },
               {t.copy(state)});
}

void column_sum_of(benchmark::State& state) {
  const tensors t(state, 1);
  const int columns = static_cast<int>(state.range(2));
  buffer<float> sums(t.executor, columns);
  side_by_side(state, t.executor, t.sets, 4.0 * t.n,
               [&](int set) { column_sum(t.executor, matrix(t.part(0, set).pointer, t.n / columns, columns), sums); },
               {t.copy(state)});
}

void sizes(benchmark::internal::Benchmark* b) {
  rounds_of(b);
  b->UseManualTime()->Unit(benchmark::kMicrosecond)->ArgNames({"threads", "elements"});
  for (const auto threads : thread_counts())
    for (const int n : {1 << 15, 1 << 18, 1 << 23}) b->Args({threads, n});
}

void matrices(benchmark::internal::Benchmark* b) {
  rounds_of(b);
  b->UseManualTime()->Unit(benchmark::kMicrosecond)->ArgNames({"threads", "elements", "columns"});
  for (const auto threads : thread_counts())
    for (const int columns : {256, 4096}) b->Args({threads, 1 << 22, columns});
}

BENCHMARK(forward<activation::relu>)->Apply(sizes);
BENCHMARK(forward<activation::gelu>)->Apply(sizes);
BENCHMARK(backward<activation::relu>)->Apply(sizes);
BENCHMARK(backward<activation::gelu>)->Apply(sizes);
BENCHMARK(adam_step)->Apply(sizes);
BENCHMARK(sgd_step)->Apply(sizes);
BENCHMARK(column_sum_of)->Apply(matrices);

}  // namespace
