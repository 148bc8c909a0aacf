// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Softmax forward and backward, and fused cross-entropy, beside a copy of the same bytes and, on the CPU, oneDNN's
// softmax.
#include "side_by_side.hpp"

#include <tilery/loss.hpp>
#include <tilery/softmax.hpp>

#ifndef __CUDACC__
#include <dnnl.hpp>
#endif

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

#ifndef __CUDACC__
/// oneDNN's softmax over the rows of float matrices.
class dnnl_softmax {
public:
  dnnl_softmax(int rows, int columns)
      : shape_({rows, columns}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::ab),
        run_({{dnnl::prop_kind::forward_inference, shape_, 1}, engine_}) {}
  void operator()(float* x, float* y) {
    run_.execute(stream_, {{DNNL_ARG_SRC, {shape_, engine_, x}}, {DNNL_ARG_DST, {shape_, engine_, y}}});
    stream_.wait();
  }

private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  dnnl::memory::desc shape_;
  dnnl::softmax_forward run_;
};
#endif

template <class T>
struct rows_of_data {
  int rows, columns, sets;
  executor_type executor;
  buffer<T> x, y;

  explicit rows_of_data(benchmark::State& state)
      : rows(static_cast<int>(state.range(1))),
        columns(static_cast<int>(state.range(2))),
        sets(sets_for(2 * std::int64_t{rows} * columns * static_cast<std::int64_t>(sizeof(T)))),
        executor(make_executor(static_cast<int>(state.range(0)))),
        x(filled<T>(executor, size() * sets)),
        y(filled<T>(executor, size() * sets, 2)) {}
  std::int64_t size() const { return std::int64_t{rows} * columns; }
  matrix_view<T> part(const buffer<T>& of, int set) const {
    return matrix(of.data_handle() + set * size(), rows, columns);
  }
  double bytes(int tensors) const { return static_cast<double>(tensors) * static_cast<double>(size()) * sizeof(T); }
  peer copy(benchmark::State& state, int tensors) {
    return copy_of(executor, y.data_handle(), x.data_handle(), size() * sets * static_cast<std::int64_t>(sizeof(T)),
                   static_cast<std::int64_t>(bytes(tensors)), std::max(1, static_cast<int>(state.range(0))));
  }
};

template <class T>
void softmax_forward(benchmark::State& state) {
  rows_of_data<T> d(state);
  std::vector<peer> peers = {d.copy(state, 2)};
#ifndef __CUDACC__
  if constexpr (std::is_same_v<T, float>) {
    if (state.range(0) == 1) {
      auto run = std::make_shared<dnnl_softmax>(d.rows, d.columns);
      peers.push_back({"oneDNN", [run, &d](int set) { (*run)(d.part(d.x, set).pointer, d.part(d.y, set).pointer); }});
    }
  }
#endif
  side_by_side(
      state, d.executor, d.sets, d.bytes(2), [&](int set) { softmax(d.executor, d.part(d.x, set), d.part(d.y, set)); },
      peers);
}

template <class T>
void softmax_backward_pass(benchmark::State& state) {
  rows_of_data<T> d(state);
  side_by_side(state, d.executor, d.sets, d.bytes(3),
               [&](int set) { softmax_backward(d.executor, d.part(d.x, set), d.part(d.y, set), d.part(d.y, set)); },
               {d.copy(state, 2)});
}

template <class T>
void cross_entropy(benchmark::State& state) {
  rows_of_data<T> d(state);
  std::vector<std::int32_t> host(static_cast<std::size_t>(d.rows));
  for (int r = 0; r < d.rows; ++r) host[static_cast<std::size_t>(r)] = r * 7 % d.columns;
  buffer<std::int32_t> labels(d.executor, d.rows);
  copy(d.executor, vector(host.data(), d.rows), labels);
  buffer<accumulator_t<T>> losses(d.executor, d.rows);
  side_by_side(state, d.executor, d.sets, d.bytes(2),
               [&](int set) { softmax_cross_entropy(d.executor, d.part(d.x, set), labels, losses, d.part(d.y, set)); },
               {d.copy(state, 2)});
}

void shapes(benchmark::internal::Benchmark* b) {
  rounds_of(b);
  b->UseManualTime()->Unit(benchmark::kMicrosecond)->ArgNames({"threads", "rows", "columns"});
  for (const auto threads : thread_counts())
    for (const auto& [rows, columns] :
         std::vector<std::pair<int, int>>{{128, 10}, {8192, 1024}, {1024, 8192}, {256, 50257}})
      b->Args({threads, rows, columns});
}

BENCHMARK(softmax_forward<float>)->Apply(shapes);
BENCHMARK(softmax_forward<bf16>)->Apply(shapes);
BENCHMARK(softmax_backward_pass<float>)->Apply(shapes);
BENCHMARK(cross_entropy<float>)->Apply(shapes);
BENCHMARK(cross_entropy<bf16>)->Apply(shapes);

}  // namespace
