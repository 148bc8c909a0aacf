// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Nearest and linear upsampling in 1 to 3 dimensions, forward and backward, against references in double by scatter,
// and against PyTorch. Sizes whose weights are multiples of 1/16 must have the same bits on every executor.
#include "tests/ops/resampling_golden.hpp"
#include "tests/pixels.hpp"

#include <tilery/upsample.hpp>
#include <tilery/validate.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

enum class sampling { nearest, half_pixel, aligned };

/// An element of the input and its weight in an output.
struct part {
  int element;
  double weight;
};

/// The parts of output o of `out` along one dimension of `in` elements.
std::vector<part> parts_of(sampling how, int o, int in, int out) {
  if (how == sampling::nearest) return {{static_cast<int>(std::int64_t{o} * in / out), 1}};
  long double place = how == sampling::half_pixel ? (o + 0.5L) * in / out - 0.5L
                      : out > 1                   ? o * (in - 1.0L) / (out - 1)
                                                  : 0;
  place = std::max(place, 0.0L);
  const int lower = std::min(static_cast<int>(place), in - 1);
  if (lower == in - 1) return {{lower, 1}};
  return {{lower, static_cast<double>(1 - (place - lower))}, {lower + 1, static_cast<double>(place - lower)}};
}

/// Visits the elements of x that output o consists of, with their weights.
template <class Visit>
void for_parts(sampling how, const five& x, const five& y, const five& o, const Visit& visit) {
  for (const part& d : parts_of(how, o[1], x[1], y[1]))
    for (const part& h : parts_of(how, o[2], x[2], y[2]))
      for (const part& w : parts_of(how, o[3], x[3], y[3]))
        visit(five{o[0], d.element, h.element, w.element, o[4]}, d.weight * h.weight * w.weight);
}

template <int N, class... Arguments>
void run(sampling how, const Arguments&... arguments) {
  const upsample_options options{.align_corners = how == sampling::aligned};
  if (how == sampling::nearest) {
    if constexpr (N == 1) upsample_nearest1d(arguments...);
    if constexpr (N == 2) upsample_nearest2d(arguments...);
    if constexpr (N == 3) upsample_nearest3d(arguments...);
  } else {
    if constexpr (N == 1) upsample_linear1d(arguments..., options);
    if constexpr (N == 2) upsample_linear2d(arguments..., options);
    if constexpr (N == 3) upsample_linear3d(arguments..., options);
  }
}
template <int N, class... Arguments>
void run_gradient(sampling how, const Arguments&... arguments) {
  const upsample_options options{.align_corners = how == sampling::aligned};
  if (how == sampling::nearest) {
    if constexpr (N == 1) upsample_nearest1d_gradient(arguments...);
    if constexpr (N == 2) upsample_nearest2d_gradient(arguments...);
    if constexpr (N == 3) upsample_nearest3d_gradient(arguments...);
  } else {
    if constexpr (N == 1) upsample_linear1d_gradient(arguments..., options);
    if constexpr (N == 2) upsample_linear2d_gradient(arguments..., options);
    if constexpr (N == 3) upsample_linear3d_gradient(arguments..., options);
  }
}

