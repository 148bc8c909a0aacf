// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the pixel kernels move, as the virtual GPU counts it: whole sectors on aligned channels-last images and on
// channels-first outputs, each output written once, each input read as often as its windows say.
#include "tests/profiles.hpp"

#include <tilery/fill.hpp>
#include <tilery/global_pool.hpp>
#include <tilery/pad.hpp>
#include <tilery/pool.hpp>
#include <tilery/upsample.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

/// The counts of a launch with two aligned tensors: x (n, h, w, c), and y (n, p, q, c) with as many indices.
template <class T>
struct channels_last {
  std::int64_t x_bytes, y_bytes, index_bytes;
  launch_profile profile;

  template <class Call>
  channels_last(int h, int w, int p, int q, int c, const Call& call)
      : x_bytes(2 * std::int64_t{h} * w * c * sizeof(T)),
        y_bytes(2 * std::int64_t{p} * q * c * sizeof(T)),
        index_bytes(2 * std::int64_t{p} * q * c * 4) {
    const auto profiles = profiles_of([&](const virtual_gpu& gpu) {
      const buffer<T, 4> x(gpu, 2, h, w, c), y(gpu, 2, p, q, c);
      const buffer<std::int32_t, 4> indices(gpu, 2, p, q, c);
      fill_zero(gpu, x), fill_zero(gpu, y), fill_zero(gpu, indices);
      call(gpu, x.view(), y.view(), indices.view());
    });
    EXPECT_EQ(profiles.size(), 1u);
    profile = profiles.at(0);
  }
  std::int64_t loaded() const { return sum_of(profile, site_kind::global_load, &site_profile::bytes); }
  std::int64_t stored() const { return sum_of(profile, site_kind::global_store, &site_profile::bytes); }
  /// Loads and stores touch no more sectors than their bytes fill. (Lanes of a warp may load the same sector.)
  void expect_whole_sectors() const {
    EXPECT_EQ(sum_of(profile, site_kind::global_load, &site_profile::sectors),
              sum_of(profile, site_kind::global_load, &site_profile::fewest_sectors));
    EXPECT_LE(sum_of(profile, site_kind::global_load, &site_profile::sectors) * 32, loaded());
    EXPECT_EQ(sum_of(profile, site_kind::global_store, &site_profile::sectors) * 32, stored());
  }
  /// Each store of a warp is 32 packs of 16 bytes.
  void expect_whole_packs() const {
    EXPECT_EQ(sum_of(profile, site_kind::global_store, &site_profile::requests) * 32 * 16, stored());
  }
};

template <class T>
class pixels_traffic : public testing::Test {};
using elements = testing::Types<float, double, half, bf16>;
TYPED_TEST_SUITE(pixels_traffic, elements);

