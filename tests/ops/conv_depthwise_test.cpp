// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Depthwise convolutions in all directions, on each executor: equal to the reference on whole numbers, for every kernel
// of the tables, with epilogues, and with the caller's policies; and the tables, the rules and the refusals.
#include "tests/conv_calls.hpp"

#include <tilery/validate.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// Images of 2 x height x width x channels with a square filter that keeps their extents at a stride of 1.
conv_case depthwise_square(int channels, int height, int width, int taps, int stride = 1) {
  conv_case p;
  p.images = 2, p.channels = p.filters = p.groups = channels;
  p.in = {1, height, width}, p.taps = {1, taps, taps}, p.stride = {1, stride, stride};
  p.before = p.after = {0, taps / 2, taps / 2};
  return p;
}
conv_case draw_depthwise(int rank, int channels) {
  conv_case p = draw_conv(rank, {.extent = rank == 3 ? 6 : 12, .taps = rank == 3 ? 3 : 7});
  p.channels = p.groups = channels;
  p.filters = channels * (draw(0, 3) ? 1 : draw(2, 3));
  if (draw(0, 1)) p.stride.of[2] = p.dilation.of[2] = 1;
  if (p.out(2) == 0) p.in.of[2] += p.dilation[2] * p.taps[2];
  return p;
}

template <class Executor>
class conv_depthwise_on : public on_executor<Executor> {};
TYPED_TEST_SUITE(conv_depthwise_on, executors);

TYPED_TEST(conv_depthwise_on, is_right_for_every_kernel) {
  const auto aligned = all_in(image_order::channels_last);
  for (const int taps : {3, 5, 7, 4}) {
    // Strips of which the last one is not full, at the left and at the right edge; more channels than a block's.
    const auto p = depthwise_square(40, taps == 7 ? 3 : 5, 16, taps), narrow = depthwise_square(16, 4, 5, taps);
    check_conv<2, float, float>(*this, p, aligned, {.alpha = 2, .beta = -1});
    check_conv<2, float, float>(*this, narrow, aligned);
    check_conv<2, double, double>(*this, narrow, aligned);
    check_conv<2, bf16, float>(*this, narrow, aligned, {.beta = 1});
    check_conv<2, half, half>(*this, narrow, aligned);
  }
  for (const image_order how : image_orders)
    check_conv<2, float, float>(*this, depthwise_square(12, 4, 9, 3), all_in(how));
  check_conv<2, bf16, bf16>(*this, depthwise_square(9, 4, 5, 3), {});
}

// The CPU keeps square filters in registers: bands and blocks that are cut by each border, padding from none to more
// than the filter, tails of channels, and a single pixel.
TYPED_TEST(conv_depthwise_on, is_right_for_square_filters) {
  const auto aligned = all_in(image_order::channels_last);
  for (const int stride : {1, 2})
    for (const int padding : {0, 1, 2, 4}) {
      auto p = depthwise_square(stride == 1 ? 40 : 19, 6 + padding % 2, 9 - padding / 2, 3, stride);
      p.before = {0, padding, 4 - padding}, p.after = {0, 4 - padding, padding}, p.flipped = padding == 2;
      check_conv<2, float, float>(*this, p, aligned, {.alpha = 2, .beta = padding == 1 ? -1.0 : 0.0});
      check_conv<2, bf16, float>(*this, p, aligned);
      p.before = p.after = {0, 1, 1}, p.in = {1, 1 + padding % 2, 1 + padding / 2};
      check_conv<2, double, double>(*this, p, aligned, {.beta = 1});
      check_conv<2, float, float>(*this, depthwise_square(33, 5, 40 + padding, 3, stride), {});
    }
  for (const int width : {1, 6, 13, 30}) {
    auto p = depthwise_square(20, width == 1 ? 1 : width / 4 + 2, width, 7);
    check_conv<2, float, float>(*this, p, aligned, {.alpha = -1});
    p.before = {0, 1, 5}, p.after = {0, 6, 2}, p.flipped = true;
    check_conv<2, half, half>(*this, p, aligned, {.beta = 1});
  }
}