template <class Executor>
class upsample_on : public on_executor<Executor> {
public:
  /// x and y are the extents of the two tensors. Exact results must be equal; others may differ by the rounding of
  /// weights and sums.
  template <class T, int N>
  void check(sampling how, const five& x, const five& y, bool is_exact, pixel_layout of_x, pixel_layout of_y) {
    SCOPED_TRACE(testing::Message() << static_cast<int>(how) << ": " << testing::PrintToString(x) << " to "
                                    << testing::PrintToString(y) << ", " << name_of(of_x) << " to " << name_of(of_y));
    const grid<double> values = draw_grid(x, 8), dy_values = draw_grid(y, 8);
    grid<double> want(y), want_dx(x), most(x);
    for_each_position(y, [&](const five& o) {
      for_parts(how, x, y, o, [&](const five& i, double weight) {
        want[o] += weight * values[i];
        want_dx[i] += weight * dy_values[o], most[i] += 8 * weight;
      });
    });

    const auto from = place_pixels<N, T>(*this, values, of_x);
    const auto to = place_pixels<N, T>(*this, grid<double>(y), of_y);
    run<N>(how, this->executor, from.read(), to.view);
    const auto got = gather_pixels(*this, to);
    const auto gradient = place_pixels<N, T>(*this, dy_values, of_y);
    const auto dx = place_pixels<N, T>(*this, draw_grid(x, 9), of_x);
    run_gradient<N>(how, this->executor, gradient.read(), dx.view);
    const auto got_dx = gather_pixels(*this, dx);
    if (is_exact) {
      expect_values(got, want, "y");
      expect_values(got_dx, want_dx, "dx");
      if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
        EXPECT_EQ(dot(got, dy_values), dot(got_dx, values)) << "the adjoint";
      }
      return;
    }
    const double u = unit_roundoff<accumulator_t<T>>(), rounding = sizeof(T) == 2 ? unit_roundoff<T>() : 0;
    for_each_position(y, [&](const five& o) {
      EXPECT_NEAR(as_double(got[o]), want[o], 8 * (20 * u + rounding)) << testing::PrintToString(o);
    });
    const double taps = static_cast<double>(count_of(y)) / static_cast<double>(count_of(x)) * 8 + 8;
    for_each_position(x, [&](const five& i) {
      EXPECT_NEAR(as_double(got_dx[i]), want_dx[i], most[i] * ((20 + taps) * u + rounding))
          << testing::PrintToString(i);
    });
  }

  template <class T>
  void check_drawn() {
    const auto extents = [](int dimensions, int n, int c) {
      five e{n, 1, 1, 1, c};
      for (std::size_t d = static_cast<std::size_t>(4 - dimensions); d < 4; ++d)
        e[d] = draw(1, dimensions == 3 ? 5 : 9);
      return e;
    };
    for (const sampling how : {sampling::nearest, sampling::half_pixel, sampling::aligned}) {
      const bool is_exact = how == sampling::nearest;
      const int n = draw(1, 2), c = draw(0, 1) ? draw(1, 9) : 16;
      check<T, 1>(how, extents(1, n, c), extents(1, n, c), is_exact, draw_layout(), draw_layout());
      check<T, 2>(how, extents(2, n, c), extents(2, n, c), is_exact, draw_layout(), draw_layout());
      check<T, 3>(how, extents(3, n, c), extents(3, n, c), is_exact, draw_layout(), draw_layout());
    }
  }
};
TYPED_TEST_SUITE(upsample_on, executors);

TYPED_TEST(upsample_on, drawn_sizes_of_every_type_layout_and_rank) {
  for_types<double, float, half, bf16>([&]<class T>() {
    for (int round = 0; round < 8; ++round) this->template check_drawn<T>();
  });
}

// Weights that are multiples of 1/4 in each dimension: all sums are exact.
TYPED_TEST(upsample_on, dyadic_sizes_have_the_same_bits_everywhere) {
  const auto check_all = [&]<class T>(sampling how, const five& x, const five& y) {
    for (const pixel_layout layout : pixel_layouts) this->template check<T, 2>(how, x, y, true, layout, layout);
    this->template check<T, 2>(how, x, y, true, draw_layout(), draw_layout());
  };
  for_types<double, float, half, bf16>([&]<class T>() {
    check_all.template operator()<T>(sampling::half_pixel, {2, 1, 4, 3, 16}, {2, 1, 8, 6, 16});
    check_all.template operator()<T>(sampling::half_pixel, {1, 1, 8, 6, 5}, {1, 1, 4, 12, 5});
    check_all.template operator()<T>(sampling::half_pixel, {1, 1, 1, 3, 8}, {1, 1, 4, 3, 8});
    check_all.template operator()<T>(sampling::aligned, {1, 1, 3, 5, 8}, {1, 1, 5, 9, 8});
    check_all.template operator()<T>(sampling::aligned, {2, 1, 9, 1, 3}, {2, 1, 5, 4, 3});
    check_all.template operator()<T>(sampling::aligned, {1, 1, 4, 5, 16}, {1, 1, 1, 2, 16});
    check_all.template operator()<T>(sampling::nearest, {1, 1, 4, 5, 16}, {1, 1, 12, 10, 16});
  });
  this->template check<float, 3>(sampling::half_pixel, {1, 2, 3, 2, 4}, {1, 4, 6, 4, 4}, true,
                                 pixel_layout::channels_last, pixel_layout::channels_last);
  this->template check<float, 1>(sampling::half_pixel, {1, 1, 1, 500, 3}, {1, 1, 1, 1000, 3}, true,
                                 pixel_layout::channels_first, pixel_layout::channels_first);
}

