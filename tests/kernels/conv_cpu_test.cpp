// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CPU's convolution kernels against a naive reference: whole numbers, so that all sums are exact and must be equal.
#include <gtest/gtest.h>

#include <tilery/cpu.hpp>
#include <tilery/kernels/conv/cpu.hpp>
#include <tilery/kernels/conv/cpu_weight_gradient.hpp>
#include <tilery/ops/conv_params.hpp>
#include <tilery/ops/run_conv.hpp>
#include <tilery/policies/conv_cpu_table.hpp>

#include "tests/draw.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace {

using namespace tilery;
using tilery_tests::as_double;
using tilery_tests::draw;

using extents_of_five = std::array<std::int32_t, 5>;

/// Images or filters in host memory, in any order of their dimensions, with NaN (or 99) between the elements.
template <class T>
struct stored {
  std::vector<T> memory;
  ops::images_view<T> view;

  /// `order`: the dimensions from the slowest to the fastest one.
  stored(const extents_of_five& extents, const std::array<int, 5>& order, bool has_gaps) {
    std::int64_t size = has_gaps ? 2 : 1;
    for (int i = 4; i >= 0; --i) {
      const int d = order[static_cast<std::size_t>(i)];
      view.extents[d] = extents[static_cast<std::size_t>(d)];
      view.strides[d] = size;
      size = size * std::max(extents[static_cast<std::size_t>(d)], 1) + (has_gaps ? draw(0, 2) : 0);
    }
    memory.assign(static_cast<std::size_t>(size), gap());
    view.pointer = memory.data();
  }
  static T gap() {
    if constexpr (std::is_same_v<T, int8> || std::is_same_v<T, std::int32_t>)
      return T(99);
    else
      return convert<T>(std::nanf(""));
  }
  T& at(std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t k, std::int64_t c) {
    return memory[static_cast<std::size_t>(n * view.strides[0] + i * view.strides[1] + j * view.strides[2] +
                                           k * view.strides[3] + c * view.strides[4])];
  }
  /// Calls f(n, i, j, k, c) for all elements.
  template <class F>
  void each(const F& f) {
    const auto& e = view.extents;
    for (int n = 0; n < e[0]; ++n)
      for (int i = 0; i < e[1]; ++i)
        for (int j = 0; j < e[2]; ++j)
          for (int k = 0; k < e[3]; ++k)
            for (int c = 0; c < e[4]; ++c) f(n, i, j, k, c);
  }
  void fill_with(double low, double high, bool whole) {
    each([&](int n, int i, int j, int k, int c) {
      const double value = whole ? draw(static_cast<int>(low), static_cast<int>(high))
                                 : std::uniform_real_distribution<double>(low, high)(tilery_tests::generator());
      at(n, i, j, k, c) = convert<T>(static_cast<accumulator_t<T>>(value));
    });
  }
};

constexpr std::array<int, 5> channels_last{0, 1, 2, 3, 4}, channels_first{0, 4, 1, 2, 3};
std::array<int, 5> any_order() {
  if (draw(0, 2) == 0) return channels_last;
  if (draw(0, 1) == 0) return channels_first;
  std::array<int, 5> order{0, 1, 2, 3, 4};
  std::shuffle(order.begin(), order.end(), tilery_tests::generator());
  return order;
}

