// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Global average and max pooling for 1 to 3 spatial dimensions, forward and backward, against references in double.
// Whole numbers, so that sums are exact and every executor must have the same bits.
#include "tests/pixels.hpp"

#include <tilery/global_pool.hpp>
#include <tilery/validate.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

template <class Executor>
class global_pool_on : public on_executor<Executor> {
public:
  template <class T, int N>
  void check(const five& extents, pixel_layout how, layout of_y, int most = 8) {
    SCOPED_TRACE(testing::Message() << testing::PrintToString(extents) << ", " << name_of(how) << " to "
                                    << name_of(of_y));
    using S = accumulator_t<T>;
    const int n = extents[0], c = extents[4], pixels = extents[1] * extents[2] * extents[3];
    const five pooled{n, 1, 1, 1, c};
    const grid<double> values = draw_grid(extents, most), dy = draw_grid(pooled, 9);
    grid<double> mean(pooled), largest(pooled), index(pooled), mean_dx(extents), largest_dx(extents);
    for (double& v : largest.values) v = -INFINITY;
    for_each_position(extents, [&](const five& i) {
      const five o{i[0], 0, 0, 0, i[4]};
      mean[o] += values[i];
      if (values[i] > largest[o]) largest[o] = values[i], index[o] = (i[1] * extents[2] + i[2]) * extents[3] + i[3];
      mean_dx[i] = static_cast<S>(dy[o]) / static_cast<S>(pixels);
    });
    for_each_position(extents, [&](const five& i) {
      const five o{i[0], 0, 0, 0, i[4]};
      if ((i[1] * extents[2] + i[2]) * extents[3] + i[3] == index[o]) largest_dx[i] = dy[o];
    });
    for (double& v : mean.values) v = static_cast<S>(v) / static_cast<S>(pixels);

    const auto x = place_pixels<N, T>(*this, values, how);
    const auto y = place(*this, std::vector<T>(mean.values.size()), n, c, of_y);
    const auto places = place(*this, std::vector<std::int32_t>(mean.values.size()), n, c, of_y);
    const auto matrix_of = [&](const auto& placed) {
      auto result = grid<typename std::remove_reference_t<decltype(gather(*this, placed))>::value_type>(pooled);
      result.values = gather(*this, placed);
      return result;
    };
    global_average_pool(this->executor, x.read(), y.view);
    expect_values(matrix_of(y), mean, "mean");
    global_max_pool(this->executor, x.read(), y.view);
    expect_values(matrix_of(y), largest, "maximum without indices");
    global_max_pool(this->executor, x.read(), y.view, places.view);
    expect_values(matrix_of(y), largest, "maximum");
    expect_values(matrix_of(places), index, "index");

    std::vector<T> dy_values;
    for (const double v : dy.values) dy_values.push_back(convert<T>(static_cast<S>(v)));
    const auto gradient = place(*this, dy_values, n, c, of_y);
    const auto dx = place_pixels<N, T>(*this, draw_grid(extents, 9), how);
    global_average_pool_gradient(this->executor, gradient.read(), dx.view);
    expect_values(gather_pixels(*this, dx), mean_dx, "dx of the mean");
    global_max_pool_gradient(this->executor, gradient.read(), places.read(), dx.view);
    expect_values(gather_pixels(*this, dx), largest_dx, "dx of the maximum");
  }
};
TYPED_TEST_SUITE(global_pool_on, executors);

TYPED_TEST(global_pool_on, drawn_images_of_every_type_layout_and_rank) {
  for_types<double, float, half, bf16>([&]<class T>() {
    for (int round = 0; round < 6; ++round) {
      const auto c = [] { return draw(0, 1) ? draw(1, 40) : 8 * draw(1, 20); };
      const auto of_y = [] { return layouts[draw(0, 4)]; };
      this->template check<T, 1>({draw(1, 3), 1, 1, draw(1, 300), c()}, draw_layout(), of_y());
      this->template check<T, 2>({draw(1, 3), 1, draw(1, 9), draw(1, 9), c()}, draw_layout(), of_y());
      this->template check<T, 3>({draw(1, 2), draw(1, 4), draw(1, 4), draw(1, 5), c()}, draw_layout(), of_y());
    }
  });
  for (const pixel_layout how : pixel_layouts) this->template check<float, 2>({2, 1, 7, 7, 96}, how, layout::dense);
  this->template check<float, 2>({1, 1, 80, 70, 3}, pixel_layout::channels_first, layout::dense);
  this->template check<bf16, 2>({1, 1, 75, 70, 8}, pixel_layout::channels_last, layout::dense, 1);
}

// A chain of additions of one number would round in the same direction each time.
TYPED_TEST(global_pool_on, adds_large_images_without_a_long_chain) {
  const int pixels = 200'000;
  const auto x = this->put(std::vector<float>(static_cast<std::size_t>(pixels) * 4, 0.7f));
  for (const bool channels_first : {false, true}) {
    const auto y = this->put(std::vector<float>(4));
    tensor_view<float, 3> view(x.data_handle(), 1, pixels, 4);
    if (channels_first) view.strides[1] = 1, view.strides[2] = pixels;
    global_average_pool(this->executor, view, matrix(y.data_handle(), 1, 4));
    for (const float mean : this->get(y))
      EXPECT_NEAR(mean, double{0.7f}, 0.7 * (256 + pixels / 256.0 + 17) * 0x1p-24) << channels_first;
  }
}

