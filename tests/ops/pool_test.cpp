// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Max and average pooling in 1 to 3 dimensions, forward and backward, against references in double that follow each tap
// of each window, and against PyTorch. Whole numbers, so that every executor must have the same bits.
#include "tests/ops/pool_golden.hpp"
#include "tests/pixels.hpp"

#include <tilery/pool.hpp>
#include <tilery/validate.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// A pooling in three dimensions: n, c, and for each dimension the numbers of its options.
struct pooling {
  five x;
  std::array<int, 3> window{1, 1, 1}, stride{1, 1, 1}, before{}, after{}, dilation{1, 1, 1};
  bool ceil_mode = false, count_include_pad = true;

  /// Counts the windows that begin at or before the last possible place, one by one.
  five y() const {
    five result = x;
    for (std::size_t d = 0; d < 3; ++d) {
      const int length = x[d + 1], reach = (window[d] - 1) * dilation[d] + 1, padded = length + before[d] + after[d];
      int windows = 0;
      while (windows * stride[d] + reach <= padded) ++windows;
      const bool is_cut = (windows - 1) * stride[d] + reach < padded;  // elements are left for one more window
      if (ceil_mode && is_cut && windows * stride[d] < length + before[d]) ++windows;
      result[d + 1] = windows;
    }
    return result;
  }

  /// Visits the taps of a window that are in x, in the order of the pixels.
  template <class Visit>
  void for_taps(const five& o, const Visit& visit) const {
    for (int a = 0; a < window[0]; ++a)
      for (int b = 0; b < window[1]; ++b)
        for (int c = 0; c < window[2]; ++c) {
          const int taps[] = {a, b, c};
          five i = o;
          bool inside = true;
          for (std::size_t d = 0; d < 3; ++d) {
            i[d + 1] = o[d + 1] * stride[d] - before[d] + taps[d] * dilation[d];
            inside = inside && i[d + 1] >= 0 && i[d + 1] < x[d + 1];
          }
          if (inside) visit(i);
        }
  }

  /// The divisor of a mean, counted element by element.
  int divisor(const five& o) const {
    int count = 0;
    for (int a = 0; a < window[0]; ++a)
      for (int b = 0; b < window[1]; ++b)
        for (int c = 0; c < window[2]; ++c) {
          const int taps[] = {a, b, c};
          bool counts = true;
          for (std::size_t d = 0; d < 3; ++d) {
            const int i = o[d + 1] * stride[d] - before[d] + taps[d], length = x[d + 1];
            counts = counts && (count_include_pad ? i < length + after[d] : i >= 0 && i < length);
          }
          count += counts;
        }
    return count;
  }

  template <class Options, int N>
  void set(Options& o) const {
    for (int d = 0; d < N; ++d) {
      const std::size_t from = static_cast<std::size_t>(3 - N + d);
      o.window.of[d] = window[from], o.stride.of[d] = stride[from];
      o.padding.of[d] = before[from], o.padding_after.of[d] = after[from];
      if constexpr (requires { o.dilation; }) o.dilation.of[d] = dilation[from];
    }
    o.ceil_mode = ceil_mode;
    if constexpr (requires { o.count_include_pad; }) o.count_include_pad = count_include_pad;
  }
  template <int N>
  max_pool_options<N> max_options() const {
    max_pool_options<N> o;
    set<max_pool_options<N>, N>(o);
    return o;
  }
  template <int N>
  average_pool_options<N> average_options() const {
    average_pool_options<N> o;
    set<average_pool_options<N>, N>(o);
    return o;
  }
};

std::ostream& operator<<(std::ostream& to, const pooling& p) {
  return to << "x " << testing::PrintToString(p.x) << ", window " << testing::PrintToString(p.window) << ", stride "
            << testing::PrintToString(p.stride) << ", padding " << testing::PrintToString(p.before) << " and "
            << testing::PrintToString(p.after) << ", dilation " << testing::PrintToString(p.dilation) << ", ceil "
            << p.ceil_mode << ", padding counted " << p.count_include_pad;
}

