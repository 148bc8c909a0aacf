// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The window kernels, which convolve images with few channels on GPUs, forward and weight gradient: equal to the
// reference on whole numbers, for every kernel of the tables, with epilogues, and with the caller's policies; and the
// tables, the rules and the refusals. The CPU's kernels take few channels as any others (conv_test.cpp).
#include "tests/conv_calls.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

constexpr auto weight = conv_direction::weight_gradient;

/// A 2-D problem with a square filter.
conv_case few(int channels, int filters, int height, int width, int taps, int stride, int padding) {
  conv_case p;
  p.channels = channels, p.filters = filters;
  p.in = {1, height, width}, p.taps = {1, taps, taps}, p.stride = {1, stride, stride};
  p.before = p.after = {0, padding, padding};
  return p;
}

/// The forward pass and the weight gradient.
template <int N, class T, class R, class Fixture>
void check_both(const Fixture& on, const conv_case& p, conv_orders how = all_in(image_order::channels_last),
                tilery::gemm_factors f = {}) {
  check_forward<N, T, R>(on, p, how, f);
  check_weight_gradient<N, T, R>(on, p, how, f);
}

template <class Executor>
class conv_window_on : public on_executor<Executor> {
public:
  bool has_tf32() const { return has_features(this->executor.target(), features::mma_tf32); }
};
TYPED_TEST_SUITE(conv_window_on, gpus);

// Rows of taps of 1 to 28 columns: even and odd ones, windows with and without a second copy.
TYPED_TEST(conv_window_on, is_right_for_each_filter_stride_and_number_of_channels) {
  for (int channels = 1; channels <= 5; ++channels)
    for (int taps = 1; taps <= 7; ++taps) {
      const int stride = draw(1, 3), padding = draw(0, taps);
      const auto p = few(channels, draw(1, 20), draw(7, 12), draw(7, 20), taps, stride, padding);
      check_both<2, half, half>(*this, p);
      check_both<2, float, float>(*this, p);
    }
}

TYPED_TEST(conv_window_on, is_right_for_each_type) {
  for (const auto& p : {few(3, 8, 9, 18, 3, 1, 1), few(4, 8, 9, 9, 7, 2, 3), few(1, 16, 12, 20, 5, 1, 2)}) {
    check_both<2, double, double>(*this, p);
    if (this->has_tf32()) check_both<2, tf32, float>(*this, p);
    check_both<2, half, half>(*this, p);
    check_both<2, bf16, float>(*this, p, all_in(image_order::channels_last), {.alpha = 2, .beta = -1});
  }
}

// Blocks that are not full, blocks of several kernels, and outputs that 16-byte stores do not fit.
TYPED_TEST(conv_window_on, is_right_for_each_number_of_filters) {
  for (const int filters : {1, 4, 5, 32, 33, 64, 72, 131}) {
    const auto p = few(3, filters, 5, 18, 3, 1, 1);
    check_both<2, float, float>(*this, p);
    check_both<2, half, half>(*this, p);
    if (this->has_tf32()) check_both<2, tf32, float>(*this, p);
  }
  check_both<2, float, float>(*this, few(4, 64, 10, 10, 7, 2, 3));  // more columns than a wide tile has
  check_both<2, double, double>(*this, few(3, 40, 6, 6, 5, 2, 2));
}

TYPED_TEST(conv_window_on, takes_each_memory_order) {
  for (const image_order how : image_orders) {
    check_both<2, float, float>(*this, few(3, 16, 9, 20, 3, 2, 1), all_in(how));
    check_both<2, half, half>(*this, few(3, 16, 9, 20, 3, 1, 1), all_in(how));
  }
  for (int i = 0; i < 4; ++i) {
    check_both<2, float, float>(*this, few(draw(1, 4), 24, 8, 11, 4, 2, 1), {});
    check_both<2, half, half>(*this, few(draw(1, 4), 24, 8, 11, 4, 2, 1), {});
  }
}

// Tiles of 1 x 128, 2 x 64, 4 x 32 and 8 x 16 pixels, of which the last ones are not full.
TYPED_TEST(conv_window_on, cuts_images_of_any_extents) {
  for (const auto& [height, width] : {std::pair(1, 140), {2, 70}, {5, 37}, {19, 18}, {33, 1}}) {
    auto p = few(3, 8, height, width, 3, 1, 1);
    p.images = 2;
    check_both<2, float, float>(*this, p);
    check_both<2, half, half>(*this, p);
  }
}

