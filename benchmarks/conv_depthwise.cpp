// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Depthwise convolutions of MobileNetV2, ConvNeXt-T and a causal conv1d, channels-last, in all three directions, beside
// a copy of the bytes that must move. Inputs are cold; the output is one buffer, as in a training loop whose allocator
// gives the same memory again. peers/conv_depthwise.py runs this program and PyTorch in turn.
#include "side_by_side.hpp"

#include <tilery/conv.hpp>

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

/// A layer: images of n x h x w x c, square filters (in 1-D, h and the filter's height are 1).
struct layer {
  int n, c, h, w, taps_h, taps, stride, before, after;

  explicit layer(const benchmark::State& state)
      : n(at(state, 1)),
        c(at(state, 2)),
        h(at(state, 3)),
        w(at(state, 4)),
        taps_h(h == 1 ? 1 : at(state, 5)),
        taps(at(state, 5)),
        stride(at(state, 6)),
        before(h == 1 ? taps - 1 : taps / 2),
        after(h == 1 ? 0 : taps / 2) {}
  static int at(const benchmark::State& state, std::size_t i) { return static_cast<int>(state.range(i)); }
  int out_h() const { return h == 1 ? 1 : (h + before + after - taps_h) / stride + 1; }
  int out_w() const { return (w + before + after - taps) / stride + 1; }
  std::int64_t in() const { return std::int64_t{n} * h * w * c; }
  std::int64_t out() const { return std::int64_t{n} * out_h() * out_w() * c; }
  int filters() const { return c * taps_h * taps; }
  conv_options<2> options() const {
    const std::int32_t side = h == 1 ? 0 : before;
    return {.stride = {h == 1 ? 1 : stride, stride},
            .padding = {side, before},
            .padding_after = {side, after},
            .groups = c};
  }
};

template <class T>
struct tensors {
  layer of;
  int sets;
  executor_type executor;
  buffer<T> x, y, w;

  explicit tensors(const benchmark::State& state)
      : of(state),
        sets(sets_for((of.in() + of.out()) * static_cast<std::int64_t>(sizeof(T)))),
        executor(make_executor(static_cast<int>(state.range(0)))),
        x(filled<T>(executor, of.in() * sets)),
        y(filled<T>(executor, of.out() * sets, 2)),
        w(filled<T>(executor, of.filters(), 3)) {}
  tensor_view<T, 4> x_of(int set) const { return {x.data_handle() + set * of.in(), of.n, of.h, of.w, of.c}; }
  tensor_view<T, 4> y_of(int set) const {
    return {y.data_handle() + set * of.out(), of.n, of.out_h(), of.out_w(), of.c};
  }
  tensor_view<T, 4> filter() const { return {w.data_handle(), of.c, of.taps_h, of.taps, 1}; }
  double bytes() const { return static_cast<double>((of.in() + of.out() + of.filters()) * sizeof(T)); }
  std::vector<peer> copy(const benchmark::State& state) const {
    return {copy_of(executor, y.data_handle(), x.data_handle(), of.out() * sets * static_cast<std::int64_t>(sizeof(T)),
                    static_cast<std::int64_t>(bytes()), std::max(1, static_cast<int>(state.range(0))))};
  }
};

template <class T>
void forward(benchmark::State& state) {
  const tensors<T> t(state);
  side_by_side(
      state, t.executor, t.sets, t.bytes(),
      [&](int set) { conv2d(t.executor, t.x_of(set), t.filter(), t.y_of(0), t.of.options()); }, t.copy(state));
}
template <class T>
void data_gradient(benchmark::State& state) {
  const tensors<T> t(state);
  side_by_side(
      state, t.executor, t.sets, t.bytes(),
      [&](int set) { conv2d_data_gradient(t.executor, t.y_of(set), t.filter(), t.x_of(0), t.of.options()); },
      t.copy(state));
}
template <class T>
void weight_gradient(benchmark::State& state) {
  const tensors<T> t(state);
  side_by_side(
      state, t.executor, t.sets, t.bytes(),
      [&](int set) { conv2d_weight_gradient(t.executor, t.x_of(set), t.y_of(set), t.filter(), t.of.options()); },
      t.copy(state));
}

void layers(benchmark::internal::Benchmark* b) {
  rounds_of(b);
  b->UseManualTime()->Unit(benchmark::kMicrosecond)->ArgNames({"threads", "n", "c", "h", "w", "taps", "stride"});
#ifdef __CUDACC__
  const std::vector<int> batches{32, 256};
#else
  const std::vector<int> batches{1, 8};
#endif
  struct one {
    int c, side, taps, stride;
  };
  for (const auto threads : thread_counts())
    for (const int n : batches) {
      for (const one& l :
           {one{32, 112, 3, 1}, one{144, 56, 3, 1}, one{192, 28, 3, 1}, one{384, 14, 3, 1}, one{576, 14, 3, 1},
            one{960, 7, 3, 1}, one{96, 112, 3, 2}, one{144, 56, 3, 2}, one{192, 28, 3, 2}, one{576, 14, 3, 2},
            one{96, 56, 7, 1}, one{192, 28, 7, 1}, one{384, 14, 7, 1}, one{768, 7, 7, 1}})
        b->Args({threads, n, l.c, l.side, l.side, l.taps, l.stride});
      b->Args({threads, n, 1536, 1, 2048, 4, 1});
    }
}

BENCHMARK(forward<float>)->Apply(layers);
BENCHMARK(data_gradient<float>)->Apply(layers);
BENCHMARK(weight_gradient<float>)->Apply(layers);
BENCHMARK(forward<bf16>)->Apply(layers);
BENCHMARK(data_gradient<bf16>)->Apply(layers);
BENCHMARK(weight_gradient<bf16>)->Apply(layers);

}  // namespace
