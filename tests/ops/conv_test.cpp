// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution in one, two and three dimensions, forward and both gradients, on each executor: equal to the reference on
// whole numbers, for drawn problems, types, memory orders, residue classes, groups, edges, and factors.
#include "tests/conv_calls.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class Executor>
class conv_on : public on_executor<Executor> {
public:
  /// How many drawn problems the executor checks: the virtual GPU is slow.
  static constexpr int drawn_problems = Executor::uses_cpu_kernels ? 60 : 6;
};
TYPED_TEST_SUITE(conv_on, executors);

/// A 2-D problem with square extents.
conv_case square(int extent, int channels, int filters, int taps, int stride, int padding) {
  conv_case p;
  p.channels = channels, p.filters = filters;
  p.in = {1, extent, extent}, p.taps = {1, taps, taps}, p.stride = {1, stride, stride};
  p.before = p.after = {0, padding, padding};
  return p;
}
/// A 1-D problem.
conv_case line(int extent, int channels, int filters, int taps, int stride, int dilation, int before, int after) {
  conv_case p;
  p.rank = 1, p.channels = channels, p.filters = filters;
  p.in = {1, 1, extent}, p.taps = {1, 1, taps}, p.stride = {1, 1, stride}, p.dilation = {1, 1, dilation};
  p.before = {0, 0, before}, p.after = {0, 0, after};
  return p;
}

TYPED_TEST(conv_on, equals_the_sums_of_drawn_problems) {
  for (int i = 0; i < TestFixture::drawn_problems; ++i) {
    check_conv<1, float, float>(*this, draw_conv(1, {.extent = 20}));
    check_conv<2, float, float>(*this, draw_conv(2));
    check_conv<3, float, float>(*this, draw_conv(3, {.channels = 9, .filters = 9, .extent = 5, .taps = 3}));
  }
}

// Channels that packs divide: the aligned kernels, if the channels are contiguous.
TYPED_TEST(conv_on, takes_each_memory_order) {
  for (const int stride : {1, 2})
    for (const image_order how : image_orders) {
      const conv_case p = square(7, 16, 24, 3, stride, 1);
      check_conv<2, float, float>(*this, p, all_in(how));
      check_conv<2, bf16, float>(*this, p, all_in(how));
    }
}

TYPED_TEST(conv_on, sums_each_type) {
  const bool has_tf32 = TypeParam::uses_cpu_kernels || has_features(this->executor.target(), features::mma_tf32);
  for (const conv_case& p : {square(6, 8, 16, 3, 1, 1), square(5, 32, 8, 2, 2, 0), draw_conv(2)})
    for (const conv_orders& how : {all_in(image_order::channels_last), conv_orders()}) {
      check_conv<2, double, double>(*this, p, how);
      if (has_tf32) check_conv<2, tf32, float>(*this, p, how);
      check_conv<2, half, half>(*this, p, how);
      check_conv<2, bf16, float>(*this, p, how);
    }
}

// Every pair of stride and dilation: classes of coordinates that no tap reaches, and classes with fewer taps.
TYPED_TEST(conv_on, skips_the_zeros_of_strided_data_gradients) {
  for (int stride = 1; stride <= 4; ++stride)
    for (int dilation = 1; dilation <= 4; ++dilation) {
      check_data_gradient<1, float, float>(*this, line(13, 8, 8, 3, stride, dilation, 3, 2), {}, {.beta = -2});
      check_data_gradient<1, half, half>(*this, line(17, 16, 8, 5, stride, dilation, 0, 4),
                                         all_in(image_order::channels_last));
    }
  auto p = square(5, 8, 8, 1, 2, 0);  // a filter that reaches every fourth pixel
  check_data_gradient<2, float, float>(*this, p, {}, {.beta = 3});
  p.stride = {1, 1, 3}, p.dilation = {1, 2, 3}, p.taps = {1, 2, 2};
  check_data_gradient<2, float, float>(*this, p);
}

