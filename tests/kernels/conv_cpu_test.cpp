// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CPU's convolution kernels against a naive reference: whole numbers, so that all sums are exact and must be equal.
#include <gtest/gtest.h>

#include <tilery/cpu.hpp>
#include <tilery/kernels/conv/cpu.hpp>
#include <tilery/kernels/conv/cpu_weight_gradient.hpp>
#include <tilery/ops/column_totals.hpp>
#include <tilery/ops/conv_params.hpp>
#include <tilery/ops/run_conv.hpp>
#include <tilery/policies/conv_cpu_table.hpp>

#include "tests/draw.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

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
        y({g.images, g.out[0], g.out[1], g.out[2], g.filters * g.groups}, dense ? channels_last : any_order(), !dense) {
  }
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
          sum_at(n, p, k) +=
              as_double(d.x.at(n, x[0], x[1], x[2], channel)) * as_double(d.w.at(k, t[0], t[1], t[2], c));
        else if constexpr (Direction == conv_direction::data_gradient)
          sum_at(n, x, channel) +=
              as_double(d.y.at(n, p[0], p[1], p[2], k)) * as_double(d.w.at(k, t[0], t[1], t[2], c));
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
    conv_cpu_all<P>(
        executor, static_cast<std::int64_t>(classes.size()), [&](std::int64_t i) -> const auto& {
          return classes[static_cast<std::size_t>(i)];
        });
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
  d.x.fill_with(-3, 3, true), d.w.fill_with(-3, 3, true), d.y.fill_with(-3, 3, true);
  auto& out = [&]() -> auto& {
    if constexpr (forward)
      return d.y;
    else if constexpr (data)
      return d.x;
    else
      return d.w;
  }
  ();
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
          .filter_bytes = 3000,
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
    g.taps.of[d] = used ? draw(1, 4) : 1, g.stride.of[d] = used ? draw(1, 4) : 1,
    g.dilation.of[d] = used ? draw(1, 4) : 1;
    g.before.of[d] = used ? draw(0, draw(0, 3) == 0 ? 9 : 2) : 0, g.after.of[d] = used ? draw(0, 3) : 0;
    const int least = std::max(1, g.dilation[d] * (g.taps[d] - 1) + 1 - g.before[d] - g.after[d]);
    g.in.of[d] = used ? least + (draw(0, 2) == 0 ? 0 : draw(0, dimensions == 3 ? 4 : 12)) : 1;
    g.out.of[d] =
        static_cast<std::int32_t>(conv_extent(g.in[d], g.before[d], g.after[d], g.dilation[d], g.taps[d], g.stride[d]));
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

/// A geometry of one image size in two dimensions.
conv_geometry flat(int images, int height, int width, int channels, int filters, int taps, int stride, int padding) {
  conv_geometry g;
  g.images = images, g.channels = channels, g.filters = filters;
  g.in = {1, height, width}, g.taps = {1, taps, taps}, g.stride = {1, stride, stride};
  g.before = g.after = {0, padding, padding};
  for (int d = 0; d < 3; ++d)
    g.out.of[d] =
        static_cast<std::int32_t>(conv_extent(g.in[d], g.before[d], g.after[d], g.dilation[d], g.taps[d], g.stride[d]));
  return g;
}

TEST(conv_cpu, edges_around_the_register_tile) {
  constexpr int lanes = tiny().lanes(4);
  for (int width = 1; width <= 10; ++width)
    for (const int filters : {1, lanes - 1, lanes, lanes + 1, 2 * lanes, 2 * lanes + 1})
      check_directions<tiny(), float, float>(flat(2, width % 3 + 1, width, filters, filters, 3, 1, 1), {}, checkered{});
}

TEST(conv_cpu, layers_with_the_tables_policies) {
  constexpr conv_cpu_policy p = conv_cpu_table<float>::candidates[0];
  for (const conv_geometry& g : {flat(2, 30, 31, 3, 20, 7, 2, 3),    // few channels
                                 flat(1, 29, 15, 70, 64, 3, 1, 1),   // channels in two blocks of different sizes
                                 flat(3, 7, 7, 96, 80, 3, 1, 1),     // tiles over several rows of pixels
                                 flat(1, 9, 9, 300, 310, 3, 2, 1),   // a filter that is packed panel by panel
                                 flat(2, 14, 14, 160, 48, 1, 2, 0),  // 1x1 with a stride
                                 flat(2, 5, 5, 33, 17, 4, 1, 6),     // padding beyond the filter
                                 flat(40, 1, 1, 24, 24, 3, 1, 1)})   // strips of several images
    check_directions<p, float, float>(g, {}, epilogue::none{}, true);
}

template <host_isa Isa>
void check_width() {
  if constexpr (Isa <= native_isa) check_drawn<tiny(Isa), float, float>(20, checkered{});
}
TEST(conv_cpu, narrower_vectors_than_the_build_has) {
  check_width<host_isa::baseline>();
  check_width<host_isa::avx2>();
}

