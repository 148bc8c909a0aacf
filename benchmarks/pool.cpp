// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pooling, upsampling and padding, forward and backward, on channels-last images of networks, beside a copy of the same
// bytes. peers/pool.py runs the same cases in PyTorch.
#include "side_by_side.hpp"

#include <tilery/global_pool.hpp>
#include <tilery/pad.hpp>
#include <tilery/pool.hpp>
#include <tilery/upsample.hpp>

namespace {

using namespace tilery;
using namespace tilery_benchmarks;

/// A case: images x (n, h, w, c) and y (n, p, q, c).
struct shapes {
  const char* name;
  int n, h, w, c, p, q;
};

/// Sets of x, y and indices in the executor's memory, filled with numbers.
template <class T>
struct images {
  executor_type executor;
  shapes s;
  int sets;
  buffer<T> x, y;
  buffer<std::int32_t> indices;

  images(benchmark::State& state, const shapes& of)
      : executor(make_executor(static_cast<int>(state.range(0)))),
        s(of),
        sets(sets_for((x_size() + y_size()) * static_cast<std::int64_t>(sizeof(T)))),
        x(filled<T>(executor, x_size() * sets)),
        y(filled<T>(executor, y_size() * sets, 2)),
        indices(executor, y_size() * sets) {}
  std::int64_t x_size() const { return std::int64_t{s.n} * s.h * s.w * s.c; }
  std::int64_t y_size() const { return std::int64_t{s.n} * s.p * s.q * s.c; }
  tensor_view<T, 4> xs(int set) const { return {x.data_handle() + set * x_size(), s.n, s.h, s.w, s.c}; }
  tensor_view<T, 4> ys(int set) const { return {y.data_handle() + set * y_size(), s.n, s.p, s.q, s.c}; }
  tensor_view<std::int32_t, 4> places(int set) const {
    return {indices.data_handle() + set * y_size(), s.n, s.p, s.q, s.c};
  }
  matrix_view<T> rows(int set) const { return {y.data_handle() + set * y_size(), s.n, s.c}; }