TYPED_TEST(pixels_traffic, channels_last_images_move_in_whole_sectors) {
  using T = TypeParam;
  {
    SCOPED_TRACE("max_pool2d");
    const channels_last<T> d(8, 12, 4, 6, 32, [](const auto& gpu, auto x, auto y, auto indices) {
      max_pool2d(gpu, x, y, indices, {.window = 2});
    });
    d.expect_whole_sectors();
    EXPECT_EQ(d.loaded(), d.x_bytes);
    EXPECT_EQ(d.stored(), d.y_bytes + d.index_bytes);
  }
  {
    SCOPED_TRACE("max_pool2d with windows that overlap: 3 taps along each dimension, but 2 at the first pixel");
    const channels_last<T> d(8, 12, 4, 6, 32, [](const auto& gpu, auto x, auto y, auto) {
      max_pool2d(gpu, x, y, {.window = 3, .stride = 2, .padding = 1});
    });
    d.expect_whole_sectors();
    EXPECT_EQ(d.loaded() * 8 * 12, d.x_bytes * (3 * 4 - 1) * (3 * 6 - 1));
    EXPECT_EQ(d.stored(), d.y_bytes);
    EXPECT_EQ(d.profile.unique_bytes_read, d.x_bytes);
  }
  {
    SCOPED_TRACE("max_pool2d_gradient");
    const channels_last<T> d(8, 12, 4, 6, 32, [](const auto& gpu, auto dx, auto dy, auto indices) {
      max_pool2d_gradient(gpu, dy, indices, dx, {.window = 2});
    });
    d.expect_whole_sectors();
    EXPECT_EQ(d.loaded(), 4 * (d.y_bytes + d.index_bytes));  // once for each element of a window
    EXPECT_EQ(d.stored(), d.x_bytes);
  }
  {
    SCOPED_TRACE("average_pool2d and its gradient");
    const channels_last<T> forward(8, 12, 4, 6, 32, [](const auto& gpu, auto x, auto y, auto) {
      average_pool2d(gpu, x, y, {.window = 2});
    });
    forward.expect_whole_sectors();
    EXPECT_EQ(forward.loaded(), forward.x_bytes);
    forward.expect_whole_packs();
    const channels_last<T> backward(8, 12, 4, 6, 32, [](const auto& gpu, auto dx, auto dy, auto) {
      average_pool2d_gradient(gpu, dy, dx, {.window = 2});
    });
    backward.expect_whole_sectors();
    EXPECT_EQ(backward.loaded(), 4 * backward.y_bytes);
    EXPECT_EQ(backward.stored(), backward.x_bytes);
    backward.expect_whole_packs();
  }
  {
    SCOPED_TRACE("upsample_nearest2d and its gradient");
    const channels_last<T> forward(4, 6, 8, 12, 32,
                                   [](const auto& gpu, auto x, auto y, auto) { upsample_nearest2d(gpu, x, y); });
    forward.expect_whole_sectors();
    EXPECT_EQ(forward.loaded(), 4 * forward.x_bytes);
    EXPECT_EQ(forward.stored(), forward.y_bytes);
    const channels_last<T> backward(4, 6, 8, 12, 32, [](const auto& gpu, auto dx, auto dy, auto) {
      upsample_nearest2d_gradient(gpu, dy, dx);
    });
    backward.expect_whole_sectors();
    EXPECT_EQ(backward.loaded(), backward.y_bytes);
  }
  {
    SCOPED_TRACE("upsample_linear2d and its gradient");
    const channels_last<T> forward(4, 6, 8, 12, 32,
                                   [](const auto& gpu, auto x, auto y, auto) { upsample_linear2d(gpu, x, y); });
    forward.expect_whole_sectors();
    EXPECT_EQ(forward.stored(), forward.y_bytes);
    const channels_last<T> backward(4, 6, 8, 12, 32, [](const auto& gpu, auto dx, auto dy, auto) {
      upsample_linear2d_gradient(gpu, dy, dx);
    });
    backward.expect_whole_sectors();
    // Two elements along each dimension share an output, but for the first and the last output.
    EXPECT_EQ(forward.loaded() * 4 * 6, forward.x_bytes * (2 * 8 - 2) * (2 * 12 - 2));
    EXPECT_EQ(backward.loaded() * 8 * 12, backward.y_bytes * (2 * 8 - 2) * (2 * 12 - 2));
  }
  for (const pad_mode mode : {pad_mode::zero, pad_mode::reflect, pad_mode::replicate}) {
    SCOPED_TRACE(testing::Message() << "pad2d and its gradient, mode " << static_cast<int>(mode));
    const channels_last<T> forward(4, 6, 6, 8, 32, [&](const auto& gpu, auto x, auto y, auto) {
      pad2d(gpu, x, y, {.padding = 1, .mode = mode});
    });
    forward.expect_whole_sectors();
    EXPECT_EQ(forward.loaded(), mode == pad_mode::zero ? forward.x_bytes : forward.y_bytes);
    EXPECT_EQ(forward.stored(), forward.y_bytes);
    const channels_last<T> backward(4, 6, 6, 8, 32, [&](const auto& gpu, auto dx, auto dy, auto) {
      pad2d_gradient(gpu, dy, dx, {.padding = 1, .mode = mode});
    });
    backward.expect_whole_sectors();
    EXPECT_EQ(backward.loaded(), mode == pad_mode::zero ? backward.x_bytes : backward.y_bytes);
    EXPECT_EQ(backward.stored(), backward.x_bytes);
  }
}

TYPED_TEST(pixels_traffic, global_pooling_reads_once_in_whole_sectors) {
  using T = TypeParam;
  const int c = 128;
  for (const bool channels_first : {false, true}) {
    SCOPED_TRACE(channels_first);
    const auto profiles = profiles_of([&](const virtual_gpu& gpu) {
      const buffer<T, 4> x(gpu, 2, 8, 8, c);
      const buffer<T, 2> y(gpu, 2, c);
      fill_zero(gpu, x);
      const auto view = channels_first ? permuted(tensor(x.data_handle(), {2, c, 8, 8}), {0, 2, 3, 1}) : x.view();
      global_average_pool(gpu, view, y.view());
    });
    const launch_profile& p = profiles.at(0);
    const std::int64_t bytes = 2 * 64 * c * static_cast<std::int64_t>(sizeof(T));
    EXPECT_EQ(sum_of(p, site_kind::global_load, &site_profile::bytes), bytes);
    EXPECT_EQ(sum_of(p, site_kind::global_load, &site_profile::sectors) * 32, bytes);
    EXPECT_EQ(sum_of(p, site_kind::global_store, &site_profile::bytes), 2 * c * static_cast<std::int64_t>(sizeof(T)));
  }
}

// The lanes of a warp follow the innermost dimension of the output: loads and stores of channels-first images are
// coalesced, too.
TYPED_TEST(pixels_traffic, channels_first_images_are_coalesced) {
  using T = TypeParam;
  const auto profiles = profiles_of([](const virtual_gpu& gpu) {
    const buffer<T, 4> x(gpu, 1, 8, 8, 64), y(gpu, 1, 8, 8, 64);
    fill_zero(gpu, x);
    const auto first = [](const auto& b) { return permuted(tensor(b.data_handle(), {1, 8, 8, 64}), {0, 2, 3, 1}); };
    average_pool2d(gpu, first(x), first(y), {.window = 1});
  });
  const std::int64_t bytes = 8 * 8 * 64 * static_cast<std::int64_t>(sizeof(T));
  EXPECT_EQ(sum_of(profiles.at(0), site_kind::global_load, &site_profile::sectors) * 32, bytes);
  EXPECT_EQ(sum_of(profiles.at(0), site_kind::global_store, &site_profile::sectors) * 32, bytes);
}

}  // namespace