/// Strides above the window, windows of the whole input, one-sided padding, ceil, all extents down to 1.
pooling draw_pooling(int dimensions, bool dilated) {
  for (;;) {
    pooling p;
    p.x = {draw(1, 3), 1, 1, 1, draw(0, 2) ? draw(1, 9) : 4 * draw(1, 6)};
    p.ceil_mode = draw(0, 1), p.count_include_pad = draw(0, 1);
    bool fits = true;
    for (std::size_t d = static_cast<std::size_t>(3 - dimensions); d < 3; ++d) {
      p.x[d + 1] = draw(1, dimensions == 3 ? 5 : 9);
      p.window[d] = draw(1, 4), p.stride[d] = draw(1, 5), p.dilation[d] = dilated ? draw(1, 3) : 1;
      const int reach = (p.window[d] - 1) * p.dilation[d] + 1;
      p.before[d] = draw(0, reach - 1), p.after[d] = draw(0, reach - 1);
      fits = fits && reach <= p.x[d + 1] + p.before[d] + p.after[d];
    }
    if (fits) return p;
  }
}

template <int N, class... Arguments>
void run_max(const Arguments&... arguments) {
  if constexpr (N == 1) max_pool1d(arguments...);
  if constexpr (N == 2) max_pool2d(arguments...);
  if constexpr (N == 3) max_pool3d(arguments...);
}
template <int N, class... Arguments>
void run_max_gradient(const Arguments&... arguments) {
  if constexpr (N == 1) max_pool1d_gradient(arguments...);
  if constexpr (N == 2) max_pool2d_gradient(arguments...);
  if constexpr (N == 3) max_pool3d_gradient(arguments...);
}
template <int N, class... Arguments>
void run_average(const Arguments&... arguments) {
  if constexpr (N == 1) average_pool1d(arguments...);
  if constexpr (N == 2) average_pool2d(arguments...);
  if constexpr (N == 3) average_pool3d(arguments...);
}
template <int N, class... Arguments>
void run_average_gradient(const Arguments&... arguments) {
  if constexpr (N == 1) average_pool1d_gradient(arguments...);
  if constexpr (N == 2) average_pool2d_gradient(arguments...);
  if constexpr (N == 3) average_pool3d_gradient(arguments...);
}

template <class Executor>
class pool_on : public on_executor<Executor> {
public:
  template <class T, int N>
  placed_pixels<T, N> empty(const five& extents, pixel_layout how) const {
    return place_pixels<N, T>(*this, grid<double>(extents), how);
  }

  template <class T, int N>
  void check_max(const pooling& p, pixel_layout of_x, pixel_layout of_y) {
    SCOPED_TRACE(testing::Message() << p << ", " << name_of(of_x) << " to " << name_of(of_y));
    const grid<double> values = draw_grid(p.x, 3), dy_values = draw_grid(p.y(), 8);
    grid<double> y(p.y()), indices(p.y()), dx(p.x);
    for_each_position(y.extents, [&](const five& o) {
      y[o] = -INFINITY, indices[o] = -1;
      p.for_taps(o, [&](const five& i) {
        if (indices[o] >= 0 && !(values[i] > y[o])) return;
        y[o] = values[i], indices[o] = (i[1] * p.x[2] + i[2]) * p.x[3] + i[3];
      });
      if (indices[o] < 0) return;
      const int place = static_cast<int>(indices[o]);
      dx[{o[0], place / (p.x[2] * p.x[3]), place / p.x[3] % p.x[2], place % p.x[3], o[4]}] += dy_values[o];
    });

    const auto x_placed = place_pixels<N, T>(*this, values, of_x);
    const auto y_placed = empty<T, N>(p.y(), of_y), other_y = empty<T, N>(p.y(), of_y);
    const auto places = empty<std::int32_t, N>(p.y(), of_x);
    run_max<N>(this->executor, x_placed.read(), y_placed.view, places.view, p.max_options<N>());
    expect_values(gather_pixels(*this, y_placed), y, "y");
    expect_values(gather_pixels(*this, places), indices, "index");
    run_max<N>(this->executor, x_placed.read(), other_y.view, p.max_options<N>());
    expect_values(gather_pixels(*this, other_y), y, "y without indices");

    const auto dy_placed = place_pixels<N, T>(*this, dy_values, of_y);
    const auto dx_placed = place_pixels<N, T>(*this, draw_grid(p.x, 9), of_x);  // every element is overwritten
    run_max_gradient<N>(this->executor, dy_placed.read(), places.read(), dx_placed.view, p.max_options<N>());
    expect_values(gather_pixels(*this, dx_placed), dx, "dx");
  }