TYPED_TEST(conv_on, pads_more_than_the_filter_covers) {
  check_conv<1, float, float>(*this, line(1, 8, 8, 1, 1, 1, 3, 2));    // outputs that see no input
  check_conv<1, float, float>(*this, line(2, 3, 5, 2, 3, 1, 5, 4));    // and a stride above the filter
  check_conv<1, float, float>(*this, line(3, 5, 4, 4, 1, 3, 4, 4));    // a filter that is larger than the input
  check_conv<1, float, float>(*this, line(4, 8, 16, 4, 4, 1, 0, 0));   // one output
  check_conv<1, float, float>(*this, line(9, 4, 4, 3, 2, 1, 0, 3));    // only after
  check_conv<1, float, float>(*this, line(9, 4, 4, 3, 1, 2, 100, 0));  // far more than the input
}

// More taps than masks of 32 bits hold (tile/pixel_panel.hpp), and a filter of one image's size.
TYPED_TEST(conv_on, takes_filters_of_any_size) {
  check_conv<1, float, float>(*this, line(50, 4, 8, 37, 1, 1, 5, 6), all_in(image_order::channels_last));
  auto p = square(6, 8, 8, 6, 1, 2);
  check_conv<2, float, float>(*this, p, all_in(image_order::channels_last));
  p.in = {3, 3, 29}, p.taps = {2, 2, 28}, p.before = p.after = 0, p.channels = p.filters = 4, p.rank = 3;
  check_conv<3, float, float>(*this, p, all_in(image_order::channels_last));
}

TYPED_TEST(conv_on, keeps_groups_apart) {
  auto p = square(6, 32, 16, 3, 1, 1);
  for (const int groups : {2, 4, 16}) {
    p.groups = groups;
    check_conv<2, float, float>(*this, p, all_in(image_order::channels_last));
    check_conv<2, half, half>(*this, p);
  }
  // depthwise, with one and with two filters a channel
  for (const int filters : {24, 48})
    for (const int stride : {1, 2}) {
      auto depthwise = square(9, 24, filters, 3, stride, 1);
      depthwise.groups = 24, depthwise.images = 2;
      check_conv<2, float, float>(*this, depthwise, all_in(image_order::channels_last));
      check_conv<2, half, half>(*this, depthwise);
    }
}

TYPED_TEST(conv_on, takes_few_channels) {
  for (const int channels : {1, 3, 4})
    for (const image_order how : {image_order::channels_last, image_order::channels_first}) {
      check_conv<2, float, float>(*this, square(11, channels, 16, 7, 2, 3), all_in(how));
      check_conv<2, half, half>(*this, square(9, channels, 8, 3, 1, 1), all_in(how));
    }
}

// Small outputs of long sums: blocks share the tiles along k.
TYPED_TEST(conv_on, shares_long_sums) {
  check_forward<2, float, float>(*this, square(3, 256, 8, 3, 1, 0), all_in(image_order::channels_last));
  check_data_gradient<2, float, float>(*this, square(3, 8, 256, 3, 1, 2), all_in(image_order::channels_last));
  auto p = square(24, 8, 8, 3, 1, 1);
  p.images = 2;
  check_weight_gradient<2, float, float>(*this, p, all_in(image_order::channels_last), {.beta = 1});
  check_weight_gradient<2, half, half>(*this, p, all_in(image_order::channels_last));
}

TYPED_TEST(conv_on, scales_and_accumulates) {
  for (int i = 0; i < 3; ++i) {
    check_conv<2, float, float>(*this, draw_conv(2), {}, {.alpha = -0.5, .beta = 2});
    check_conv<2, bf16, float>(*this, draw_conv(2), {}, {.beta = 1});
    check_conv<2, half, half>(*this, draw_conv(2), {}, {.alpha = 2, .beta = -1});
  }
}