TYPED_TEST(global_pool_on, takes_the_first_of_ties_and_the_first_nan) {
  // Equal elements that different lanes of a GPU read, and in images longer than a lane's part.
  for (const pixel_layout how : {pixel_layout::channels_last, pixel_layout::channels_first})
    for (const int pixels : {40, 9000}) {
      grid<double> x({1, 1, 1, pixels, 5});
      const auto set = [&](int channel, int pixel, double value) { x[{0, 0, 0, pixel, channel}] = value; };
      set(0, 7, 1), set(0, 8, 1), set(0, 39, 1);                             // 7
      set(1, 5, 3), set(1, 20, NAN), set(1, 21, NAN), set(1, 38, INFINITY);  // 20
      for (int i = 0; i < pixels; ++i) set(2, i, -INFINITY);                 // 0
      for (int i = 0; i < pixels; ++i) set(3, i, NAN);                       // 0
      set(4, 33, NAN), set(4, pixels - 1, NAN);                              // 33
      const auto from = place_pixels<1, float>(*this, x, how);
      const auto y = this->put(std::vector<float>(5));
      const auto places = this->put(std::vector<std::int32_t>(5));
      global_max_pool(this->executor, from.read(), matrix(y.data_handle(), 1, 5), matrix(places.data_handle(), 1, 5));
      EXPECT_EQ(this->get(places), (std::vector<std::int32_t>{7, 20, 0, 0, 33})) << name_of(how) << pixels;
      const auto got = this->get(y);
      EXPECT_TRUE(got[0] == 1 && std::isnan(got[1]) && got[2] == -INFINITY && std::isnan(got[3]) && std::isnan(got[4]));
      global_max_pool(this->executor, from.read(), matrix(y.data_handle(), 1, 5));
      const auto again = this->get(y);
      EXPECT_TRUE(again[0] == 1 && std::isnan(again[1]) && again[2] == -INFINITY && std::isnan(again[4]));
    }
}

TYPED_TEST(global_pool_on, refuses_bad_input_before_it_launches) {
  const auto memory = this->put(std::vector<float>(1024, 7.0f));
  const auto numbers = this->put(std::vector<std::int32_t>(64, 7));
  float* const p = memory.data_handle();
  const auto x = tensor(p, {2, 4, 5, 4});
  const auto y = matrix(p + 512, 2, 4);
  const auto& e = this->executor;
  EXPECT_REFUSED(global_average_pool(e, x, matrix(p + 512, 4, 2)),
                 "global_average_pool: y is 4 x 2; it must be 2 x 4, n and c of x");
  EXPECT_REFUSED(global_max_pool(e, x, y, matrix(numbers.data_handle(), 2, 3)),
                 "global_max_pool: indices is 2 x 3; it must be 2 x 4, n and c of x");
  EXPECT_REFUSED(global_average_pool(e, tensor(p, {2, 4, 0, 4}), y),
                 "global_average_pool: the width of x is 0; it must be at least 1");
  EXPECT_REFUSED(global_average_pool_gradient(e, matrix(p + 512, 1, 4), x),
                 "global_average_pool_gradient: dy is 1 x 4; it must be 2 x 4, n and c of dx");
  EXPECT_REFUSED(global_max_pool_gradient(e, y, matrix(numbers.data_handle(), 1, 4), x),
                 "global_max_pool_gradient: indices is 1 x 4; it must be 2 x 4, n and c of dx");
  EXPECT_REFUSED(global_average_pool(e, x, matrix(p + 3, 2, 4)),
                 "global_average_pool: y shares an element with x; the two must not overlap");
  EXPECT_REFUSED(global_average_pool(e, x, matrix(static_cast<float*>(nullptr), 2, 4)),
                 "global_average_pool: y is a null view of size 2 x 4");
  const auto far = [](std::int64_t tera) { return reinterpret_cast<half*>(tera << 42); };
  EXPECT_EQ(validate(e,
                     [&](const auto& v) {
                       global_average_pool(v, tensor_view<half, 4>(far(1), 1, 1 << 16, 1 << 16, 4),
                                           matrix(far(2), 1, 4));
                     }),
            "global_average_pool: x is 1 x 65536 x 65536 x 4; an image must have at most 2147352575 pixels");
  EXPECT_EQ(this->get(memory), std::vector<float>(1024, 7.0f)) << "nothing was written";
  global_average_pool(e, tensor(static_cast<float*>(nullptr), {0, 4, 5, 4}),
                      matrix(static_cast<float*>(nullptr), 0, 4));
  global_max_pool_gradient(e, matrix(static_cast<const float*>(nullptr), 2, 0),
                           matrix(static_cast<const std::int32_t*>(nullptr), 2, 0),
                           tensor(static_cast<float*>(nullptr), {2, 4, 5, 0}));
}

#ifndef __CUDACC__  // no GPU is needed
TEST(global_pool_policy, says_which_rule_is_broken) {
  EXPECT_EQ(broken_rule(global_pool_policy{}), nullptr);
  EXPECT_STREQ(broken_rule(global_pool_policy{.vector = 0}),
               "global_pool_policy.vector must be a power of two, because an access is one pack");
  EXPECT_STREQ(broken_rule(global_pool_policy{.packs = 0}), "global_pool_policy.packs must be at least 1");
  EXPECT_STREQ(broken_rule(global_pool_policy{.threads = 2048}),
               "global_pool_policy.threads must be a multiple of 32, from 32 to 1024");
  EXPECT_STREQ(broken_rule(global_pool_policy{.channel_lanes = 7}),
               "global_pool_policy.channel_lanes must divide threads");
  EXPECT_STREQ(broken_rule(global_pool_policy{.lowest = arch::cpu}),
               "global_pool_policy.threads and channel_lanes must be 1 on the CPU");
  for (const global_pool_policy& p : global_pool_table_gpu<half>::candidates) EXPECT_EQ(broken_rule(p), nullptr);
  for (const global_pool_policy& p : global_pool_table_cpu<double>::candidates) EXPECT_EQ(broken_rule(p), nullptr);
}
#endif

}  // namespace