TEST(conv_cpu, a_weight_gradient_without_images_is_beta_times_the_old_one) {
  check<conv_direction::weight_gradient, tiny(), float, float>(flat(0, 5, 5, 3, 20, 3, 1, 1), {1, 2}, checkered{});
  check<conv_direction::weight_gradient, tiny(), float, float>(flat(0, 5, 5, 3, 20, 3, 1, 1), {1, 0}, checkered{});
}
TEST(conv_cpu, no_channels_give_sums_of_zero) {
  check<conv_direction::forward, tiny(), float, float>(flat(2, 5, 5, 0, 20, 3, 1, 1), {1, 2}, checkered{});
  check<conv_direction::data_gradient, tiny(), float, float>(flat(2, 5, 5, 20, 0, 3, 2, 1), {1, 0}, checkered{});
}

// Each product is the largest of int8, and there are more than 2^10 of them: sums in float alone would be rounded.
TEST(conv_cpu, sums_of_int8_are_exact) {
  const conv_geometry g = flat(1, 3, 3, 700, 5, 3, 1, 1);
  tensors<int8, int8, std::int32_t> d(g, true);
  d.x.fill_with(-128, -128, true), d.w.fill_with(-128, -128, true);
  d.w.at(0, 0, 1, 1, 17) = int8(1);
  const std::vector<double> sums = reference<conv_direction::forward>(d, d.y);
  run<conv_direction::forward, conv_cpu_table<int8>::candidates[0]>(d, cpu(1), epilogue::none{}, factors{});
  for (std::size_t i = 0; i < sums.size() - 1; ++i) EXPECT_EQ(d.y.memory[i], sums[i]);
}

// Each addition to a long chain of one number rounds in the same direction.
TEST(conv_cpu, a_long_sum_is_no_long_chain) {
  constexpr conv_cpu_policy p = conv_cpu_table<float>::candidates[0];
  const auto check_sum = [p](double sum, double products, const char* direction) {
    const double right = products * double{0.7f} * double{0.71f};
    EXPECT_NEAR(sum, right, (p.steps + 2 + products / p.pixels) * 0x1p-24 * right) << direction;
  };
  const conv_geometry g = flat(1, 120, 120, 4000, 3, 3, 1, 0);
  conv_geometry few = g;
  few.in = {1, 5, 5}, few.out = {1, 3, 3};
  tensors<float, float, float> d(few, true);
  d.x.fill_with(double{0.7f}, double{0.7f}, false), d.w.fill_with(double{0.71f}, double{0.71f}, false);
  run<conv_direction::forward, p>(d, cpu(2), epilogue::none{}, factors{});
  check_sum(d.y.at(0, 0, 1, 1, 2), 36000, "forward");
  conv_geometry large = g;
  large.channels = 2;
  tensors<float, float, float> e(large, true);
  e.x.fill_with(double{0.7f}, double{0.7f}, false), e.y.fill_with(double{0.71f}, double{0.71f}, false);
  run<conv_direction::weight_gradient, p>(e, cpu(2), epilogue::none{}, factors{});
  check_sum(e.w.at(2, 0, 1, 1, 1), 118 * 118, "weight gradient");
}

/// How often the epilogue saw each element; only for one thread.
struct counting : epilogue::step {
  int* seen;
  int columns;
  template <class Lane, class T, int N>
  TILERY_SIMT pack<T, N> operator()(Lane, pack<T, N> x, int row, int column) const {
    for (int i = 0; i < N; ++i)
      if (column + i < columns) ++seen[row * columns + column + i];
    return x;
  }
};
template <conv_direction Direction>
void check_epilogue_counts(conv_geometry g) {
  tensors<float, float, float> d(g, false);
  d.x.fill_with(-1, 1, false), d.w.fill_with(-1, 1, false), d.y.fill_with(-1, 1, false);
  const auto& out = Direction == conv_direction::forward         ? d.y.view
                    : Direction == conv_direction::data_gradient ? d.x.view
                                                                 : d.w.view;
  int columns = out.extents[4];
  if (Direction == conv_direction::weight_gradient) columns *= out.extents[1] * out.extents[2] * out.extents[3];
  std::vector<int> seen(static_cast<std::size_t>(out.size()), 0);
  run<Direction, tiny()>(d, cpu(1), counting{{}, seen.data(), columns}, factors{});
  for (const int times : seen) EXPECT_EQ(times, 1);
}
TEST(conv_cpu, the_epilogue_runs_once_for_each_element) {
  for (int i = 0; i < 20; ++i) {
    const conv_geometry g = any_geometry();
    check_epilogue_counts<conv_direction::forward>(g);
    check_epilogue_counts<conv_direction::data_gradient>(g);
    check_epilogue_counts<conv_direction::weight_gradient>(g);
  }
}