// An epilogue sums the channels of rows that are longer than the sums of one lane.
TYPED_TEST(conv_depthwise_on, sums_the_channels_of_wide_images) {
  for (const int stride : {1, 2}) {
    const auto p = depthwise_square(16, 3, 150, 3, stride);
    const auto how = all_in(image_order::channels_last);
    const whole_numbers<float> x(size_of(p.x())), w(size_of(p.w())), dy(size_of(p.y()));
    const auto w_at = place_images<4>(*this, w.values, p.w(), how.w);
    const buffer<float> of_y(this->executor, 16), of_dx(this->executor, 16);
    conv2d(this->executor, place_images<4>(*this, x.values, p.x(), how.x).read(), w_at.read(),
           place_images<4>(*this, dy.values, p.y(), how.y).view, options_of<2>(p), epilogue::bias_gradient(of_y));
    conv2d_data_gradient(this->executor, place_images<4>(*this, dy.values, p.y(), how.y).read(), w_at.read(),
                         place_images<4>(*this, x.values, p.x(), how.x).view, options_of<2>(p),
                         epilogue::bias_gradient(of_dx));
    std::vector<double> y(16), dx(16);
    const auto all_y = conv_of(p, x.exact, w.exact), all_dx = data_gradient_of(p, dy.exact, w.exact);
    for (std::size_t i = 0; i < all_y.size(); ++i) y[i % 16] += all_y[i];
    for (std::size_t i = 0; i < all_dx.size(); ++i) dx[i % 16] += all_dx[i];
    expect_equal(as_doubles(this->get(of_y)), y, "the sums of the channels of y");
    expect_equal(as_doubles(this->get(of_dx)), dx, "the sums of the channels of dx");
  }
}

TYPED_TEST(conv_depthwise_on, strides_dilates_and_flips) {
  const auto aligned = all_in(image_order::channels_last);
  for (const int stride : {2, 3}) {
    check_conv<2, float, float>(*this, depthwise_square(16, 7, 18, 3, stride), aligned);
    check_conv<2, half, half>(*this, depthwise_square(16, 5, 11, 5, stride), aligned);
  }
  auto p = depthwise_square(16, 7, 15, 3);
  p.dilation = {1, 2, 3}, p.before = {0, 2, 4}, p.after = {0, 2, 0}, p.flipped = true;
  check_conv<2, float, float>(*this, p, aligned);
  p.stride = {1, 2, 6}, p.flipped = false;  // residue classes that no tap reaches
  check_conv<2, float, float>(*this, p, aligned, {.beta = 1});
  p = depthwise_square(8, 3, 12, 7);
  p.flipped = true;
  check_conv<2, float, float>(*this, p, aligned);
  p = depthwise_square(8, 20, 20, 1, 9);  // a stride above the walk's residue classes: the grouped GEMM
  check_data_gradient<2, float, float>(*this, p, aligned);
}

TYPED_TEST(conv_depthwise_on, convolves_in_one_and_three_dimensions) {
  const auto aligned = all_in(image_order::channels_last);
  conv_case causal;
  causal.rank = 1, causal.images = 2, causal.channels = causal.filters = causal.groups = 24;
  causal.in = {1, 1, 30}, causal.taps = {1, 1, 4}, causal.before = {0, 0, 3};
  check_conv<1, float, float>(*this, causal, aligned);
  check_conv<1, bf16, bf16>(*this, causal, {});
  conv_case volume;
  volume.rank = 3, volume.channels = volume.filters = volume.groups = 16;
  volume.in = {4, 3, 8}, volume.taps = 3, volume.before = volume.after = 1;
  check_conv<3, float, float>(*this, volume, aligned);
  volume.stride = 2;
  check_conv<3, float, float>(*this, volume, aligned);
  auto large = depthwise_square(8, 4, 12, 9);  // more taps than a block of a GPU copies to shared memory
  check_conv<2, float, float>(*this, large, aligned);
}