  template <class T, int N>
  void check_average(const pooling& p, pixel_layout of_x, pixel_layout of_y) {
    SCOPED_TRACE(testing::Message() << p << ", " << name_of(of_x) << " to " << name_of(of_y));
    // Each divisor divides a dy: its factors are 1 to 4 in each dimension.
    const grid<double> values = draw_grid(p.x, 8), dy_values = draw_grid(p.y(), 3, N == 1 ? 12 : N == 2 ? 144 : 1728);
    grid<double> sums(p.y()), y(p.y()), dx(p.x);
    for_each_position(y.extents, [&](const five& o) {
      const int divisor = p.divisor(o);
      p.for_taps(o, [&](const five& i) {
        sums[o] += values[i];
        dx[i] += dy_values[o] / divisor;
      });
      using S = accumulator_t<T>;
      y[o] = static_cast<S>(sums[o]) / static_cast<S>(divisor);
    });

    const auto x_placed = place_pixels<N, T>(*this, values, of_x);
    const auto y_placed = empty<T, N>(p.y(), of_y);
    run_average<N>(this->executor, x_placed.read(), y_placed.view, p.average_options<N>());
    expect_values(gather_pixels(*this, y_placed), y, "y");

    const auto dy_placed = place_pixels<N, T>(*this, dy_values, of_y);
    const auto dx_placed = place_pixels<N, T>(*this, draw_grid(p.x, 9), of_x);
    run_average_gradient<N>(this->executor, dy_placed.read(), dx_placed.view, p.average_options<N>());
    const auto got = gather_pixels(*this, dx_placed);
    expect_values(got, dx, "dx");

    // <y, dy> = <x, dx>, with the quotients of dy: exactly, in whole numbers.
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
      double forward = 0;
      for_each_position(y.extents, [&](const five& o) { forward += sums[o] * (dy_values[o] / p.divisor(o)); });
      EXPECT_EQ(forward, dot(got, values));
    }
  }
};
TYPED_TEST_SUITE(pool_on, executors);

TYPED_TEST(pool_on, drawn_windows_of_every_type_layout_and_rank) {
  for_types<double, float, half, bf16>([&]<class T>() {
    for (int round = 0; round < 12; ++round) {
      this->template check_max<T, 1>(draw_pooling(1, true), draw_layout(), draw_layout());
      this->template check_max<T, 2>(draw_pooling(2, true), draw_layout(), draw_layout());
      this->template check_max<T, 3>(draw_pooling(3, true), draw_layout(), draw_layout());
      this->template check_average<T, 1>(draw_pooling(1, false), draw_layout(), draw_layout());
      this->template check_average<T, 2>(draw_pooling(2, false), draw_layout(), draw_layout());
      this->template check_average<T, 3>(draw_pooling(3, false), draw_layout(), draw_layout());
    }
  });
}

TYPED_TEST(pool_on, the_windows_of_networks_in_every_layout) {
  const pooling resnet{.x = {2, 1, 11, 13, 64},
                       .window = {1, 3, 3},
                       .stride = {1, 2, 2},
                       .before = {0, 1, 1},
                       .after = {0, 1, 1}};
  const pooling halves{.x = {2, 1, 8, 6, 24}, .window = {1, 2, 2}, .stride = {1, 2, 2}};
  const pooling same{.x = {1, 1, 7, 5, 80}, .window = {1, 3, 3}, .before = {0, 1, 1}, .after = {0, 1, 1}};
  for (const pooling& p : {resnet, halves, same})
    for (const pixel_layout how : pixel_layouts) {
      this->template check_max<float, 2>(p, how, how);
      this->template check_average<float, 2>(p, how, how);
      this->template check_max<half, 2>(p, how, draw_layout());
      this->template check_average<bf16, 2>(p, how, draw_layout());
    }
  this->template check_max<float, 1>({.x = {1, 1, 1, 300, 5}, .window = {1, 1, 7}, .stride = {1, 1, 3}},
                                     pixel_layout::channels_last, pixel_layout::channels_first);
  this->template check_average<double, 3>({.x = {1, 6, 4, 5, 8}, .window = {2, 2, 2}, .stride = {2, 2, 2}},
                                          pixel_layout::channels_last, pixel_layout::channels_last);
}