/// 1, 2 and 3 threads give the same bits, in the output and in the column sums of the epilogue.
template <conv_direction Direction, conv_cpu_policy P, class T>
void check_threads(const conv_geometry& g) {
  tensors<T, T, T> d(g, false);
  d.x.fill_with(-1, 1, false), d.w.fill_with(-1, 1, false), d.y.fill_with(-1, 1, false);
  auto& out = Direction == conv_direction::forward ? d.y : Direction == conv_direction::data_gradient ? d.x : d.w;
  std::int64_t columns = out.view.extents[4];
  if (Direction == conv_direction::weight_gradient)
    columns *= out.view.extents[1] * out.view.extents[2] * out.view.extents[3];
  std::vector<T> first;
  std::vector<float> first_sums;
  for (const int threads : {1, 2, 3}) {
    const cpu executor(threads);
    std::vector<float> sums(static_cast<std::size_t>(columns), 0.0f);
    const epilogue::bias_gradient e(vector(sums.data(), static_cast<int>(columns)));
    const auto with_sums = [&](const auto& p, const auto& call) { ops::with_column_totals(executor, p, {}, call); };
    if constexpr (Direction == conv_direction::forward)
      with_sums(ops::forward_params(g, d.x.view, d.w.view, d.y.view, e, {}),
                [&](const auto& p) { conv_cpu<P>(executor, p); });
    else if constexpr (Direction == conv_direction::data_gradient)
      with_sums(ops::data_gradient_params(g, spatial<3>(0), d.y.view, d.w.view, d.x.view, e, {}),
                [&](const auto& p) { conv_cpu<P>(executor, p); });
    else
      with_sums(ops::weight_gradient_params(g, d.x.view, d.y.view, d.w.view, e, {}),
                [&](const auto& p) { conv_cpu_weight_gradient<P>(executor, p); });
    if (threads == 1) first = out.memory, first_sums = sums;
    EXPECT_EQ(std::memcmp(first.data(), out.memory.data(), first.size() * sizeof(T)), 0) << threads << " threads";
    EXPECT_EQ(std::memcmp(first_sums.data(), sums.data(), sums.size() * sizeof(float)), 0)
        << threads << " threads, column sums";
    // The column sums are those of the output.
    if constexpr (std::is_same_v<T, float> && Direction == conv_direction::forward) {
      std::vector<double> right(sums.size(), 0.0), size(sums.size(), 0.0);
      out.each([&](int n, int i, int j, int k, int c) {
        right[static_cast<std::size_t>(c)] += out.at(n, i, j, k, c);
        size[static_cast<std::size_t>(c)] += std::abs(out.at(n, i, j, k, c));
      });
      for (std::size_t c = 0; c < sums.size(); ++c) EXPECT_NEAR(sums[c], right[c], 64 * 0x1p-24 * size[c]);
    }
  }
}
template <conv_cpu_policy P, class T>
void check_threads_of(const conv_geometry& g) {
  check_threads<conv_direction::forward, P, T>(g);
  if (g.stride == spatial<3>(1)) check_threads<conv_direction::data_gradient, P, T>(g);
  check_threads<conv_direction::weight_gradient, P, T>(g);
}
TEST(conv_cpu, any_number_of_threads_gives_the_same_bits) {
  check_threads_of<tiny(), float>(flat(3, 20, 21, 33, 70, 3, 1, 1));
  check_threads_of<tiny(), bf16>(flat(2, 25, 30, 40, 33, 3, 2, 1));
  constexpr conv_cpu_policy p = conv_cpu_table<float>::candidates[0];
  check_threads_of<p, float>(flat(2, 28, 28, 64, 100, 3, 1, 1));
  check_threads_of<p, float>(flat(2, 7, 7, 300, 310, 3, 1, 1));  // packed panel by panel
  conv_geometry g = flat(2, 20, 20, 24, 20, 3, 1, 1);
  g.groups = 3;
  check_threads_of<p, float>(g);
}

TEST(conv_cpu_policy, rules) {
  const auto rule = [](conv_cpu_policy p) { return std::string(broken_rule(p, 4) ? broken_rule(p, 4) : "none"); };
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  EXPECT_EQ(rule(conv_cpu_table<float>::candidates[0]), "none");
  EXPECT_EQ(rule(tiny()), "none");
  EXPECT_TRUE(has(rule({.rows = 0}), "must be positive"));
  EXPECT_TRUE(has(rule({.rows = 5}), "must be even"));
  EXPECT_TRUE(has(rule({.rows = 16, .vectors = 2}), "vector registers"));
  EXPECT_TRUE(has(rule({.rows = 6, .steps = 100, .pixels = 101}), "pixels must be at most steps"));
  if (native_isa < host_isa::avx512) EXPECT_TRUE(has(rule({.rows = 6, .isa = host_isa::avx512}), "must not be wider"));
  for (const conv_cpu_row& row : all_conv_cpu_rows)
    if (row.isa <= native_isa) EXPECT_EQ(rule(row.policy), "none");
}
TEST(conv_cpu_policy, runs_on_the_cpu_alone) {
  conv_problem problem;
  problem.target = arch::cpu;
  EXPECT_EQ(misfit(tiny(), problem), nullptr);
  problem.target = arch::sm_80;
  EXPECT_STREQ(misfit(tiny(), problem), "a conv_cpu_policy runs on the cpu executor only");
}

}  // namespace