TYPED_TEST(conv_depthwise_on, is_right_for_drawn_problems) {
  for (int i = 0; i < 12; ++i) {
    const int counts[] = {2, 3, 8, 12, 16, 24, 33, 40};
    check_conv<1, float, float>(*this, draw_depthwise(1, counts[draw(0, 7)]));
    check_conv<2, float, float>(*this, draw_depthwise(2, counts[draw(0, 7)]));
    check_conv<2, float, float>(*this, draw_depthwise(2, 16), all_in(image_order::channels_last));
    check_conv<3, float, float>(*this, draw_depthwise(3, counts[draw(0, 4)]), {}, {.beta = 2});
  }
}

TYPED_TEST(conv_depthwise_on, applies_epilogues) {
  const auto p = depthwise_square(16, 6, 9, 3);
  const auto how = all_in(image_order::channels_last);
  const whole_numbers<float> x(size_of(p.x())), w(size_of(p.w())), bias(16), residual(size_of(p.y()));
  const auto x_at = place_images<4>(*this, x.values, p.x(), how.x),
             w_at = place_images<4>(*this, w.values, p.w(), how.w);
  const auto y_at = place_images<4>(*this, std::vector<float>(size_of(p.y()), gap<float>()), p.y(), how.y);
  const auto bias_at = this->put(bias.values), residual_at = this->put(residual.values);
  const buffer<float> sums(this->executor, 16);
  const int rows = static_cast<int>(size_of(p.y()) / 16);
  conv2d(this->executor, x_at.read(), w_at.read(), y_at.view, options_of<2>(p),
         epilogue::bias(bias_at) | epilogue::residual(matrix(residual_at.data_handle(), rows, 16)) | epilogue::relu() |
             epilogue::bias_gradient(sums));
  auto want = conv_of(p, x.exact, w.exact);
  std::vector<double> totals(16);
  for (std::size_t i = 0; i < want.size(); ++i) {
    want[i] = std::max(0.0, want[i] + bias.exact[i % 16] + residual.exact[i]);
    totals[i % 16] += want[i];
  }
  expect_equal(as_doubles(gather(*this, y_at)), want, "bias, residual and relu");
  expect_equal(as_doubles(this->get(sums)), totals, "the sums of the channels");

  // dx = relu'(x) of the data gradient, and the sums of its channels; dw with a term for each filter.
  const auto dx_at = place_images<4>(*this, std::vector<float>(size_of(p.x()), gap<float>()), p.x(), how.x);
  const auto dense = this->put(x.values);
  conv2d_data_gradient(this->executor, y_at.read(), w_at.read(), dx_at.view, options_of<2>(p),
                       epilogue::times_gradient<activation::relu>(matrix(dense.data_handle(), rows, 16)) |
                           epilogue::bias_gradient(sums));
  auto dx = data_gradient_of(p, want, w.exact);
  std::fill(totals.begin(), totals.end(), 0);
  for (std::size_t i = 0; i < dx.size(); ++i) totals[i % 16] += dx[i] = x.exact[i] > 0 ? dx[i] : 0;
  expect_equal(as_doubles(gather(*this, dx_at)), dx, "the gradient of a relu");
  expect_equal(as_doubles(this->get(sums)), totals, "the sums of its channels");

  const auto dw_at = place_images<4>(*this, std::vector<float>(size_of(p.w()), gap<float>()), p.w(), how.w);
  const buffer<float> tap_sums(this->executor, 9);
  conv2d_weight_gradient(this->executor, x_at.read(), x_at.read(), dw_at.view, options_of<2>(p),
                         epilogue::row_bias(bias_at) | epilogue::bias_gradient(tap_sums));
  auto dw = weight_gradient_of(p, x.exact, x.exact);
  std::vector<double> taps(9);
  for (std::size_t i = 0; i < dw.size(); ++i) taps[i % 9] += dw[i] += bias.exact[i / 9];
  expect_equal(as_doubles(gather(*this, dw_at)), dw, "a term for each filter");
  expect_equal(as_doubles(this->get(tap_sums)), taps, "the sums of the taps");
}