// A window with dilation whose taps all fall into the padding.
TYPED_TEST(pool_on, a_window_without_an_element_is_below_all) {
  const pooling p{.x = {1, 1, 1, 1, 3},
                  .window = {1, 1, 2},
                  .before = {0, 0, 2},
                  .after = {0, 0, 2},
                  .dilation = {1, 1, 4}};
  this->template check_max<float, 1>(p, pixel_layout::channels_last, pixel_layout::channels_last);
  this->template check_max<half, 1>(p, pixel_layout::spread, pixel_layout::channels_first);
}

TYPED_TEST(pool_on, takes_the_first_of_ties_and_the_first_nan) {
  for_types<double, float, half, bf16>([&]<class T>() {
    for (const int channels : {1, 16}) {
      const five extents{1, 1, 1, 12, channels};
      grid<double> x(extents), y({1, 1, 1, 4, channels}), indices({1, 1, 1, 4, channels});
      const double of_x[] = {1, 1, 0, -0.0, 0, -3, NAN, 7, NAN, -INFINITY, -INFINITY, -INFINITY};
      const double of_y[] = {1, 0, NAN, -INFINITY};
      const int of_index[] = {0, 3, 6, 9};
      for_each_position(extents, [&](const five& i) { x[i] = of_x[i[3]]; });
      for_each_position(y.extents, [&](const five& o) { y[o] = of_y[o[3]], indices[o] = of_index[o[3]]; });
      const auto from = place_pixels<1, T>(*this, x, pixel_layout::channels_last);
      const auto to = this->template empty<T, 1>(y.extents, pixel_layout::channels_last);
      const auto places = this->template empty<std::int32_t, 1>(y.extents, pixel_layout::channels_last);
      max_pool1d(this->executor, from.read(), to.view, places.view, {.window = 3});
      const auto got = gather_pixels(*this, to);
      expect_values(got, y, "y");
      expect_values(gather_pixels(*this, places), indices, "index");
      EXPECT_TRUE(std::signbit(as_double(got[{0, 0, 0, 1, 0}]))) << "-0 comes first";
      max_pool1d(this->executor, from.read(), to.view, {.window = 3});
      expect_values(gather_pixels(*this, to), y, "y without indices");
    }
  });
}

TYPED_TEST(pool_on, an_index_of_no_pixel_of_its_window_adds_nothing) {
  const grid<double> dy = draw_grid({1, 1, 1, 3, 2}, 5);
  grid<double> indices(dy.extents), dx({1, 1, 1, 6, 2});
  for_each_position(dy.extents, [&](const five& o) { indices[o] = o[3] == 0 ? -1 : o[3] == 1 ? 5 : 4; });
  for (int c = 0; c < 2; ++c) dx[{0, 0, 0, 4, c}] = dy[{0, 0, 0, 2, c}];
  const auto gradient = place_pixels<1, float>(*this, dy, pixel_layout::channels_last);
  const auto places = place_pixels<1, std::int32_t>(*this, indices, pixel_layout::channels_last);
  const auto to = this->template empty<float, 1>(dx.extents, pixel_layout::channels_last);
  max_pool1d_gradient(this->executor, gradient.read(), places.read(), to.view, {.window = 2});
  expect_values(gather_pixels(*this, to), dx, "dx");
}

// Of a batch with more packs than 32 bits count, several launches compute some images each: here with a lower limit.
TYPED_TEST(pool_on, several_launches_compute_a_large_batch) {
  const pooling p{.x = {7, 1, 4, 6, 8}, .window = {1, 2, 2}, .stride = {1, 2, 2}};
  for (const pixel_layout how : {pixel_layout::channels_last, pixel_layout::odd}) {
    const grid<double> values = draw_grid(p.x, 8);
    const auto x = place_pixels<3, float>(*this, values, how);
    const auto y = this->template empty<float, 3>(p.y(), how), whole = this->template empty<float, 3>(p.y(), how);
    average_pool3d(this->executor, x.read(), whole.view, p.average_options<3>());
    average_pool_params<float> params{};
    const auto geometry = ops::geometry_of(p.average_options<3>());
    ops::set_axes(params.axes, geometry, ops::spatial_extents(x.view), ops::spatial_extents(y.view));
    params.x = images_for_kernel<const float>(x.view), params.y = images_for_kernel<float>(y.view);
    const auto launch_with = [&](std::int64_t most) {
      ops::launch_pixels<float>(this->executor, ops::describe_pixels(y.view, x.view), y.view, params,
                                {reads("x", x.view), writes("y", y.view)}, {}, most);
    };
    launch_with(100);  // 48 elements in an image
    EXPECT_EQ(gather_pixels(*this, y).values, gather_pixels(*this, whole).values) << name_of(how);
    EXPECT_REFUSED(launch_with(11), "average_pool: an image of the output has ");
  }
}