// Between the sizes that 32-bit numerators hold and those that they do not, the coordinates are the same.
TYPED_TEST(upsample_on, long_dimensions) {
  this->template check<float, 1>(sampling::nearest, {1, 1, 1, 70000, 1}, {1, 1, 1, 50000, 1}, true,
                                 pixel_layout::channels_last, pixel_layout::channels_last);
  this->template check<double, 1>(sampling::half_pixel, {1, 1, 1, 20000, 1}, {1, 1, 1, 60000, 1}, false,
                                  pixel_layout::channels_last, pixel_layout::channels_last);
  this->template check<double, 1>(sampling::aligned, {1, 1, 1, 60001, 1}, {1, 1, 1, 40001, 1}, false,
                                  pixel_layout::channels_last, pixel_layout::channels_last);
}

TYPED_TEST(upsample_on, an_element_of_weight_0_is_not_read) {
  const five extents{1, 1, 1, 3, 4};
  grid<double> x(extents);
  for (int c = 0; c < 4; ++c) x[{0, 0, 0, 0, c}] = 5, x[{0, 0, 0, 1, c}] = NAN, x[{0, 0, 0, 2, c}] = 7;
  const auto from = place_pixels<1, float>(*this, x, pixel_layout::channels_last);
  const auto to = place_pixels<1, float>(*this, grid<double>({1, 1, 1, 5, 4}), pixel_layout::channels_last);
  upsample_linear1d(this->executor, from.read(), to.view, {.align_corners = true});
  const auto y = gather_pixels(*this, to);
  EXPECT_EQ((y[{0, 0, 0, 0, 1}]), 5);
  EXPECT_TRUE(std::isnan(y[{0, 0, 0, 1, 1}]));
  EXPECT_EQ((y[{0, 0, 0, 4, 1}]), 7);
}

// What PyTorch 2.15.0 computes in double (pixel_golden.py).
TYPED_TEST(upsample_on, agrees_with_pytorch) {
  for (const golden_resampling& g : golden_resamplings) {
    const five x{1, 1, g.x[0], g.x[1], g.x[2]}, y{1, 1, g.y[0], g.y[1], g.x[2]};
    const sampling how = g.is_nearest ? sampling::nearest : g.align_corners ? sampling::aligned : sampling::half_pixel;
    SCOPED_TRACE(testing::Message() << testing::PrintToString(x) << " to " << testing::PrintToString(y) << " "
                                    << static_cast<int>(how));
    grid<double> x_values(x), dy_values(y);
    x_values.values = g.x_values, dy_values.values = g.dy_values;
    const auto from = place_pixels<2, double>(*this, x_values, pixel_layout::channels_last);
    const auto gradient = place_pixels<2, double>(*this, dy_values, pixel_layout::channels_first);
    const auto to = place_pixels<2, double>(*this, grid<double>(y), pixel_layout::channels_last);
    const auto dx = place_pixels<2, double>(*this, grid<double>(x), pixel_layout::channels_first);
    run<2>(how, this->executor, from.read(), to.view);
    run_gradient<2>(how, this->executor, gradient.read(), dx.view);
    const auto got = gather_pixels(*this, to), got_dx = gather_pixels(*this, dx);
    for (std::size_t i = 0; i < g.y_values.size(); ++i) EXPECT_NEAR(got.values[i], g.y_values[i], 1e-13) << i;
    for (std::size_t i = 0; i < g.dx_values.size(); ++i) EXPECT_NEAR(got_dx.values[i], g.dx_values[i], 1e-12) << i;
  }
}

