// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the depthwise kernels move, as the virtual GPU counts it: each pixel as often as the strips say, whole sectors
// on aligned images, no products with inserted zeros. And planted faults: parameters that are wrong in one place give
// another result than the reference.
#include "tests/conv_calls.hpp"
#include "tests/kernels/gemm_traffic.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

constexpr int channels = 32, side = 14, pixels = side * side, pixel_bytes = channels * 4;

/// Profiles of a call on x (1, 14, 14, 32), a filter of taps x taps, and y of stride `stride`.
template <class Call>
std::vector<launch_profile> profiles_of_square(int taps, int stride, const Call& call) {
  return profiles_of([&](const virtual_gpu& gpu) {
    const buffer<float, 4> x(gpu, 1, side, side, channels), w(gpu, channels, taps, taps, 1);
    const buffer<float, 4> y(gpu, 1, side / stride, side / stride, channels);
    fill_zero(gpu, x), fill_zero(gpu, w), fill_zero(gpu, y);
    call(gpu, x, w, y, conv_options<2>{.stride = stride, .padding = taps / 2, .groups = channels});
  });
}

/// Loads of pixels along one dimension of 14 coordinates in strips of `strip`: each strip loads taps - 1 pixels more
/// than it has, apart from those out of bounds.
constexpr int loads_along(int strip, int taps) {
  int loads = 0;
  for (int first = 0; first < side; first += strip)
    for (int at = first - taps / 2; at < first + strip + taps / 2; ++at) loads += at >= 0 && at < side;
  return loads;
}

TEST(depthwise_traffic, loads_each_pixel_as_often_as_the_strips_say) {
  for (const int taps : {3, 5, 7}) {
    SCOPED_TRACE(taps);
    const auto profiles =
        profiles_of_square(taps, 1, [](const auto& gpu, const auto& x, const auto& w, const auto& y, const auto& o) {
          conv2d(gpu, x, w, y, o);
        });
    ASSERT_EQ(profiles.size(), 1u);
    const launch_profile& p = profiles[0];
    EXPECT_STREQ(p.kernel, "depthwise");
    const std::int64_t filter = std::int64_t{channels} * taps * taps * 4;
    const std::int64_t of_x = std::int64_t{loads_along(7, taps)} * loads_along(1, taps) * pixel_bytes;
    EXPECT_EQ(p.unique_bytes_read, pixels * pixel_bytes + filter);
    EXPECT_EQ(sum_of(p, site_kind::global_load, &site_profile::bytes, "stage the filter"), filter);
    EXPECT_EQ(sum_of(p, site_kind::global_load, &site_profile::bytes), of_x + filter);
    EXPECT_EQ(sum_of(p, site_kind::global_load, &site_profile::sectors),
              sum_of(p, site_kind::global_load, &site_profile::fewest_sectors));
    EXPECT_EQ(sum_of(p, site_kind::global_store, &site_profile::bytes), pixels * pixel_bytes);
    EXPECT_EQ(sum_of(p, site_kind::global_store, &site_profile::sectors) * 32, pixels * pixel_bytes);
    EXPECT_EQ(sum_of(p, site_kind::shared_load, &site_profile::wavefronts),
              sum_of(p, site_kind::shared_load, &site_profile::fewest_wavefronts));
    EXPECT_EQ(p.operations(fma_unit<float>), std::int64_t{side} * loads_along(1, taps) * taps * channels);
  }
}

// 27 of 36 products of a pixel would be with inserted zeros.
TEST(depthwise_traffic, multiplies_no_inserted_zeros) {
  const auto profiles =
      profiles_of_square(3, 2, [](const auto& gpu, const auto& x, const auto& w, const auto& y, const auto& o) {
        conv2d_data_gradient(gpu, y, w, x, o);
      });
  ASSERT_EQ(profiles.size(), 1u);
  std::int64_t reached = 0;  // along one dimension: pixels of x times taps that reach them
  for (int h = 0; h < side; ++h)
    for (int r = 0; r < 3; ++r) reached += (h + 1 - r) % 2 == 0 && h + 1 - r >= 0 && (h + 1 - r) / 2 < side / 2;
  EXPECT_EQ(profiles[0].operations(fma_unit<float>), reached * reached * channels);
  EXPECT_EQ(sum_of(profiles[0], site_kind::global_store, &site_profile::sectors) * 32, pixels * pixel_bytes);
}