// <y, dy> = <x, dx> = <w, dw>: the three directions are one trilinear form.
TYPED_TEST(conv_depthwise_on, has_adjoint_gradients) {
  for (int i = 0; i < 4; ++i) {
    const auto p = draw_depthwise(2, 16);
    const auto how = all_in(image_order::channels_last);
    const whole_numbers<float> x(size_of(p.x())), w(size_of(p.w())), dy(size_of(p.y()));
    const auto x_at = place_images<4>(*this, x.values, p.x(), how.x),
               w_at = place_images<4>(*this, w.values, p.w(), how.w),
               dy_at = place_images<4>(*this, dy.values, p.y(), how.y);
    const auto y_at = place_images<4>(*this, dy.values, p.y(), how.y),
               dx_at = place_images<4>(*this, x.values, p.x(), how.x),
               dw_at = place_images<4>(*this, w.values, p.w(), how.w);
    conv2d(this->executor, x_at.read(), w_at.read(), y_at.view, options_of<2>(p));
    conv2d_data_gradient(this->executor, dy_at.read(), w_at.read(), dx_at.view, options_of<2>(p));
    conv2d_weight_gradient(this->executor, x_at.read(), dy_at.read(), dw_at.view, options_of<2>(p));
    const double of_y = inner_product(as_doubles(gather(*this, y_at)), dy.exact);
    EXPECT_EQ(of_y, inner_product(as_doubles(gather(*this, dx_at)), x.exact)) << p.text();
    EXPECT_EQ(of_y, inner_product(as_doubles(gather(*this, dw_at)), w.exact)) << p.text();
  }
}

// A pixel with an infinity reaches the taps that read it, and no others: a strip that is not full multiplies nothing.
TYPED_TEST(conv_depthwise_on, keeps_infinities_where_they_belong) {
  auto p = depthwise_square(16, 1, 11, 3);
  p.images = 1, p.taps = {1, 1, 3}, p.before = p.after = 0;  // y has 9 pixels
  whole_numbers<float> x(size_of(p.x())), dy(size_of(p.y()));
  for (int c = 0; c < 16; ++c) x.values[10 * 16 + c] = INFINITY, dy.values[8 * 16 + c] = 1;
  const auto how = all_in(image_order::channels_last);
  const auto x_at = place_images<4>(*this, x.values, p.x(), how.x),
             dy_at = place_images<4>(*this, dy.values, p.y(), how.y);
  const auto dw_at = place_images<4>(*this, std::vector<float>(size_of(p.w())), p.w(), how.w);
  conv2d_weight_gradient(this->executor, x_at.read(), dy_at.read(), dw_at.view, options_of<2>(p));
  const auto dw = gather(*this, dw_at);
  for (int i = 0; i < 48; ++i) EXPECT_EQ(std::isfinite(dw[i]), i % 3 != 2) << i;

  // The same in a square: bands and blocks that are not full, and the pixel that no other tap reads.
  for (const int stride : {1, 2}) {
    auto square = depthwise_square(16, 3 + 2 * stride, 3 + 4 * stride, 3, stride);  // y has 3 x 5 pixels
    square.images = 1, square.before = square.after = 0;
    whole_numbers<float> pixels(size_of(square.x())), gradients(size_of(square.y()));
    for (int c = 0; c < 16; ++c) pixels.values[pixels.values.size() - 16 + c] = INFINITY;
    for (int c = 0; c < 16; ++c) gradients.values[gradients.values.size() - 16 + c] = 1;
    const auto from = place_images<4>(*this, pixels.values, square.x(), how.x),
               by = place_images<4>(*this, gradients.values, square.y(), how.y);
    const auto to = place_images<4>(*this, std::vector<float>(size_of(square.w())), square.w(), how.w);
    conv2d_weight_gradient(this->executor, from.read(), by.read(), to.view, options_of<2>(square));
    const auto taps = gather(*this, to);
    for (int i = 0; i < 144; ++i) EXPECT_EQ(std::isfinite(taps[i]), i % 9 != 8) << i;
  }
}