  /// Times a call beside a copy. `with_indices`: the op reads or writes indices, too.
  template <class Call>
  void run(benchmark::State& state, bool with_indices, const Call& call) {
    const std::int64_t bytes =
        (x_size() + y_size()) * static_cast<std::int64_t>(sizeof(T)) + (with_indices ? y_size() * std::int64_t{4} : 0);
    const buffer<T> to(executor, x_size() * sets);
    side_by_side(state, executor, sets, static_cast<double>(bytes), call,
                 {copy_of(executor, to.data_handle(), x.data_handle(),
                          x_size() * sets * static_cast<std::int64_t>(sizeof(T)), bytes,
                          std::max(1, static_cast<int>(state.range(0))))});
  }
};

/// Registers a case for every number of threads.
template <class Function>
void add(const std::string& name, const Function& function) {
  auto* b = benchmark::RegisterBenchmark(name.c_str(), function);
  rounds_of(b);
  b->UseManualTime()->Unit(benchmark::kMicrosecond)->ArgNames({"threads"});
  for (const auto threads : thread_counts()) b->Args({threads});
}

template <class T>
void add_max(const std::string& type, const shapes& s, const max_pool_options<2>& o) {
  add("max_pool" + type + s.name, [=](benchmark::State& state) {
    images<T> d(state, s);
    d.run(state, true, [&](int set) { max_pool2d(d.executor, d.xs(set), d.ys(set), d.places(set), o); });
  });
  add("max_pool_gradient" + type + s.name, [=](benchmark::State& state) {
    images<T> d(state, s);
    for (int set = 0; set < d.sets; ++set) max_pool2d(d.executor, d.xs(set), d.ys(set), d.places(set), o);
    d.run(state, true, [&](int set) { max_pool2d_gradient(d.executor, d.ys(set), d.places(set), d.xs(set), o); });
  });
}
template <class T>
void add_average(const std::string& type, const shapes& s, const average_pool_options<2>& o) {
  add("average_pool" + type + s.name, [=](benchmark::State& state) {
    images<T> d(state, s);
    d.run(state, false, [&](int set) { average_pool2d(d.executor, d.xs(set), d.ys(set), o); });
  });
  add("average_pool_gradient" + type + s.name, [=](benchmark::State& state) {
    images<T> d(state, s);
    d.run(state, false, [&](int set) { average_pool2d_gradient(d.executor, d.ys(set), d.xs(set), o); });
  });
}
template <class T>
void add_global(const std::string& type, const shapes& s) {
  add("global_average_pool" + type + s.name, [=](benchmark::State& state) {
    images<T> d(state, s);
    d.run(state, false, [&](int set) { global_average_pool(d.executor, d.xs(set), d.rows(set)); });
  });
  add("global_average_pool_gradient" + type + s.name, [=](benchmark::State& state) {
    images<T> d(state, s);
    d.run(state, false, [&](int set) { global_average_pool_gradient(d.executor, d.rows(set), d.xs(set)); });
  });
  add("global_max_pool" + type + s.name, [=](benchmark::State& state) {
    images<T> d(state, s);
    d.run(state, false, [&](int set) { global_max_pool(d.executor, d.xs(set), d.rows(set)); });
  });
}
template <class T>
void add_upsample(const std::string& type, const shapes& s, bool is_linear) {
  add((is_linear ? "upsample_linear" : "upsample_nearest") + type + s.name, [=](benchmark::State& state) {
    images<T> d(state, s);
    d.run(state, false, [&](int set) {
      is_linear ? upsample_linear2d(d.executor, d.xs(set), d.ys(set))
                : upsample_nearest2d(d.executor, d.xs(set), d.ys(set));
    });
  });
  add((is_linear ? "upsample_linear_gradient" : "upsample_nearest_gradient") + type + s.name,
      [=](benchmark::State& state) {
        images<T> d(state, s);
        d.run(state, false, [&](int set) {
          is_linear ? upsample_linear2d_gradient(d.executor, d.ys(set), d.xs(set))
                    : upsample_nearest2d_gradient(d.executor, d.ys(set), d.xs(set));
        });
      });
}
template <class T>
void add_pad(const std::string& type, const shapes& s, const pad_options<2>& o) {
  add("pad" + type + s.name, [=](benchmark::State& state) {
    images<T> d(state, s);
    d.run(state, false, [&](int set) { pad2d(d.executor, d.xs(set), d.ys(set), o); });
  });
  add("pad_gradient" + type + s.name, [=](benchmark::State& state) {
    images<T> d(state, s);
    d.run(state, false, [&](int set) { pad2d_gradient(d.executor, d.ys(set), d.xs(set), o); });
  });
}

template <class T>
void add_all(const std::string& type) {
  add_max<T>(type, {"resnet_stem", 8, 112, 112, 64, 56, 56}, {.window = 3, .stride = 2, .padding = 1});
  add_max<T>(type, {"vgg", 8, 56, 56, 128, 28, 28}, {.window = 2});
  add_max<T>(type, {"inception", 8, 28, 28, 192, 28, 28}, {.window = 3, .stride = 1, .padding = 1});
  add_average<T>(type, {"densenet", 8, 56, 56, 128, 28, 28}, {.window = 2});
  add_average<T>(type, {"inception", 8, 28, 28, 192, 28, 28}, {.window = 3, .stride = 1, .padding = 1});
  add_global<T>(type, {"resnet_head", 32, 7, 7, 2048, 1, 1});
  add_upsample<T>(type, {"twice", 8, 56, 56, 64, 112, 112}, false);
  add_upsample<T>(type, {"twice", 8, 56, 56, 64, 112, 112}, true);
  add_upsample<T>(type, {"deeplab", 4, 33, 33, 256, 129, 129}, true);
  add_pad<T>(type, {"zero", 8, 56, 56, 64, 58, 58}, {.padding = 1});
  add_pad<T>(type, {"reflect", 8, 56, 56, 64, 62, 62}, {.padding = 3, .mode = pad_mode::reflect});
  add_pad<T>(type, {"replicate", 8, 56, 56, 64, 62, 62}, {.padding = 3, .mode = pad_mode::replicate});
}

[[maybe_unused]] const bool is_added = (add_all<float>("/f32/"), add_all<bf16>("/bf16/"), true);

}  // namespace