TYPED_TEST(conv_window_on, convolves_in_one_and_three_dimensions) {
  conv_case sound;
  sound.rank = 1, sound.images = 2, sound.channels = 2, sound.filters = 24;
  sound.in = {1, 1, 150}, sound.taps = {1, 1, 9}, sound.stride = {1, 1, 3}, sound.before = {0, 0, 8};
  check_both<1, float, float>(*this, sound);
  check_both<1, half, half>(*this, sound);
  conv_case volume;
  volume.rank = 3, volume.channels = 3, volume.filters = 16;
  volume.in = {4, 5, 9}, volume.taps = {3, 2, 3}, volume.before = volume.after = 1;
  for (const int stride : {1, 2}) {
    volume.stride = {stride, 1, stride};
    check_both<3, float, float>(*this, volume);
    check_both<3, half, half>(*this, volume);
  }
}

// A dilation along the width parts the pairs of 16-bit elements: the implicit GEMM computes their forward pass.
TYPED_TEST(conv_window_on, dilates_and_flips) {
  auto p = few(3, 16, 11, 14, 3, 1, 3);
  p.flipped = true, p.before = {0, 0, 2}, p.after = {0, 3, 1};
  for (const spatial<3>& dilation : {spatial<3>(1), spatial<3>(1, 2, 1), spatial<3>(1, 1, 3), spatial<3>(1, 2, 2)}) {
    p.dilation = dilation;
    check_both<2, float, float>(*this, p);
    check_both<2, half, half>(*this, p);
  }
}

TYPED_TEST(conv_window_on, is_right_for_drawn_problems) {
  for (int i = 0; i < 12; ++i) {
    conv_case p = draw_conv(2, {.channels = 7, .extent = 14, .taps = 7});
    p.groups = 1, p.channels = draw(1, 7), p.filters = draw(1, 40);
    check_both<2, float, float>(*this, p, {}, {.beta = 2});
    check_both<2, half, half>(*this, p);
  }
}

// Filters and windows beyond the shared memory of a block: the implicit GEMM.
TYPED_TEST(conv_window_on, leaves_large_filters_to_other_kernels) {
  check_both<2, float, float>(*this, few(3, 8, 20, 20, 16, 16, 0));
  auto p = few(2, 8, 12, 140, 3, 1, 1);
  p.dilation = {1, 1, 60}, p.after = {0, 1, 3};
  check_both<2, float, float>(*this, p);
}

// A NaN and an infinity of x reach the sums that they have a part in, and no others: not through the columns that pad a
// row of taps, and not through the pixels that fill up a tile.
TYPED_TEST(conv_window_on, keeps_nan_and_infinities_where_they_belong) {
  const auto check = [&]<class T>(const conv_case& p, float value) {
    const auto last = image_order::channels_last;
    std::vector<T> x_values(size_of(p.x()), T(1.0f)), dy_values(size_of(p.y()), T(1.0f)),
        w_values(size_of(p.w()), T(1.0f));
    std::vector<bool> in_y(size_of(p.y())), in_dw(size_of(p.w()));
    std::vector<bool> bad(x_values.size());
    for (int i = 0; i < 3; ++i) bad[static_cast<std::size_t>(draw(0, static_cast<int>(bad.size()) - 1))] = true;
    bad.back() = true;  // a pixel that only the tile's unused pixels may read
    for (std::size_t i = 0; i < bad.size(); ++i)
      if (bad[i]) x_values[i] = T(value);
    each_product(p, [&](std::size_t i, std::size_t j, std::size_t o) {
      if (bad[i]) in_y[o] = in_dw[j] = true;
    });
    const auto x = place_images<4>(*this, x_values, p.x(), last), w_at = place_images<4>(*this, w_values, p.w(), last),
               dy = place_images<4>(*this, dy_values, p.y(), last);
    const auto y = place_images<4>(*this, std::vector<float>(size_of(p.y())), p.y(), last),
               dw = place_images<4>(*this, std::vector<float>(size_of(p.w())), p.w(), last);
    conv2d(this->executor, x.read(), w_at.read(), y.view, options_of<2>(p));
    conv2d_weight_gradient(this->executor, x.read(), dy.read(), dw.view, options_of<2>(p));
    const auto compare = [&](const auto& output, const std::vector<bool>& want) {
      const auto got = gather(*this, output);
      for (std::size_t i = 0; i < got.size(); ++i) {
        if (want[i] && std::isinf(value))
          ASSERT_TRUE(std::isinf(got[i])) << i << ": " << got[i] << " of " << p.text();
        else
          ASSERT_EQ(std::isnan(got[i]), want[i]) << i << ": " << got[i] << " of " << p.text();
      }
    };
    compare(y, in_y), compare(dw, in_dw);
  };
  for (const int stride : {1, 2})
    for (const int channels : {1, 3, 4})
      for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        const auto p = few(channels, 8, 9, 12, 3, stride, 0);
        check.template operator()<float>(p, value);
        check.template operator()<half>(p, value);
      }
}