TYPED_TEST(conv_depthwise_on, takes_empty_batches_and_zero_factors) {
  auto p = depthwise_square(16, 4, 6, 3);
  check_forward<2, float, float>(*this, p, all_in(image_order::channels_last), {.alpha = 0, .beta = 2});
  check_data_gradient<2, float, float>(*this, p, all_in(image_order::channels_last), {.alpha = 0});
  check_weight_gradient<2, float, float>(*this, p, all_in(image_order::channels_last), {.alpha = 0, .beta = 1});
  p.images = 0;
  check_conv<2, float, float>(*this, p, all_in(image_order::channels_last), {.beta = 3});
}

TYPED_TEST(conv_depthwise_on, runs_the_callers_policy_or_says_why_not) {
  constexpr bool on_cpu = TypeParam::uses_cpu_kernels;
  constexpr depthwise_policy mine = on_cpu ? depthwise_policy{.threads = 1,
                                                              .channel_lanes = 1,
                                                              .vector = 8,
                                                              .packs = 2,
                                                              .width = 3,
                                                              .strip = 5,
                                                              .rows = 2,
                                                              .strips = 3,
                                                              .lowest = arch::cpu}
                                           : depthwise_policy{.threads = 64,
                                                              .channel_lanes = 2,
                                                              .vector = 4,
                                                              .width = 3,
                                                              .strip = 5,
                                                              .rows = 2,
                                                              .strips = 3};
  constexpr depthwise_weight_policy sums = on_cpu ? depthwise_weight_policy{.threads = 1,
                                                                            .channel_lanes = 1,
                                                                            .vector = 8,
                                                                            .width = 2,
                                                                            .tap_rows = 2,
                                                                            .strip = 3,
                                                                            .rows = 1,
                                                                            .strips = 1,
                                                                            .lowest = arch::cpu}
                                                  : depthwise_weight_policy{.threads = 64,
                                                                            .channel_lanes = 4,
                                                                            .vector = 2,
                                                                            .width = 2,
                                                                            .tap_rows = 2,
                                                                            .strip = 3,
                                                                            .rows = 4,
                                                                            .strips = 1};
  const auto p = depthwise_square(24, 5, 13, 3);
  const auto how = all_in(image_order::channels_last);
  const whole_numbers<float> x(size_of(p.x())), w(size_of(p.w()));
  const auto x_at = place_images<4>(*this, x.values, p.x(), how.x),
             w_at = place_images<4>(*this, w.values, p.w(), how.w),
             y_at = place_images<4>(*this, x.values, p.y(), how.y),
             dw_at = place_images<4>(*this, w.values, p.w(), how.w);
  const auto o = options_of<2>(p);
  conv2d<mine>(this->executor, x_at.read(), w_at.read(), y_at.view, o);
  expect_equal(as_doubles(gather(*this, y_at)), conv_of(p, x.exact, w.exact), "y of the caller's policy");
  conv2d_weight_gradient<sums>(this->executor, x_at.read(), x_at.read(), dw_at.view, o);
  expect_equal(as_doubles(gather(*this, dw_at)), weight_gradient_of(p, x.exact, x.exact), "dw of the caller's policy");

  const auto& on = this->executor;
  auto other = o;
  other.dilation = {1, 2}, other.padding = other.padding_after = {1, 2};
  EXPECT_REFUSED(
      conv2d<mine>(on, x_at.read(), w_at.read(), y_at.view, other),
      "conv2d: width must be the filter's taps along the width, with a stride and a dilation of 1; width = 0 "
      "serves all");
  EXPECT_REFUSED(conv2d_weight_gradient<mine>(on, x_at.read(), x_at.read(), dw_at.view, o),
                 "conv2d_weight_gradient: a weight gradient needs a depthwise_weight_policy");
  EXPECT_REFUSED(conv2d<sums>(on, x_at.read(), w_at.read(), y_at.view, o),
                 "conv2d: only a weight gradient takes a depthwise_weight_policy");
  const auto first = place_images<4>(*this, x.values, p.x(), image_order::channels_first);
  EXPECT_REFUSED(conv2d<mine>(on, first.read(), w_at.read(), y_at.view, o),
                 "conv2d: the channels of the images are not contiguous; vector = 1 serves them");
  if (!on_cpu) {
    const auto odd = place_images<4>(*this, x.values, p.x(), image_order::odd);
    EXPECT_REFUSED(conv2d<mine>(on, odd.read(), w_at.read(), y_at.view, o),
                   "conv2d: the channels of the images are not whole packs at aligned addresses; vector = 1 serves "
                   "them");
  }
  auto dense = o;
  dense.groups = 1;
  const auto whole = place_images<4>(*this, std::vector<float>(24 * 9 * 24), {24, 1, 3, 3, 24}, how.w);
  EXPECT_REFUSED(conv2d<mine>(on, x_at.read(), whole.read(), y_at.view, dense),
                 "conv2d: a depthwise policy needs groups of one channel, and several of them");
}