/// Calls f(n, output pixel, tap, input pixel) for all pairs of an output pixel and a tap that are in bounds.
template <class F>
void each_pair(const conv_geometry& g, const F& f) {
  const auto coordinate = [&](int d, int p, int t) { return p * g.stride[d] - g.before[d] + t * g.dilation[d]; };
  spatial<3> p, t, x;
  for (int n = 0; n < g.images; ++n)
    for (p.of[0] = 0; p[0] < g.out[0]; ++p.of[0])
      for (p.of[1] = 0; p[1] < g.out[1]; ++p.of[1])
        for (p.of[2] = 0; p[2] < g.out[2]; ++p.of[2])
          for (t.of[0] = 0; t[0] < g.taps[0]; ++t.of[0])
            for (t.of[1] = 0; t[1] < g.taps[1]; ++t.of[1])
              for (t.of[2] = 0; t[2] < g.taps[2]; ++t.of[2]) {
                bool inside = true;
                spatial<3> at = t;
                for (int d = 0; d < 3; ++d) {
                  x.of[d] = coordinate(d, p[d], t[d]);
                  inside = inside && x[d] >= 0 && x[d] < g.in[d];
                  if (g.flipped) at.of[d] = g.taps[d] - 1 - t[d];
                }
                if (inside) f(n, p, at, x);
              }
}

/// The three tensors of a convolution.
template <class X, class W, class Y>
struct tensors {
  conv_geometry g;
  stored<X> x;
  stored<W> w;
  stored<Y> y;

  tensors(const conv_geometry& geometry, bool dense)
      : g(geometry),
        x({g.images, g.in[0], g.in[1], g.in[2], g.channels * g.groups}, dense ? channels_last : any_order(), !dense),
        w({g.filters * g.groups, g.taps[0], g.taps[1], g.taps[2], g.channels}, dense ? channels_last : any_order(),
          !dense),
        y({g.images, g.out[0], g.out[1], g.out[2], g.filters * g.groups}, dense ? channels_last : any_order(),
          !dense) {}
};

/// The sums of a direction, in double, by scattering: what each pair of a pixel and a tap adds. The result has the
/// layout of `out`.
template <conv_direction Direction, class Tensors, class Out>
std::vector<double> reference(Tensors& d, Out& out) {
  std::vector<double> sums(out.memory.size(), 0.0);
  const auto sum_at = [&](int n, const spatial<3>& p, int c) -> double& {
    return sums[static_cast<std::size_t>(&out.at(n, p[0], p[1], p[2], c) - out.memory.data())];
  };
  const conv_geometry& g = d.g;
  each_pair(g, [&](int n, const spatial<3>& p, const spatial<3>& t, const spatial<3>& x) {
    for (int k = 0; k < g.filters * g.groups; ++k)
      for (int c = 0; c < g.channels; ++c) {
        const int channel = k / g.filters * g.channels + c;
        if constexpr (Direction == conv_direction::forward)
          sum_at(n, p, k) += as_double(d.x.at(n, x[0], x[1], x[2], channel)) * as_double(d.w.at(k, t[0], t[1], t[2], c));
        else if constexpr (Direction == conv_direction::data_gradient)
          sum_at(n, x, channel) += as_double(d.y.at(n, p[0], p[1], p[2], k)) * as_double(d.w.at(k, t[0], t[1], t[2], c));
        else
          sum_at(k, t, c) +=
              as_double(d.x.at(n, x[0], x[1], x[2], channel)) * as_double(d.y.at(n, p[0], p[1], p[2], k));
      }
  });
  return sums;
}

/// An epilogue of the user's own that depends on where it is, and that checks that it gets whole packs.
struct checkered : epilogue::step {
  template <class Lane, class T, int N>
  TILERY_SIMT pack<T, N> operator()(Lane, pack<T, N> x, int row, int column) const {
    if (column % N != 0) x = splat<N>(T(-777));
    for (int i = 0; i < N; ++i) x.set(i, x[i] * T(1 + row % 3) + T((column + i) % 5));
    return x;
  }
};
double expected(const epilogue::none&, double x, int, int) { return x; }
double expected(const checkered&, double x, int row, int column) { return x * (1 + row % 3) + column % 5; }

struct factors {
  double alpha = 1, beta = 0;
};