TYPED_TEST(conv_window_on, takes_empty_batches_and_zero_factors) {
  auto p = few(3, 16, 6, 9, 3, 1, 1);
  const auto last = all_in(image_order::channels_last);
  check_both<2, float, float>(*this, p, last, {.alpha = 0, .beta = 2});
  check_both<2, half, half>(*this, p, last, {.alpha = 0});
  p.images = 0;
  check_both<2, float, float>(*this, p, last, {.beta = 3});
  p.images = 1, p.channels = 0;
  check_forward<2, float, float>(*this, p, last, {.beta = 1});
}

TYPED_TEST(conv_window_on, runs_the_callers_policy_or_says_why_not) {
  constexpr conv_window_policy mine{.pixels = 32, .filters = 32, .columns = 48, .part = {4, 4}, .window = 1024};
  constexpr conv_window_policy sums{.pixels = 16, .filters = 16, .columns = 32, .part = {4, 4}, .window = 1024};
  auto p = few(3, 20, 9, 30, 3, 2, 1);
  const auto how = all_in(image_order::channels_last);
  const whole_numbers<float> x(size_of(p.x())), w(size_of(p.w())), dy(size_of(p.y()));
  const auto x_at = place_images<4>(*this, x.values, p.x(), how.x),
             w_at = place_images<4>(*this, w.values, p.w(), how.w),
             dy_at = place_images<4>(*this, dy.values, p.y(), how.y),
             y_at = place_images<4>(*this, dy.values, p.y(), how.y),
             dw_at = place_images<4>(*this, w.values, p.w(), how.w);
  const auto o = options_of<2>(p);
  const auto& on = this->executor;
  conv2d<mine>(on, x_at.read(), w_at.read(), y_at.view, o);
  expect_equal(as_doubles(gather(*this, y_at)), conv_of(p, x.exact, w.exact), "y of the caller's policy");
  conv2d_weight_gradient<sums>(on, x_at.read(), dy_at.read(), dw_at.view, o);
  expect_equal(as_doubles(gather(*this, dw_at)), weight_gradient_of(p, x.exact, dy.exact), "dw of the caller's policy");

  EXPECT_REFUSED(conv2d_data_gradient<mine>(on, dy_at.read(), w_at.read(), x_at.view, o),
                 "conv2d_data_gradient: a data gradient has no window kernel: it has few outputs, not few inputs");
  const auto large = place_images<4>(*this, std::vector<float>(20 * 5 * 5 * 3), {20, 1, 5, 5, 3}, how.w);
  auto wider = o;
  wider.padding = wider.padding_after = 2;
  EXPECT_REFUSED(conv2d<mine>(on, x_at.read(), large.read(), y_at.view, wider),
                 "conv2d: a filter does not fit the shared memory of a window kernel's block");
  constexpr conv_window_policy small{.pixels = 32, .filters = 32, .columns = 48, .part = {4, 4}, .window = 256};
  EXPECT_REFUSED(conv2d<small>(on, x_at.read(), w_at.read(), y_at.view, o),
                 "conv2d: the window of a tile does not fit the shared memory of a window kernel's block");
  const auto first = place_images<4>(*this, dy.values, p.y(), image_order::channels_first);
  EXPECT_REFUSED(conv2d<mine>(on, x_at.read(), w_at.read(), first.view, o),
                 "conv2d: the channels of y must be contiguous, whole packs of c_vector elements at aligned addresses");
  p.groups = 2, p.channels = 6, p.filters = 20;
  const auto x6 = place_images<4>(*this, std::vector<float>(size_of(p.x())), p.x(), how.x),
             w6 = place_images<4>(*this, std::vector<float>(size_of(p.w())), p.w(), how.w);
  EXPECT_REFUSED(conv2d<mine>(on, x6.read(), w6.read(), y_at.view, options_of<2>(p)),
                 "conv2d: a window kernel serves one group of channels");
}