// What PyTorch 2.15.0 computes (pool_golden.py).
TYPED_TEST(pool_on, agrees_with_pytorch) {
  for (const golden_pool& g : golden_pools) {
    const five x_extents{g.x[0], 1, g.x[1], g.x[2], g.x[3]}, y_extents{g.x[0], 1, g.y[0], g.y[1], g.x[3]};
    SCOPED_TRACE(g.name);
    const auto grid_of = [](const five& extents, const auto& values) {
      grid<double> result(extents);
      for (std::size_t i = 0; i < result.values.size(); ++i) result.values[i] = values[i];
      return result;
    };
    const grid<double> x = grid_of(x_extents, g.x_values), dy = grid_of(y_extents, g.dy_values);
    for (const pixel_layout how : {pixel_layout::channels_last, pixel_layout::channels_first}) {
      const auto in = place_pixels<2, float>(*this, x, how), gradient = place_pixels<2, float>(*this, dy, how);
      const auto out = this->template empty<float, 2>(y_extents, how);
      const auto dx = this->template empty<float, 2>(x_extents, how);
      if (g.is_max) {
        const max_pool_options<2> options{.window = g.window,
                                          .stride = g.stride,
                                          .padding = g.padding,
                                          .dilation = g.dilation,
                                          .ceil_mode = g.ceil_mode};
        const auto places = this->template empty<std::int32_t, 2>(y_extents, how);
        max_pool2d(this->executor, in.read(), out.view, places.view, options);
        max_pool2d_gradient(this->executor, gradient.read(), places.read(), dx.view, options);
        expect_values(gather_pixels(*this, places), grid_of(y_extents, g.indices), "index");
      } else {
        const average_pool_options<2> options{.window = g.window,
                                              .stride = g.stride,
                                              .padding = g.padding,
                                              .ceil_mode = g.ceil_mode,
                                              .count_include_pad = g.count_include_pad};
        average_pool2d(this->executor, in.read(), out.view, options);
        average_pool2d_gradient(this->executor, gradient.read(), dx.view, options);
      }
      expect_values(gather_pixels(*this, out), grid_of(y_extents, g.y_values), "y");
      expect_values(gather_pixels(*this, dx), grid_of(x_extents, g.dx_values), "dx");
    }
  }
}

TYPED_TEST(pool_on, empty_batches_and_channels_are_nothing_to_do) {
  const tensor_view<const float, 4> no_images(nullptr, 0, 8, 8, 4), no_channels(nullptr, 2, 8, 8, 0);
  max_pool2d(this->executor, no_images, tensor_view<float, 4>(nullptr, 0, 4, 4, 4), {.window = 2});
  average_pool2d(this->executor, no_channels, tensor_view<float, 4>(nullptr, 2, 4, 4, 0), {.window = 2});
  average_pool2d_gradient(this->executor, tensor_view<const float, 4>(nullptr, 0, 4, 4, 4),
                          tensor_view<float, 4>(nullptr, 0, 8, 8, 4), {.window = 2});
  max_pool2d_gradient(this->executor, tensor_view<const float, 4>(nullptr, 2, 4, 4, 0),
                      tensor_view<const std::int32_t, 4>(nullptr, 2, 4, 4, 0),
                      tensor_view<float, 4>(nullptr, 2, 8, 8, 0), {.window = 2});
}