/// Runs a direction with policy P.
template <conv_direction Direction, conv_cpu_policy P, class Tensors, class Epilogue>
void run(Tensors& d, const cpu& executor, const Epilogue& e, factors f) {
  const gemm_factors all{.alpha = f.alpha, .beta = f.beta};
  if constexpr (Direction == conv_direction::forward) {
    conv_cpu<P>(executor, ops::forward_params(d.g, d.x.view, d.w.view, d.y.view, e, all));
  } else if constexpr (Direction == conv_direction::data_gradient) {
    const auto classes = ops::residue_classes(d.g, d.y.view, d.w.view, d.x.view, e, all).members;
    conv_cpu_all<P>(executor, static_cast<std::int64_t>(classes.size()),
                    [&](std::int64_t i) -> const auto& { return classes[static_cast<std::size_t>(i)]; });
  } else {
    conv_cpu_weight_gradient<P>(executor, ops::weight_gradient_params(d.g, d.x.view, d.y.view, d.w.view, e, all));
  }
}

/// One problem: each element of the output equals the reference, and nothing else is written. T: the elements of the
/// operands, C: those of the output.
template <conv_direction Direction, conv_cpu_policy P, class T, class C, class Epilogue>
void check(const conv_geometry& g, factors f, const Epilogue& e, bool dense = false, int threads = 2) {
  constexpr bool forward = Direction == conv_direction::forward, data = Direction == conv_direction::data_gradient;
  SCOPED_TRACE(testing::Message() << "direction " << static_cast<int>(Direction) << ", " << element<T>::name << " to "
                                  << element<C>::name << ", images " << g.images << " groups " << g.groups
                                  << " channels " << g.channels << " filters " << g.filters << " in " << g.in[0] << " "
                                  << g.in[1] << " " << g.in[2] << " taps " << g.taps[0] << " " << g.taps[1] << " "
                                  << g.taps[2] << " stride " << g.stride[0] << " " << g.stride[1] << " " << g.stride[2]
                                  << " before " << g.before[0] << " " << g.before[1] << " " << g.before[2]
                                  << " dilation " << g.dilation[0] << " " << g.dilation[1] << " " << g.dilation[2]
                                  << " flipped " << g.flipped << " alpha " << f.alpha << " beta " << f.beta);
  tensors<std::conditional_t<data, C, T>, std::conditional_t<!forward && !data, C, T>,
          std::conditional_t<forward, C, T>>
      d(g, dense);
  for (auto* all : {&d.x.memory}) (void)all;
  d.x.fill_with(-3, 3, true), d.w.fill_with(-3, 3, true), d.y.fill_with(-3, 3, true);
  auto& out = [&]() -> auto& {
    if constexpr (forward)
      return d.y;
    else if constexpr (data)
      return d.x;
    else
      return d.w;
  }();
  if (f.beta == 0) out.each([&](int n, int i, int j, int k, int c) { out.at(n, i, j, k, c) = out.gap(); });
  const std::vector<double> sums = reference<Direction>(d, out);
  auto old = out.memory;
  run<Direction, P>(d, cpu(threads), e, f);

  const auto& extents = out.view.extents;
  out.each([&](int n, int i, int j, int k, int c) {
    const auto place = static_cast<std::size_t>(&out.at(n, i, j, k, c) - out.memory.data());
    int row = ((n * extents[1] + i) * extents[2] + j) * extents[3] + k, column = c;
    if constexpr (Direction == conv_direction::weight_gradient)
      row = n, column = ((i * extents[2] + j) * extents[3] + k) * extents[4] + c;
    const double before = f.beta == 0 ? 0 : f.beta * as_double(old[place]);
    const double right = expected(e, f.alpha * sums[place] + before, row, column);
    const double rounded = as_double(convert<C>(static_cast<accumulator_t<T>>(right)));
    EXPECT_EQ(as_double(out.memory[place]), rounded)
        << "at " << n << ", " << i << ", " << j << ", " << k << ", channel " << c;
    out.memory[place] = old[place];
  });
  ASSERT_FALSE(testing::Test::HasFailure());
  ASSERT_EQ(std::memcmp(out.memory.data(), old.data(), old.size() * sizeof(C)), 0)
      << "something around the output was written";
}