TEST(depthwise_traffic, weight_gradients_read_whole_sectors) {
  for (const int taps : {3, 5, 7}) {
    SCOPED_TRACE(taps);
    const auto profiles =
        profiles_of_square(taps, 1, [](const auto& gpu, const auto& x, const auto& w, const auto& y, const auto& o) {
          conv2d_weight_gradient(gpu, x, y, w, o);
        });
    ASSERT_EQ(profiles.size(), 2u);
    const launch_profile& p = profiles[0];
    EXPECT_STREQ(p.kernel, "depthwise_weight_gradient");
    EXPECT_STREQ(profiles[1].kernel, "depthwise_totals");
    EXPECT_EQ(p.unique_bytes_read, 2 * pixels * pixel_bytes);
    EXPECT_EQ(sum_of(p, site_kind::global_load, &site_profile::sectors),
              sum_of(p, site_kind::global_load, &site_profile::fewest_sectors));
    EXPECT_EQ(sum_of(p, site_kind::shared_load, &site_profile::wavefronts),
              sum_of(p, site_kind::shared_load, &site_profile::fewest_wavefronts));
    EXPECT_EQ(sum_of(p, site_kind::shared_store, &site_profile::wavefronts),
              sum_of(p, site_kind::shared_store, &site_profile::fewest_wavefronts));
  }
}

/// The elements of dx that differ from the reference, where change(params) has changed the kernel's parameters.
template <class Change>
int wrong_elements(const Change& change) {
  conv_case c;
  c.channels = c.filters = c.groups = 8;
  c.in = {1, 6, 9}, c.taps = {1, 3, 3}, c.stride = {1, 2, 2}, c.before = c.after = {0, 1, 1};
  const whole_numbers<float> dy(size_of(c.y())), w(size_of(c.w()));
  std::vector<float> dx(size_of(c.x()), 99);
  const auto view_of = [](auto* data, const conv_case::extents& e) {
    return tensor_view<std::remove_pointer_t<decltype(data)>, 5>(data, e[0], e[1], e[2], e[3], e[4]);
  };
  const auto dy_at = view_of(dy.values.data(), c.y()), w_at = view_of(w.values.data(), c.w());
  const auto dx_at = view_of(dx.data(), c.x());
  const conv_geometry g = ops::geometry_of(options_of<3>(c), dx_at, w_at, dy_at);
  auto p = ops::depthwise_params_of(g, true, dy_at, w_at, dx_at, epilogue::none(), {});
  constexpr depthwise_policy policy{.channel_lanes = 2, .vector = 4};
  p.a.grid = {g.in, g.images, g.stride[2], policy.strip, policy.rows};
  p.b.is_staged = true;
  change(p);
  using kernel = depthwise<policy, decltype(p)>;
  launch<kernel>(virtual_gpu(), {static_cast<int>(kernel::block_count(p))}, p, {});
  const auto want = data_gradient_of(c, dy.exact, w.exact);
  int wrong = 0;
  for (std::size_t i = 0; i < want.size(); ++i) wrong += double{dx[i]} != want[i];
  return wrong;
}

TEST(depthwise_faults, are_seen) {
  EXPECT_EQ(wrong_elements([](auto&) {}), 0);
  EXPECT_GT(wrong_elements([](auto& p) { ++p.a.walk[2].of[1].origin; }), 0);       // a tap reads the next pixel
  EXPECT_GT(wrong_elements([](auto& p) { --p.a.walk[1].of[1].taps; }), 0);         // a row of taps is left out
  EXPECT_GT(wrong_elements([](auto& p) { p.a.walk[2].of[0].first_tap = 0; }), 0);  // the wrong tap
  EXPECT_GT(wrong_elements([](auto& p) { --p.a.grid.strips; }), 0);                // the last strip is not stored
  // One residue class for all pixels of a row: several lanes write the same pixel.
  EXPECT_NE(refusal([] { wrong_elements([](auto& p) { p.a.walk[2].classes = divisor(1); }); }).find("race"),
            std::string::npos);
}

}  // namespace