TYPED_TEST(conv_window_on, applies_epilogues) {
  const auto check = [&]<class T, bool TensorCores, int Place>(int filters) {
    if (TensorCores && !has_features(this->executor.target(), features::mma_f16)) return;
    constexpr auto sums_of_taps = conv_window_table<T, weight, TensorCores>::candidates[1];
    constexpr auto policy = conv_window_table<T, conv_direction::forward, TensorCores>::candidates[Place];
    const auto p = few(3, filters, 9, 18, 3, 1, 1);
    const auto how = all_in(image_order::channels_last);
    const auto n = static_cast<std::size_t>(filters);
    const whole_numbers<T> x(size_of(p.x())), w(size_of(p.w()));
    const whole_numbers<float> bias(n), residual(size_of(p.y()));
    const auto x_at = place_images<4>(*this, x.values, p.x(), how.x),
               w_at = place_images<4>(*this, w.values, p.w(), how.w);
    const auto y_at = place_images<4>(*this, std::vector<float>(size_of(p.y()), gap<float>()), p.y(), how.y);
    const auto bias_at = this->put(bias.values), residual_at = this->put(residual.values);
    const buffer<float> sums(this->executor, filters);
    const int rows = static_cast<int>(size_of(p.y()) / n);
    conv2d<policy>(this->executor, x_at.read(), w_at.read(), y_at.view, options_of<2>(p),
                   epilogue::bias(bias_at) | epilogue::residual(matrix(residual_at.data_handle(), rows, filters)) |
                       epilogue::relu() | epilogue::bias_gradient(sums));
    auto want = conv_of(p, x.exact, w.exact);
    std::vector<double> totals(n);
    for (std::size_t i = 0; i < want.size(); ++i) {
      want[i] = std::max(0.0, want[i] + bias.exact[i % n] + residual.exact[i]);
      totals[i % n] += want[i];
    }
    expect_equal(as_doubles(gather(*this, y_at)), want, "bias, residual and relu");
    expect_equal(as_doubles(this->get(sums)), totals, "the sums of the channels");

    // dw with a term for each filter, and its sums for each tap and channel
    const whole_numbers<T> dy(size_of(p.y()));
    const auto dy_at = place_images<4>(*this, dy.values, p.y(), how.y);
    const auto dw_at = place_images<4>(*this, std::vector<float>(size_of(p.w()), gap<float>()), p.w(), how.w);
    const buffer<float> tap_sums(this->executor, 27);
    conv2d_weight_gradient<sums_of_taps>(this->executor, x_at.read(), dy_at.read(), dw_at.view, options_of<2>(p),
                                         epilogue::row_bias(bias_at) | epilogue::bias_gradient(tap_sums));
    auto dw = weight_gradient_of(p, x.exact, dy.exact);
    std::vector<double> taps(27);
    for (std::size_t i = 0; i < dw.size(); ++i) taps[i % 27] += dw[i] += bias.exact[i / 27];
    expect_equal(as_doubles(gather(*this, dw_at)), dw, "a term for each filter");
    expect_equal(as_doubles(this->get(tap_sums)), taps, "the sums of the taps");
  };
  check.template operator()<float, false, 0>(72);
  check.template operator()<float, false, 2>(21);
  check.template operator()<half, true, 0>(72);
  check.template operator()<half, true, 1>(16);
}

#ifndef __CUDACC__  // no GPU is needed
/// A GPU without tensor cores for 16-bit elements of this library: half and bf16 run without them.
TEST(conv_window, is_right_on_sm_75) {
  class on_turing : public on_executor<virtual_gpu> {
  public:
    on_turing() { executor = virtual_gpu(arch::sm_75); }
    void TestBody() override {}
  } on;
  check_both<2, half, half>(on, few(3, 16, 9, 18, 3, 1, 1));
  check_both<2, bf16, float>(on, few(4, 40, 9, 9, 7, 2, 3));
  check_both<2, float, float>(on, few(3, 70, 9, 9, 7, 2, 3));
}