#ifndef __CUDACC__  // no GPU is needed
TEST(conv_depthwise, is_explained) {
  const tensor_view<const float, 4> x(nullptr, 2, 14, 14, 64), w(nullptr, 64, 3, 3, 1);
  const tensor_view<float, 4> y(nullptr, 2, 14, 14, 64);
  const conv_options<2> o{.padding = 1, .groups = 64};
  const virtual_gpu gpu(arch::sm_90);
  EXPECT_EQ(
      std::string(explain_conv2d(gpu, x, w, y, o).c_str()),
      "conv2d of 2 images of 14 x 14 x 64 with 64 filters of 3 x 3 x 1 in 64 groups (a product of 392 x 1 x 9) "
      "(f32) runs a depthwise kernel, strips of 7 pixels x 4 channels a lane, 32 channels and 128 strips a block "
      "of 128 threads: 3 taps along the width: each pixel is loaded once for them; tiles from the table's row for "
      "sm_75, not measured: computed from registers and from bytes in the L1 cache");
  EXPECT_NE(std::string(explain_conv2d_weight_gradient(cpu(1), x, y, w, o).c_str()).find("a depthwise weight gradient"),
            std::string::npos);
  constexpr depthwise_policy mine{.vector = 2, .width = 5};
  EXPECT_NE(std::string(explain_conv2d<mine>(gpu, x, w, y, o).c_str()).find("cannot run on a depthwise kernel"),
            std::string::npos);
}

TEST(conv_depthwise_on_cpu, has_the_same_bits_on_any_number_of_threads) {
  const int n = 4, side = 30, c = 48;
  for (const int stride : {1, 2})
    for (const int taps : {3, 7}) {
      const int out = (side - 1) / stride + 1, filters = c * taps * taps;
      const auto x = draw_values<float>(static_cast<std::size_t>(n) * side * side * c);
      const auto dy = draw_values<float>(static_cast<std::size_t>(n) * out * out * c);
      const conv_options<2> o{.stride = stride, .padding = taps / 2, .groups = c};
      const tensor_view<const float, 4> x_of(x.data(), n, side, side, c), dy_of(dy.data(), n, out, out, c);
      std::vector<float> once(static_cast<std::size_t>(filters)), again(once), sums(c), more(c);
      const auto run = [&](int threads, std::vector<float>& dw, std::vector<float>& db) {
        std::vector<float> dx(x.size());
        conv2d_weight_gradient(cpu(threads), x_of, dy_of, tensor_view<float, 4>(dw.data(), c, taps, taps, 1), o);
        conv2d_data_gradient(cpu(threads), dy_of, tensor_view<const float, 4>(dw.data(), c, taps, taps, 1),
                             tensor_view<float, 4>(dx.data(), n, side, side, c), o,
                             epilogue::bias_gradient(vector(db.data(), c)));
      };
      run(1, once, sums);
      for (const int threads : {2, 3, 7}) {
        run(threads, again, more);
        EXPECT_EQ(once, again) << threads;
        EXPECT_EQ(sums, more) << threads;
      }
    }
}