// As in a GEMM: with alpha = 0 neither operand is read, with beta = 0 the output is not.
TYPED_TEST(conv_on, does_not_read_its_operands_where_alpha_is_0) {
  auto p = square(5, 8, 8, 3, 2, 1);
  const auto nan = [&](const conv_case::extents& extents) {
    return place_images<4>(*this, std::vector<float>(size_of(extents), NAN), extents, image_order::channels_last);
  };
  for (const double beta : {0.0, 0.5}) {
    const auto twos = [&](const conv_case::extents& extents) {
      return place_images<4>(*this, std::vector<float>(size_of(extents), beta == 0 ? NAN : 2), extents,
                             image_order::channels_last);
    };
    const gemm_factors f{.alpha = 0, .beta = beta};
    const auto x = nan(p.x()), w = nan(p.w()), dy = nan(p.y());
    const auto y = twos(p.y()), dx = twos(p.x()), dw = twos(p.w());
    conv2d(this->executor, x.read(), w.read(), y.view, options_of<2>(p), epilogue::none(), f);
    conv2d_data_gradient(this->executor, dy.read(), w.read(), dx.view, options_of<2>(p), epilogue::none(), f);
    conv2d_weight_gradient(this->executor, x.read(), dy.read(), dw.view, options_of<2>(p), epilogue::none(), f);
    for (const auto* output : {&y, &dx, &dw})
      EXPECT_EQ(gather(*this, *output), std::vector<float>(output->view.size(), static_cast<float>(2 * beta)));
  }
}

// A NaN of x, of dy or of w reaches the sums that it has a part in, and no other.
TYPED_TEST(conv_on, propagates_nan_to_the_sums_that_have_it) {
  const conv_case p = square(6, 8, 8, 3, 2, 1);
  const whole_numbers<float> x(size_of(p.x())), w(size_of(p.w())), dy(size_of(p.y()));
  const auto last = image_order::channels_last;
  const std::size_t bad = index_in(p.x(), {0, 0, 3, 2, 5}), bad_dy = index_in(p.y(), {0, 0, 1, 2, 3});
  std::vector<bool> in_y(size_of(p.y())), in_dw(size_of(p.w())), in_dx(size_of(p.x()));
  each_product(p, [&](std::size_t i, std::size_t j, std::size_t o) {
    if (i == bad) in_y[o] = in_dw[j] = true;
    if (o == bad_dy) in_dx[i] = true;
  });
  auto x_values = x.values, dy_values = dy.values;
  x_values[bad] = NAN, dy_values[bad_dy] = NAN;
  const auto at = [&](const std::vector<float>& values, const conv_case::extents& extents) {
    return place_images<4>(*this, values, extents, last);
  };
  const auto x_at = at(x_values, p.x()), w_at = at(w.values, p.w()), dy_at = at(dy_values, p.y()),
             good_dy = at(dy.values, p.y());
  const auto y = at(std::vector<float>(size_of(p.y())), p.y()), dx = at(std::vector<float>(size_of(p.x())), p.x()),
             dw = at(std::vector<float>(size_of(p.w())), p.w());
  conv2d(this->executor, x_at.read(), w_at.read(), y.view, options_of<2>(p));
  conv2d_data_gradient(this->executor, dy_at.read(), w_at.read(), dx.view, options_of<2>(p));
  conv2d_weight_gradient(this->executor, x_at.read(), good_dy.read(), dw.view, options_of<2>(p));
  const auto compare = [&](const auto& output, const std::vector<bool>& want) {
    const auto got = gather(*this, output);
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(std::isnan(got[i]), want[i]) << i;
  };
  compare(y, in_y), compare(dx, in_dx), compare(dw, in_dw);
}