/// A policy with tiles, passes and strips so small that a drawn problem has several of each.
constexpr conv_cpu_policy tiny(host_isa isa = native_isa) {
  return {.rows = 4,
          .vectors = 2,
          .steps = 13,
          .channel_block = 16,
          .strip_bytes = 2000,
          .pixels = 11,
          .isa = isa};
}

/// A problem whose output is not empty.
conv_geometry any_geometry(int dimensions = draw(1, 3)) {
  conv_geometry g;
  g.images = draw(1, 3), g.groups = draw(0, 2) == 0 ? draw(2, 3) : 1;
  g.channels = draw(0, 3) == 0 ? draw(16, 40) : draw(1, 9);
  g.filters = draw(0, 3) == 0 ? draw(16, 40) : draw(1, 9);
  g.flipped = draw(0, 3) == 0;
  for (int d = 0; d < 3; ++d) {
    const bool used = d >= 3 - dimensions;
    g.taps.of[d] = used ? draw(1, 4) : 1, g.stride.of[d] = used ? draw(1, 4) : 1, g.dilation.of[d] = used ? draw(1, 4) : 1;
    g.before.of[d] = used ? draw(0, draw(0, 3) == 0 ? 9 : 2) : 0, g.after.of[d] = used ? draw(0, 3) : 0;
    const int least = std::max(1, g.dilation[d] * (g.taps[d] - 1) + 1 - g.before[d] - g.after[d]);
    g.in.of[d] = used ? least + (draw(0, 2) == 0 ? 0 : draw(0, dimensions == 3 ? 4 : 12)) : 1;
    g.out.of[d] = static_cast<std::int32_t>(
        conv_extent(g.in[d], g.before[d], g.after[d], g.dilation[d], g.taps[d], g.stride[d]));
  }
  return g;
}
factors any_factors() {
  const double alphas[] = {1, 1, -2, 0}, betas[] = {0, 0, 1, 2};
  return {alphas[draw(0, 3)], betas[draw(0, 3)]};
}

template <conv_cpu_policy P, class T, class C, class Epilogue>
void check_directions(const conv_geometry& g, factors f, const Epilogue& e, bool dense = false, int threads = 2) {
  check<conv_direction::forward, P, T, C>(g, f, e, dense, threads);
  if constexpr (!std::is_same_v<T, int8>) {
    check<conv_direction::data_gradient, P, T, C>(g, f, e, dense, threads);
    check<conv_direction::weight_gradient, P, T, C>(g, f, e, dense, threads);
  }
}
template <conv_cpu_policy P, class T, class C, class Epilogue>
void check_drawn(int times, const Epilogue& e) {
  for (int i = 0; i < times && !testing::Test::HasFailure(); ++i)
    check_directions<P, T, C>(any_geometry(), any_factors(), e, draw(0, 2) == 0, draw(1, 3));
}

TEST(conv_cpu, drawn_problems_of_float) { check_drawn<tiny(), float, float>(150, checkered{}); }
TEST(conv_cpu, drawn_problems_of_double) { check_drawn<tiny(), double, double>(40, epilogue::none{}); }
TEST(conv_cpu, drawn_problems_of_half) { check_drawn<tiny(), half, half>(40, epilogue::none{}); }
TEST(conv_cpu, drawn_problems_of_bf16) { check_drawn<tiny(), bf16, float>(40, checkered{}); }
TEST(conv_cpu, drawn_problems_of_int8) { check_drawn<tiny(), int8, std::int32_t>(40, epilogue::none{}); }
TEST(conv_cpu, drawn_problems_with_the_tables_policies) {
  check_drawn<conv_cpu_table<float>::candidates[0], float, float>(60, checkered{});
}

}  // namespace