TYPED_TEST(pool_on, refuses_bad_input_before_it_launches) {
  const auto memory = this->put(std::vector<float>(4096, 7.0f));
  const auto numbers = this->put(std::vector<std::int32_t>(1024, 7));
  float* const p = memory.data_handle();
  const auto x = tensor(p, {2, 8, 8, 4}), y = tensor(p + 1024, {2, 4, 4, 4});
  const auto indices = tensor(numbers.data_handle(), {2, 4, 4, 4});
  const auto& e = this->executor;
  EXPECT_REFUSED(max_pool2d(e, x, y, {}), "max_pool2d: the window's height is 0; it must be at least 1");
  EXPECT_REFUSED(max_pool2d(e, x, y, {.window = {2, -3}}),
                 "max_pool2d: the window's width is -3; it must be at least 1");
  EXPECT_REFUSED(max_pool2d(e, x, y, {.window = 2, .stride = {2, 0}}),
                 "max_pool2d: the stride along the width is 0; it must be at least 1, or -1 for that of the window");
  EXPECT_REFUSED(max_pool2d(e, x, y, {.window = 2, .dilation = {0, 1}}),
                 "max_pool2d: the dilation along the height is 0; it must be at least 1");
  EXPECT_REFUSED(average_pool2d(e, x, y, {.window = 2, .padding = {0, -2}}),
                 "average_pool2d: the padding before the width is -2; it must be at least 0 and less than the 2 "
                 "elements that a window spans, because a window must not consist of padding");
  EXPECT_REFUSED(average_pool2d(e, x, y, {.window = 2, .padding_after = 2}),
                 "average_pool2d: the padding after the height is 2; it must be at least 0 and less than the 2");
  EXPECT_REFUSED(max_pool2d(e, x, y, {.window = 3, .dilation = 5}),
                 "max_pool2d: a window spans 11 elements of the height, (window - 1) * dilation + 1, but x has 8 with "
                 "its padding; the window must fit");
  EXPECT_REFUSED(max_pool2d(e, x, tensor(p + 1024, {2, 4, 3, 4}), {.window = 2}),
                 "max_pool2d: y is 2 x 4 x 3 x 4; it must be 2 x 4 x 4 x 4: n and c of x, and between them "
                 "floor((extent + padding + padding_after - (window - 1) * dilation - 1) / stride) + 1 windows");
  EXPECT_REFUSED(average_pool2d(e, x, y, {.window = 3, .ceil_mode = true}),
                 "average_pool2d: y is 2 x 4 x 4 x 4; it must be 2 x 3 x 3 x 4: n and c of x, and between them "
                 "ceil((extent + padding + padding_after - (window - 1) * dilation - 1) / stride) + 1 windows, without "
                 "a last one that begins in the padding after");
  EXPECT_REFUSED(max_pool2d(e, x, y, tensor(numbers.data_handle(), {2, 4, 4, 3}), {.window = 2}),
                 "max_pool2d: indices is 2 x 4 x 4 x 3; it must be 2 x 4 x 4 x 4");
  EXPECT_REFUSED(max_pool2d(e, tensor(p, {2, 0, 8, 4}), y, {.window = 2}),
                 "max_pool2d: the height of x is 0; it must be at least 1");
  EXPECT_REFUSED(average_pool2d_gradient(e, x, y, {.window = 2}),
                 "average_pool2d_gradient: dy is 2 x 8 x 8 x 4; it must be 2 x 2 x 2 x 4: n and c of dx");
  EXPECT_REFUSED(max_pool2d(e, x, tensor(p + 3, {2, 4, 4, 4}), {.window = 2}),
                 "max_pool2d: y shares an element with x; the two must not overlap");
  EXPECT_REFUSED(max_pool2d(e, tensor(static_cast<float*>(nullptr), {2, 8, 8, 4}), y, {.window = 2}),
                 "max_pool2d: x is a null view of size 2 x 8 x 8 x 4; it must point to its elements");
  EXPECT_REFUSED(max_pool2d_gradient(e, y, indices, permuted(x, {0, 1, 2, 3}), {.window = 3}),
                 "max_pool2d_gradient: dy is 2 x 4 x 4 x 4; it must be 2 x 2 x 2 x 4: n and c of dx");
  EXPECT_REFUSED(max_pool1d(e, tensor(p, {1, 8, 4}), tensor(p + 1024, {1, 4, 4}), {.window = 9}),
                 "max_pool1d: a window spans 9 elements of the width, (window - 1) * dilation + 1, but x has 8");
  EXPECT_REFUSED(max_pool3d(e, tensor(p, {1, 2, 8, 8, 4}), tensor(p + 1024, {1, 1, 4, 4, 4}), {.window = {3, 2, 2}}),
                 "max_pool3d: a window spans 3 elements of the depth");
  EXPECT_EQ(this->get(memory), std::vector<float>(4096, 7.0f)) << "nothing was written";
}