TYPED_TEST(upsample_on, refuses_bad_input_before_it_launches) {
  const auto memory = this->put(std::vector<float>(4096, 7.0f));
  float* const p = memory.data_handle();
  const auto x = tensor(p, {2, 4, 4, 4}), y = tensor(p + 1024, {2, 8, 8, 4});
  const auto& e = this->executor;
  EXPECT_REFUSED(upsample_nearest2d(e, x, tensor(p + 1024, {2, 8, 8, 3})),
                 "upsample_nearest2d: y is 2 x 8 x 8 x 3 and x 2 x 4 x 4 x 4; both must have the same n and c, the "
                 "first and the last dimension");
  EXPECT_REFUSED(upsample_linear2d(e, tensor(p, {2, 4, 0, 4}), y),
                 "upsample_linear2d: the width of x is 0; it must be at least 1");
  EXPECT_REFUSED(upsample_linear2d_gradient(e, y, tensor(p, {1, 4, 4, 4})),
                 "upsample_linear2d_gradient: dx is 1 x 4 x 4 x 4 and dy 2 x 8 x 8 x 4");
  EXPECT_REFUSED(upsample_nearest1d(e, tensor(p, {2, 4, 4}), tensor(p + 1024, {2, 0, 4})),
                 "upsample_nearest1d: the width of y is 0; it must be at least 1");
  EXPECT_REFUSED(upsample_nearest3d_gradient(e, tensor(p, {2, 0, 2, 4, 4}), tensor(p + 1024, {2, 2, 2, 2, 4})),
                 "upsample_nearest3d_gradient: the depth of dy is 0");
  EXPECT_REFUSED(upsample_nearest2d(e, x, tensor(p + 60, {2, 8, 8, 4})),
                 "upsample_nearest2d: y shares an element with x; the two must not overlap");
  EXPECT_REFUSED(upsample_linear2d(e, tensor(static_cast<const float*>(nullptr), {2, 4, 4, 4}), y),
                 "upsample_linear2d: x is a null view of size 2 x 4 x 4 x 4");
  EXPECT_EQ(this->get(memory), std::vector<float>(4096, 7.0f)) << "nothing was written";
  upsample_nearest2d(e, tensor(static_cast<const float*>(nullptr), {0, 4, 4, 4}),
                     tensor(static_cast<float*>(nullptr), {0, 8, 8, 4}));
  upsample_linear2d_gradient(e, tensor(static_cast<const float*>(nullptr), {2, 4, 4, 0}),
                             tensor(static_cast<float*>(nullptr), {2, 8, 8, 0}));
}

#ifndef __CUDACC__  // no GPU is needed
// Each output of an element has a weight above 0, and each part of an output is found from its element.
TEST(linear_axis, finds_the_outputs_of_each_element) {
  for (int round = 0; round < 3000; ++round) {
    const int scale = round % 3 == 0 ? 8 : round % 3 == 1 ? 100 : 200'000'000;
    const int in = draw(1, scale), out = draw(1, scale);
    const tile::linear_axis axis(in, out, round % 2 == 0);
    const int o = draw(0, 1) ? draw(0, out - 1) : draw(0, 1) ? 0 : out - 1;
    const auto sample = axis.sample<double>(o);
    ASSERT_GE(sample.lower, 0);
    ASSERT_LE(sample.lower + sample.count() - 1, in - 1) << in << " to " << out << " at " << o;
    for (int k = 0; k < sample.count(); ++k) {
      const auto outputs = axis.outputs_at(sample.lower + k);
      ASSERT_TRUE(outputs.first <= o && o < outputs.first + outputs.count) << in << " to " << out << " at " << o;
      ASSERT_EQ(axis.weight<double>(o, sample.lower + k), sample.weight(k));
    }
    const int i = draw(0, in - 1);
    const auto outputs = axis.outputs_at(i);
    ASSERT_TRUE(outputs.first >= 0 && outputs.first + outputs.count <= out);
    for (const int at :
         {outputs.first - 1, outputs.first, outputs.first + outputs.count - 1, outputs.first + outputs.count})
      if (at >= 0 && at < out) {
        const bool is_inside = at >= outputs.first && at < outputs.first + outputs.count;
        ASSERT_EQ(axis.weight<double>(at, i) > 0, is_inside) << in << " to " << out << ": " << at << " of " << i;
      }
  }
}
TEST(nearest_axis, finds_the_outputs_of_each_element) {
  for (int round = 0; round < 3000; ++round) {
    const int scale = round % 3 == 0 ? 8 : round % 3 == 1 ? 100 : 2'000'000'000;
    const int in = draw(1, scale), out = draw(1, scale), o = draw(0, out - 1);
    const tile::nearest_axis axis(in, out);
    const int i = axis.elements(o).first;
    ASSERT_EQ(i, std::int64_t{o} * in / out);
    const auto outputs = axis.outputs_at(i);
    ASSERT_TRUE(outputs.first <= o && o < outputs.first + outputs.count) << in << " to " << out << " at " << o;
    ASSERT_EQ(axis.outputs_at(in - 1).first + axis.outputs_at(in - 1).count, out);
    ASSERT_EQ(axis.outputs_at(0).first, 0);
    if (i + 1 < in) {
      ASSERT_EQ(axis.outputs_at(i + 1).first, outputs.first + outputs.count);
    }
  }
}
#endif

}  // namespace