TEST(conv_window, is_explained) {
  const tensor_view<const float, 4> x(nullptr, 2, 56, 56, 3), w(nullptr, 64, 7, 7, 3);
  const tensor_view<float, 4> y(nullptr, 2, 28, 28, 64);
  const conv_options<2> o{.stride = 2, .padding = 3};
  const virtual_gpu gpu(arch::sm_90);
  EXPECT_EQ(
      std::string(explain_conv2d(gpu, x, w, y, o).c_str()),
      "conv2d of 2 images of 56 x 56 x 3 with 64 filters of 7 x 7 x 3 (a product of 1568 x 64 x 147) (f32) runs a "
      "window kernel, tiles of 128 pixels, 64 filters and 160 columns a block: few channels: each pixel is loaded "
      "once for all taps; tiles from the table's row for sm_75, not measured: estimated: windows "
      "that fit shared memory");
  const auto says = [](const sentence& text, const char* part) {
    EXPECT_NE(std::string(text.c_str()).find(part), std::string::npos) << text.c_str();
  };
  says(explain_conv2d_weight_gradient(gpu, x, y, w, o), "runs a window kernel");
  says(explain_conv2d_data_gradient(gpu, y, w, x, o),
       "few channels: no window kernel, because a data gradient has no window kernel: it has few outputs, not few "
       "inputs");
  const tensor_view<const half, 4> xh(nullptr, 2, 56, 56, 3), wh(nullptr, 64, 7, 7, 3), dilated(nullptr, 64, 3, 3, 3);
  const tensor_view<half, 4> yh(nullptr, 2, 28, 28, 64), same(nullptr, 2, 56, 56, 64);
  says(explain_conv2d(gpu, xh, wh, yh, o), "a window kernel on tensor cores");
  says(explain_conv2d(gpu, xh, dilated, same, {.padding = 2, .dilation = 2}),
       "few channels: no window kernel, because a window kernel on tensor cores takes 16-bit elements in pairs, and a "
       "dilation along the width parts them");
  constexpr conv_window_policy mine{.filters = 32, .columns = 100, .part = {8, 4}};
  says(explain_conv2d<mine>(gpu, x, w, y, o),
       "cannot run on a window kernel, tiles of 128 pixels, 32 filters and 100 columns a block: a filter does not fit");
}

TEST(conv_window_policy, says_which_rule_is_broken) {
  const auto rule = [](const conv_window_policy& p, conv_direction d = conv_direction::forward, int bytes = 4) {
    return broken_rule(p, d, bytes);
  };
  EXPECT_EQ(rule({}), nullptr);
  EXPECT_STREQ(rule({}, conv_direction::data_gradient),
               "conv_window_policy is for the forward pass and the weight gradient: the data gradient has few outputs, "
               "not few inputs");
  EXPECT_STREQ(
      rule({.pixels = 96}),
      "conv_window_policy.pixels must be a power of two and at least 16, because rows of a tile have 16 pixels "
      "or more");
  EXPECT_STREQ(rule({.window = 0}), "conv_window_policy.filters, columns, part and window must be positive");
  EXPECT_STREQ(rule({.part = {32, 24}, .tensor_cores = true, .lowest = arch::sm_80}),
               "conv_window_policy.part must be a multiple of 16 in m and n (n of a weight gradient: 8) with "
               "tensor_cores, because it consists of fragments");
  EXPECT_STREQ(rule({.part = {32, 48}, .tensor_cores = true, .lowest = arch::sm_80}),
               "conv_window_policy.part must divide the output of a block, pixels x filters or filters x columns");
  EXPECT_STREQ(rule({.columns = 84, .part = {32, 64}, .tensor_cores = true, .lowest = arch::sm_80}),
               "conv_window_policy.columns must be a multiple of 32 bytes with tensor_cores, because an instruction "
               "multiplies 32 bytes");
  EXPECT_STREQ(rule({.filters = 48, .part = {48, 40}, .tensor_cores = true, .lowest = arch::sm_80}, weight, 2),
               "conv_window_policy.filters must be a power of two and at least 16 bytes in a weight gradient with "
               "tensor_cores, because the swizzle permutes 16-byte chunks");
  EXPECT_STREQ(rule({.part = {32, 64}, .tensor_cores = true}),
               "conv_window_policy.lowest must be sm_80 or later with tensor_cores");
  EXPECT_STREQ(rule({.part = {6, 8}}),
               "conv_window_policy.part and filters must be multiples of 16 bytes of the accumulation type, because a "
               "lane reads whole packs");
  EXPECT_STREQ(
      rule({.filters = 48}),
      "conv_window_policy: the output of a block must be a multiple of 4 part.m x 8 part.n, because a warp has "
      "4 x 8 lanes");
  EXPECT_STREQ(rule({.c_vector = 2}),
               "conv_window_policy.c_vector must be 1, or 4 (double: 2), because a store to y takes 16 bytes of sums");
  EXPECT_STREQ(rule({.lowest = arch::cpu}), "conv_window_policy.lowest must be a GPU's arch");
  EXPECT_STREQ(rule({.pixels = 1024, .filters = 64, .columns = 16, .part = {4, 4}}),
               "conv_window_policy: a block must have at most 1024 threads (32 warps)");
  EXPECT_STREQ(rule({.columns = 256}),
               "conv_window_policy: the shared memory of a block must fit the shared memory of its lowest arch");
  const auto each = [&]<class T, bool TensorCores>() {
    const int bytes = TensorCores ? sizeof(T) : sizeof(accumulator_t<T>);
    for (const auto& p : conv_window_table<T, conv_direction::forward, TensorCores>::candidates)
      EXPECT_EQ(rule(p, conv_direction::forward, bytes), nullptr);
    for (const auto& p : conv_window_table<T, weight, TensorCores>::candidates)
      EXPECT_EQ(rule(p, weight, bytes), nullptr);
  };
  each.operator()<double, false>(), each.operator()<float, false>(), each.operator()<half, false>();
  each.operator()<half, true>(), each.operator()<bf16, true>(), each.operator()<tf32, true>();
}
#endif