TEST(conv_depthwise_on_cpu, refuses_policies_for_another_square) {
  constexpr depthwise_policy three{.threads = 1,
                                   .channel_lanes = 1,
                                   .vector = 8,
                                   .packs = 2,
                                   .width = 3,
                                   .strip = 3,
                                   .rows = 1,
                                   .tap_rows = 3,
                                   .stride = 2,
                                   .lowest = arch::cpu};
  constexpr depthwise_weight_policy
      sums{.threads = 1, .channel_lanes = 1, .vector = 8, .strip = 3, .rows = 1, .stride = 2, .lowest = arch::cpu};
  const auto p = depthwise_square(21, 5, 13, 3, 2);
  const whole_numbers<float> x(size_of(p.x())), w(size_of(p.w())), dy(size_of(p.y()));
  const tensor_view<const float, 4> x_of(x.values.data(), 2, 5, 13, 21), w_of(w.values.data(), 21, 3, 3, 1),
      dy_of(dy.values.data(), 2, 3, 7, 21);
  std::vector<float> y(dy.values.size()), dx(x.values.size()), dw(w.values.size());
  const tensor_view<float, 4> y_of(y.data(), 2, 3, 7, 21), dx_of(dx.data(), 2, 5, 13, 21),
      dw_of(dw.data(), 21, 3, 3, 1);
  auto o = options_of<2>(p);
  const cpu on(2);
  conv2d<three>(on, x_of, w_of, y_of, o);
  expect_equal(as_doubles(y), conv_of(p, x.exact, w.exact), "y of the caller's policy");
  conv2d_data_gradient<three>(on, dy_of, w_of, dx_of, o);
  expect_equal(as_doubles(dx), data_gradient_of(p, dy.exact, w.exact), "dx of the caller's policy");
  conv2d_weight_gradient<sums>(on, x_of, dy_of, dw_of, o);
  expect_equal(as_doubles(dw), weight_gradient_of(p, x.exact, dy.exact), "dw of the caller's policy");

  const tensor_view<const float, 4> small(x.values.data(), 2, 3, 7, 21);
  o.stride = 1;
  EXPECT_REFUSED(conv2d<three>(on, small, w_of, y_of, o),
                 "conv2d: tap_rows and stride must be those of a square filter of neighbouring taps; tap_rows = 0 "
                 "serves all");
  EXPECT_REFUSED(conv2d_weight_gradient<sums>(on, small, dy_of, dw_of, o),
                 "conv2d_weight_gradient: width and stride must be those of a square filter of neighbouring taps; "
                 "stride = 0 serves all");
  EXPECT_EQ(std::string(describe(three).c_str()),
            "a depthwise kernel for 3 x 3 taps and a stride of 2, blocks of 1 x 3 pixels x 8 channels, 16 channels a "
            "share");
}

