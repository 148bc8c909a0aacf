// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the convolution kernels move on aligned channels-last tensors, as the virtual GPU counts it: each element as
// often as the tiling says and never for padding, whole sectors, no bank conflict in the k loop.
#include "tests/conv_calls.hpp"
#include "tests/kernels/gemm_traffic.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

/// A candidate of the table whose tiles are not shared along k.
template <conv_direction Direction, class T>
constexpr auto candidate(int place) {
  auto p = [&] {
    if constexpr (sizeof(T) == 2)
      return conv_mma_sync_table<T, Direction>::candidates[place];
    else
      return conv_simt_table<T, Direction>::candidates[place];
  }();
  p.k_parts = 1;
  return p;
}

/// The number of pairs of a pixel of x and a pixel of y that a tap joins: the taps that are not on padding.
std::int64_t joined_pixels(const conv_case& p) {
  conv_case one = p;
  one.channels = one.filters = one.groups = 1;
  std::int64_t count = 0;
  each_product(one, [&](std::size_t, std::size_t, std::size_t) { ++count; });
  return count;
}

/// 2x2 taps on an image of 16 x 16, padded before: as many pixels in y as in x, or a quarter with a stride of 2.
conv_case two_by_two(int channels, int stride) {
  conv_case p;
  p.channels = p.filters = channels;
  p.in = {1, 16, 16}, p.taps = {1, 2, 2}, p.stride = {1, stride, stride}, p.before = {0, 1, 1};
  return p;
}

template <conv_direction Direction, class T, int Place>
void expect_traffic(const conv_case& p) {
  constexpr auto policy = candidate<Direction, T>(Place);
  constexpr bool forward = Direction == conv_direction::forward, data = Direction == conv_direction::data_gradient;
  SCOPED_TRACE(p.text() + ", " + element<T>::name + ", " + describe(policy).c_str());
  const auto dense = [](const virtual_gpu& gpu, const conv_case::extents& e) {
    buffer<T, 4> result(gpu, e[0], e[2], e[3], e[4]);
    fill_zero(gpu, result);
    return result;
  };
  const auto profiles = profiles_of([&](const virtual_gpu& gpu) {
    const auto x = dense(gpu, p.x()), w = dense(gpu, p.w()), y = dense(gpu, p.y());
    if constexpr (forward)
      conv2d<policy>(gpu, x, w, y, options_of<2>(p));
    else if constexpr (data)
      conv2d_data_gradient<policy>(gpu, y, w, x, options_of<2>(p));
    else
      conv2d_weight_gradient<policy>(gpu, x, y, w, options_of<2>(p));
  });
  ASSERT_EQ(profiles.size(), 1u);
  const launch_profile& of = profiles[0];

  // Tiles of all pixels; those of a strided data gradient are counted for each residue class.
  const std::int64_t x_pixels = p.in.volume(), y_pixels = p.y()[1] * p.y()[2] * p.y()[3], taps = p.taps.volume(),
                     c = p.channels, k = p.filters, joined = joined_pixels(p);
  const auto pieces_of = [](std::int64_t n, int block) { return pieces(static_cast<int>(n), block); };
  const std::int64_t classes = data ? p.stride.volume() : 1;
  std::int64_t elements = 0, products = 0;
  if constexpr (forward) {
    elements = joined * c * pieces_of(k, policy.block.n) + taps * c * k * pieces_of(y_pixels, policy.block.m);
    products = y_pixels * taps * c * k;
  } else if constexpr (data) {
    elements = joined * k * pieces_of(c, policy.block.n) +
               taps * c * k * pieces_of(x_pixels / classes, policy.block.m);  // a class has taps / classes of the taps
    products = x_pixels / classes * taps * c * k;
  } else {
    elements = y_pixels * k * pieces_of(taps * c, policy.block.n) + joined * c * pieces_of(k, policy.block.m);
    products = y_pixels * taps * c * k;
  }
  constexpr auto bytes_of_element = static_cast<std::int64_t>(sizeof(T));
  constexpr bool tensor_cores = sizeof(T) == 2;
  constexpr compute_unit multiplies = [] {
    if constexpr (tensor_cores) return atoms::mma_shape<T>::on;
    return fma_unit<T>;
  }();
  constexpr site_kind loading = tensor_cores ? site_kind::async_copy : site_kind::global_load;
  const char* const load_step = tensor_cores ? "copy tiles" : "fetch a tile";
  const std::int64_t of_x = x_pixels * c, of_w = taps * c * k, of_y = y_pixels * k;
  const std::int64_t written = forward ? of_y : data ? of_x : of_w;
  EXPECT_EQ(of.operations(multiplies), products);
  EXPECT_EQ(sum_of(of, loading, &site_profile::bytes, load_step), elements * bytes_of_element);
  EXPECT_EQ(of.unique_bytes_read, (of_x + of_w + of_y - written) * bytes_of_element);
  EXPECT_EQ(of.unique_bytes_written, written * bytes_of_element);
  EXPECT_EQ(sum_of(of, loading, &site_profile::sectors, load_step),
            sum_of(of, loading, &site_profile::fewest_sectors, load_step));
  EXPECT_EQ(sum_of(of, site_kind::global_store, &site_profile::sectors) * 32, of.unique_bytes_written);
  EXPECT_GT(sum_of(of, site_kind::shared_load, &site_profile::wavefronts, "load fragments"), 0);
  EXPECT_EQ(sum_of(of, site_kind::shared_load, &site_profile::wavefronts, "load fragments"),
            sum_of(of, site_kind::shared_load, &site_profile::fewest_wavefronts, "load fragments"));
  EXPECT_EQ(sum_of(of, site_kind::shared_store, &site_profile::wavefronts),
            sum_of(of, site_kind::shared_store, &site_profile::fewest_wavefronts));
}

template <class T>
class conv_traffic : public testing::Test {};
using elements = testing::Types<float, bf16>;
TYPED_TEST_SUITE(conv_traffic, elements);

TYPED_TEST(conv_traffic, moves_what_the_small_tiles_say) {
  const conv_case p = two_by_two(64, 1);
  expect_traffic<conv_direction::forward, TypeParam, conv_places::small>(p);
  expect_traffic<conv_direction::data_gradient, TypeParam, conv_places::small>(p);
  expect_traffic<conv_direction::weight_gradient, TypeParam, conv_places::small>(p);
}
TYPED_TEST(conv_traffic, moves_what_the_large_tiles_say) {
  const conv_case p = two_by_two(128, 1);
  expect_traffic<conv_direction::forward, TypeParam, conv_places::large>(p);
  expect_traffic<conv_direction::data_gradient, TypeParam, conv_places::large>(p);
  expect_traffic<conv_direction::weight_gradient, TypeParam, conv_places::large>(p);
}
// Each residue class has one of the four taps: a quarter of the products that inserted zeros would take.
TYPED_TEST(conv_traffic, skips_the_products_with_inserted_zeros) {
  expect_traffic<conv_direction::data_gradient, TypeParam, conv_places::small>(two_by_two(64, 2));
}

}  // namespace