/// The first layer of a network: taps x taps, stride, from images of extent x extent.
constexpr conv_window_problem layer(int channels, int filters, int taps, int stride, int extent, int element_bytes,
                                    int c_vector = 8) {
  conv_window_problem q;
  q.geometry.images = 32, q.geometry.channels = channels, q.geometry.filters = filters;
  q.geometry.in = {1, extent, extent}, q.geometry.out = {1, extent / stride, extent / stride};
  q.geometry.taps = {1, taps, taps}, q.geometry.stride = {1, stride, stride};
  q.geometry.before = q.geometry.after = {0, taps / 2, taps / 2};
  q.element_bytes = element_bytes, q.c_vector = c_vector, q.target = arch::sm_90;
  return q;
}
template <class T, bool TensorCores, conv_direction Direction = conv_direction::forward>
constexpr int chosen(conv_window_problem q) {
  using table = conv_window_table<T, Direction, TensorCores>;
  q.direction = Direction;
  const choice c = table::choose(q);
  return misfit(table::candidates[c.index], q) ? -1 : c.place;
}
using places = conv_window_places;
static_assert(chosen<float, false>(layer(3, 64, 7, 2, 224, 4)) == places::wide);
static_assert(chosen<float, false>(layer(4, 64, 7, 2, 224, 4)) == places::narrow);  // 196 columns
static_assert(chosen<float, false>(layer(1, 16, 3, 1, 28, 4)) == places::narrow);
static_assert(chosen<float, false>(layer(3, 10, 3, 1, 32, 4, 2)) == places::single);
static_assert(chosen<float, false>(layer(3, 96, 16, 16, 224, 4)) == -1);
static_assert(chosen<bf16, true>(layer(3, 64, 7, 2, 224, 2)) == places::wide);
static_assert(chosen<bf16, true>(layer(4, 64, 7, 2, 224, 2)) == places::wide);
static_assert(chosen<bf16, true>(layer(3, 96, 4, 4, 224, 2)) == places::wide);
static_assert(chosen<bf16, true>(layer(3, 64, 11, 4, 224, 2)) == places::narrow);
static_assert(chosen<float, false, weight>(layer(3, 64, 7, 2, 224, 4)) == places::wide);
static_assert(chosen<bf16, true, weight>(layer(3, 64, 7, 2, 224, 2)) == places::wide);
static_assert(chosen<bf16, true, weight>(layer(1, 16, 3, 1, 28, 2)) == places::narrow);

}  // namespace