TEST(depthwise_policy, says_which_rule_is_broken) {
  EXPECT_EQ(broken_rule(depthwise_policy{}), nullptr);
  EXPECT_EQ(broken_rule(depthwise_weight_policy{}), nullptr);
  EXPECT_STREQ(broken_rule(depthwise_policy{.vector = 3}),
               "depthwise_policy.vector must be a power of two, because an access is one pack");
  EXPECT_STREQ(broken_rule(depthwise_policy{.width = 9}),
               "depthwise_policy.width must be 0 to 8, because a lane keeps a row of taps in registers");
  EXPECT_STREQ(broken_rule(depthwise_policy{.strip = 17}),
               "depthwise_policy.strip must be 1 to 16, because a lane keeps its sums in registers");
  EXPECT_STREQ(broken_rule(depthwise_policy{.channel_lanes = 12}),
               "depthwise_policy.channel_lanes must divide 32, because a warp has whole rows of lanes");
  EXPECT_STREQ(broken_rule(depthwise_policy{.packs = 2}),
               "depthwise_policy.packs must be 1 on a GPU, because each pack of channels has a lane");
  EXPECT_STREQ(broken_rule(depthwise_policy{.lowest = arch::cpu}),
               "depthwise_policy.threads and channel_lanes must be 1 on the CPU, because its blocks have one lane");
  EXPECT_STREQ(broken_rule(depthwise_policy{.width = 3, .tap_rows = 3}),
               "depthwise_policy.tap_rows must be 0 on a GPU, because the kernel for square filters is the CPU's");
  EXPECT_STREQ(broken_rule(depthwise_policy{.width = 5, .tap_rows = 3, .lowest = arch::cpu}),
               "depthwise_policy.tap_rows must be 0, or equal to width and odd, because the kernel's filters are "
               "square");
  EXPECT_STREQ(broken_rule(depthwise_policy{.stride = 2}),
               "depthwise_policy.stride must be 1, or 2 with tap_rows, because the kernel is compiled for its stride");
  EXPECT_STREQ(broken_rule(depthwise_policy{.width = 3, .rows = 5, .tap_rows = 3, .lowest = arch::cpu}),
               "depthwise_policy.rows must be at most 4 with tap_rows, because a lane keeps its sums in registers");
  EXPECT_STREQ(broken_rule(depthwise_weight_policy{.stride = 1}),
               "depthwise_weight_policy.stride must be 0, or 1 or 2 on the CPU, which has a kernel for square filters");
  EXPECT_STREQ(broken_rule(depthwise_weight_policy{.tap_rows = 2, .stride = 1, .lowest = arch::cpu}),
               "depthwise_weight_policy.tap_rows must be equal to width with a stride, and rows at most 4, because the "
               "kernel keeps square filters and blocks of pixels in registers");
  EXPECT_STREQ(broken_rule(depthwise_weight_policy{.width = 13, .tap_rows = 5}),
               "depthwise_weight_policy.width and tap_rows must be at least 1, and their product at most 64, because a "
               "lane keeps the sums of these taps in registers");
  EXPECT_STREQ(broken_rule(depthwise_weight_policy{.threads = 48}),
               "depthwise_weight_policy.threads must be a multiple of 32, from 32 to 1024");
  for_types<double, float, half, bf16>([]<class T>() {
    for (const auto& p : depthwise_table_gpu<T>::candidates) EXPECT_EQ(broken_rule(p), nullptr);
    for (const auto& p : depthwise_table_cpu<T>::candidates) EXPECT_EQ(broken_rule(p), nullptr);
    for (const auto& p : depthwise_weight_table_gpu<T>::candidates) EXPECT_EQ(broken_rule(p), nullptr);
    for (const auto& p : depthwise_weight_table_cpu<T>::candidates) EXPECT_EQ(broken_rule(p), nullptr);
  });
  EXPECT_EQ(std::string(describe(depthwise_policy{}).c_str()),
            "a depthwise kernel, strips of 7 pixels x 4 channels a lane, 32 channels and 128 strips a block of 128 "
            "threads");
}
#endif

constexpr int chosen(int taps, bool neighbours, int vector, bool contiguous = true, int multiplier = 1) {
  return depthwise_table_gpu<float>::choose(depthwise_problem{.taps = taps,
                                                              .neighbours = neighbours,
                                                              .multiplier = multiplier,
                                                              .vector = vector,
                                                              .contiguous = contiguous},
                                            arch::sm_90)
      .place;
}
static_assert(chosen(3, true, 4) == 0 && chosen(5, true, 4) == 1 && chosen(7, true, 4) == 2);
static_assert(chosen(3, false, 4) == 3 && chosen(4, true, 4) == 3);
static_assert(chosen(3, true, 2) == 4 && chosen(3, true, 4, false) == 4 && chosen(3, true, 4, true, 2) == 4);

}  // namespace