// No images: y and dx have no elements, and dw is beta times what it was.
TYPED_TEST(conv_on, of_no_images_is_a_sum_over_nothing) {
  auto p = square(5, 8, 8, 3, 1, 1);
  p.images = 0;
  for (const image_order how : {image_order::channels_last, image_order::spread}) {
    check_conv<2, float, float>(*this, p, all_in(how));
    check_weight_gradient<2, float, float>(*this, p, all_in(how), {.beta = 1});
    check_weight_gradient<2, half, half>(*this, p, all_in(how), {.beta = -0.5});
  }
}

// <y, dy> = <x, dx> = <w, dw>: the gradients are those of the convolution.
TYPED_TEST(conv_on, has_gradients_that_are_adjoint_to_it) {
  for (int i = 0; i < (TypeParam::uses_cpu_kernels ? 20 : 3); ++i) {
    const conv_case p = draw_conv(2);
    const conv_orders how;
    const whole_numbers<float> x(size_of(p.x())), w(size_of(p.w())), dy(size_of(p.y()));
    const auto x_at = place_images<4>(*this, x.values, p.x(), how.x),
               w_at = place_images<4>(*this, w.values, p.w(), how.w),
               dy_at = place_images<4>(*this, dy.values, p.y(), how.y);
    const auto dx = place_images<4>(*this, x.values, p.x(), how.x), dw = place_images<4>(*this, w.values, p.w(), how.w),
               y = place_images<4>(*this, dy.values, p.y(), how.y);
    conv2d(this->executor, x_at.read(), w_at.read(), y.view, options_of<2>(p));
    conv2d_data_gradient(this->executor, dy_at.read(), w_at.read(), dx.view, options_of<2>(p));
    conv2d_weight_gradient(this->executor, x_at.read(), dy_at.read(), dw.view, options_of<2>(p));
    const double of_y = inner_product(as_doubles(gather(*this, y)), dy.exact);
    EXPECT_EQ(inner_product(x.exact, as_doubles(gather(*this, dx))), of_y) << p.text() << how.text();
    EXPECT_EQ(inner_product(w.exact, as_doubles(gather(*this, dw))), of_y) << p.text() << how.text();
  }
}

/// Sums of bytes, stored as s32, or scaled to f32 or to bytes again.
TYPED_TEST(conv_on, sums_bytes_exactly) {
  if (!TypeParam::uses_cpu_kernels && !has_features(this->executor.target(), features::mma_s8))
    GTEST_SKIP() << "the tensor cores of a later arch are needed";
  for (const conv_case& p : {square(6, 32, 16, 3, 1, 1), square(5, 16, 8, 3, 2, 1), draw_conv(2)})
    for (const conv_orders& how : {all_in(image_order::channels_last), conv_orders()}) {
      const auto check = [&]<class R>(gemm_factors f) {
        const whole_numbers<int8> x(size_of(p.x()), 127), w(size_of(p.w()), 127);
        const auto x_at = place_images<4>(*this, x.values, p.x(), how.x),
                   w_at = place_images<4>(*this, w.values, p.w(), how.w);
        const auto y = place_images<4>(*this, std::vector<R>(size_of(p.y())), p.y(), how.y);
        conv2d(this->executor, x_at.read(), w_at.read(), y.view, options_of<2>(p), epilogue::none(), f);
        auto want = conv_of(p, x.exact, w.exact);
        const double scale = f.alpha * (f.scale_a == 0 ? 1 : f.scale_a * f.scale_b) * f.scale_c;
        for (double& sum : want) {
          sum *= scale;
          if (std::is_same_v<R, int8>) sum = std::clamp(std::nearbyint(sum), -128.0, 127.0);
        }
        expect_equal(as_doubles(gather(*this, y)), want, about<int8, R>("y", p, how));
      };
      check.template operator()<std::int32_t>({.alpha = -3});
      check.template operator()<float>({.scale_a = 0x1p-5, .scale_b = 0.5});
      check.template operator()<int8>({.scale_a = 0x1p-7, .scale_b = 0.25, .scale_c = 0.5});
    }
}

}  // namespace