// Nothing is launched: there is no such memory here.
TYPED_TEST(pool_on, sizes_beyond_32_bits) {
  const auto found = [&](const auto& call) { return validate(this->executor, call); };
  const auto far = [](std::int64_t tera) { return reinterpret_cast<half*>(tera << 42); };
  const auto host = [](const finding& f) { return !f || std::string(f.c_str()).find("memory") != std::string::npos; };
  const int side = 1 << 16;
  const tensor_view<half, 4> large(far(1), 1, side, side, 8), halved(far(2), 1, side / 2, side / 2, 8);
  const tensor_view<std::int32_t, 4> indices(reinterpret_cast<std::int32_t*>(far(3)), 1, side / 2, side / 2, 8);
  EXPECT_EQ(found([&](const auto& v) { max_pool2d(v, large, halved, indices, {.window = 2}); }),
            "max_pool2d: x is 1 x 65536 x 65536 x 8; with indices an image must have at most 2147352575 pixels");
  const tensor_view<half, 4> batch(far(1), 1 << 14, 1 << 10, 1 << 9, 64), of_batch(far(2), 1 << 14, 1 << 9, 1 << 8, 64);
  EXPECT_TRUE(host(found([&](const auto& v) { average_pool2d(v, batch, of_batch, {.window = 2}); })))
      << "2^37 elements, 2^23 in an image";
  const tensor_view<half, 3> line(far(1), 1, largest_extent - 1, 2), padded(far(2), 1, largest_extent + 1 - 2, 2);
  EXPECT_EQ(found([&](const auto& v) { max_pool1d(v, line, padded, {.window = 3, .stride = 1, .padding = 1}); }),
            "max_pool1d: the width of x with its padding is 2147352576; it must be at most 2147352575");
}

#ifndef __CUDACC__  // no GPU is needed
TEST(pixel_policy, says_which_rule_is_broken) {
  EXPECT_EQ(broken_rule(pixel_policy{}), nullptr);
  EXPECT_STREQ(broken_rule(pixel_policy{.vector = 3}),
               "pixel_policy.vector must be a power of two, because an access is one pack");
  EXPECT_STREQ(broken_rule(pixel_policy{.packs = 0}), "pixel_policy.packs and pixels must be at least 1");
  EXPECT_STREQ(broken_rule(pixel_policy{.threads = 48}),
               "pixel_policy.threads must be a multiple of 32, from 32 to 1024");
  EXPECT_STREQ(broken_rule(pixel_policy{.packs = 2}),
               "pixel_policy.packs and pixels must be 1 on a GPU, because a lane computes one pack");
  EXPECT_STREQ(broken_rule(pixel_policy{.lowest = arch::cpu}),
               "pixel_policy.threads must be 1 on the CPU, because its blocks have one lane");
  for (const pixel_policy& p : pixel_table_gpu<half>::candidates) EXPECT_EQ(broken_rule(p), nullptr);
  for (const pixel_policy& p : pixel_table_cpu<double>::candidates) EXPECT_EQ(broken_rule(p), nullptr);
}

TEST(fast_divisor, divides_every_number_below_2_to_the_31) {
  const auto check = [](std::int32_t divisor) {
    const fast_divisor by(divisor);
    for (std::int64_t around :
         {std::int64_t{0}, std::int64_t{1} << 20, (std::int64_t{1} << 31) - 3, std::int64_t{divisor},
          std::int64_t{divisor} * draw(1, 1000), std::int64_t{draw(0, 2147483647)}})
      for (std::int64_t n = around - 2; n <= around + 2; ++n)
        if (n >= 0 && n < std::int64_t{1} << 31) {
          ASSERT_EQ(by.quotient(static_cast<std::int32_t>(n)), n / divisor) << n << " / " << divisor;
          std::int32_t rest = static_cast<std::int32_t>(n);
          ASSERT_EQ(by.split(rest), n % divisor);
          ASSERT_EQ(rest, n / divisor);
        }
  };
  for (int divisor = 1; divisor < 2000; ++divisor) check(divisor);
  for (int bit = 11; bit < 31; ++bit)
    for (const int more : {-1, 0, 1}) check(static_cast<std::int32_t>((std::int64_t{1} << bit) + more));
  check(2147483647);
  for (int i = 0; i < 1000; ++i) check(draw(1, 2147483647));
  EXPECT_EQ(wide_divisor(7, 100).quotient(100), 14);
  EXPECT_EQ(wide_divisor(7, std::int64_t{1} << 40).quotient((std::int64_t{1} << 40) + 3),
            ((std::int64_t{1} << 40) + 3) / 7);
}
#endif

}  // namespace
