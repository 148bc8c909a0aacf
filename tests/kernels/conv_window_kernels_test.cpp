// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The traffic of the convolution kernels for few input channels, as the virtual GPU counts it: each pixel as often as
// the windows of the tiles overlap, whole sectors, hardly a bank conflict. And planted faults: parameters that are
// wrong in one place give another result than the reference, or are reported.
#include "tests/conv_calls.hpp"
#include "tests/kernels/gemm_traffic.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

/// A layer of square images and filters that keeps the extents at a stride of 1.
struct layer {
  int channels, filters, extent, taps, stride;
  tile_mn tile;  // pixels of y along the height and the width

  int out() const { return extent / stride; }
  std::int64_t columns() const { return std::int64_t{taps} * taps * channels; }
  std::int64_t x() const { return std::int64_t{extent} * extent * channels; }
  std::int64_t y() const { return std::int64_t{out()} * out() * filters; }
};
constexpr layer layers[] = {{3, 64, 56, 7, 2, {4, 32}},  // 7 tiles of 4 x 32, or 8 of 8 x 16
                            {3, 64, 32, 3, 1, {8, 16}},  // 8 tiles either way, and fewer pixels in windows of 10 x 18
                            {1, 16, 28, 3, 1, {4, 32}},
                            {4, 32, 48, 5, 2, {8, 16}}};

/// Coordinates of x that the windows of tiles have along one dimension, each as often as windows have it; `more` are
/// those that a window has beyond the last tap.
std::int64_t window_coordinates(const layer& l, int tile, int more) {
  std::int64_t count = 0;
  for (int first = 0; first < l.out(); first += tile) {
    const int begin = first * l.stride - l.taps / 2, end = begin + (tile - 1) * l.stride + l.taps + more;
    for (int at = begin; at < end; ++at) count += at >= 0 && at < l.extent;
  }
  return count;
}

template <class T, class Call>
std::vector<launch_profile> profiles_of_layer(const layer& l, const Call& call) {
  return profiles_of([&](const virtual_gpu& gpu) {
    const buffer<T, 4> x(gpu, 1, l.extent, l.extent, l.channels), w(gpu, l.filters, l.taps, l.taps, l.channels),
        y(gpu, 1, l.out(), l.out(), l.filters);
    fill_zero(gpu, x), fill_zero(gpu, w), fill_zero(gpu, y);
    call(gpu, x, w, y, conv_options<2>{.stride = l.stride, .padding = l.taps / 2});
  });
}

std::int64_t total(const launch_profile& p, site_kind kind, std::int64_t site_profile::*what, const char* step = "") {
  return sum_of(p, kind, what, step);
}

/// The loads of x. A window has `more` pixels along the width than the taps read.
template <class T>
void expect_windows(const launch_profile& p, const layer& l, int more, std::int64_t times) {
  const std::int64_t elements =
      window_coordinates(l, l.tile.m, 0) * window_coordinates(l, l.tile.n, more) * l.channels * times;
  const auto of = [&](std::int64_t site_profile::*what) {
    return total(p, site_kind::global_load, what, "load the window");
  };
  EXPECT_EQ(of(&site_profile::bytes), elements * static_cast<std::int64_t>(sizeof(T)));
  EXPECT_LE(elements * 4, l.x() * 7 * times);  // the implicit GEMM loads x about (taps / stride)^2 times
  // A warp loads parts of up to three rows, which begin and end anywhere in a sector.
  EXPECT_LE(of(&site_profile::sectors), of(&site_profile::fewest_sectors) + 4 * of(&site_profile::requests));
}

template <class T>
void expect_forward(const layer& l) {
  SCOPED_TRACE(::testing::Message() << element<T>::name << ", " << l.taps << " taps, " << l.channels << " channels");
  const auto profiles = profiles_of_layer<T>(l, [](const auto& gpu, const auto& x, const auto& w, const auto& y,
                                                   const auto& o) { conv2d(gpu, x, w, y, o); });
  ASSERT_EQ(profiles.size(), 1u);
  const launch_profile& p = profiles[0];
  constexpr bool tensor_cores = sizeof(T) == 2;
  EXPECT_STREQ(p.kernel, tensor_cores ? "conv_window_mma_sync" : "conv_window");
  expect_windows<T>(p, l, tensor_cores && l.taps * l.channels % 2 ? 1 : 0, 1);
  EXPECT_EQ(total(p, site_kind::global_load, &site_profile::lanes, "load the filters"),
            l.columns() * l.filters * p.blocks.volume());
  EXPECT_EQ(total(p, site_kind::global_store, &site_profile::bytes), l.y() * static_cast<std::int64_t>(sizeof(T)));
  EXPECT_EQ(total(p, site_kind::global_store, &site_profile::sectors) * 32,
            l.y() * static_cast<std::int64_t>(sizeof(T)));
  const std::int64_t wavefronts = total(p, site_kind::shared_load, &site_profile::wavefronts),
                     fewest = total(p, site_kind::shared_load, &site_profile::fewest_wavefronts);
  // On tensor cores, 4 pairs of columns that are in two rows of taps may share a bank with those of other pixels.
  if (tensor_cores)
    EXPECT_LE(wavefronts * 100, fewest * 115);
  else
    EXPECT_EQ(wavefronts, fewest);
}

TEST(conv_window_traffic, loads_each_pixel_as_often_as_windows_overlap) {
  for (const layer& l : layers) {
    expect_forward<float>(l);
    expect_forward<bf16>(l);
  }
}

// The products of all columns and of tiles that are filled up: hardly more than there are.
TEST(conv_window_traffic, multiplies_few_zeros) {
  const layer& l = layers[0];
  const auto forward = [](const auto& gpu, const auto& x, const auto& w, const auto& y, const auto& o) {
    conv2d(gpu, x, w, y, o);
  };
  const std::int64_t tiles = 7, pixels = tiles * 128;
  EXPECT_EQ(profiles_of_layer<float>(l, forward)[0].operations(compute_unit::fma_f32),
            pixels * l.columns() * l.filters);
  // A row of 21 columns becomes 22, and 7 of them 160.
  EXPECT_EQ(profiles_of_layer<bf16>(l, forward)[0].operations(compute_unit::tensor_f16), pixels * 160 * l.filters);
}

template <class T>
void expect_weight_gradient(const layer& l) {
  SCOPED_TRACE(::testing::Message() << element<T>::name << ", " << l.taps << " taps, " << l.channels << " channels");
  const auto profiles = profiles_of_layer<T>(l, [](const auto& gpu, const auto& x, const auto& w, const auto& y,
                                                   const auto& o) { conv2d_weight_gradient(gpu, x, y, w, o); });
  ASSERT_EQ(profiles.size(), 2u);
  const launch_profile& p = profiles[0];
  EXPECT_STREQ(p.kernel, sizeof(T) == 2 ? "conv_window_weight_gradient_mma_sync" : "conv_window_weight_gradient");
  EXPECT_STREQ(profiles[1].kernel, "depthwise_totals");
  const bool narrow = l.columns() <= 32;
  const std::int64_t filter_tiles = pieces(l.filters, narrow ? 32 : 64);
  expect_windows<T>(p, l, 0, filter_tiles);
  EXPECT_EQ(total(p, site_kind::global_load, &site_profile::bytes, "load the gradient"),
            l.y() * static_cast<std::int64_t>(sizeof(T)));
  EXPECT_EQ(total(p, site_kind::global_load, &site_profile::sectors, "load the gradient") * 32,
            l.y() * static_cast<std::int64_t>(sizeof(T)));
  EXPECT_EQ(total(p, site_kind::global_store, &site_profile::sectors) * 32,
            total(p, site_kind::global_store, &site_profile::bytes));
  EXPECT_LE(total(p, site_kind::shared_load, &site_profile::wavefronts) * 100,
            total(p, site_kind::shared_load, &site_profile::fewest_wavefronts) * 125);
}

TEST(conv_window_traffic, weight_gradients_load_dy_once) {
  for (const layer& l : layers) {
    expect_weight_gradient<float>(l);
    expect_weight_gradient<bf16>(l);
  }
}

/// A convolution of two images of 17 x 30 x 3 with 3 x 3 taps. Its tiles have 4 x 32 pixels: none is full along the
/// width, and the last of an image have one row.
struct small_case {
  conv_case c;

  small_case() {
    c.images = 2, c.channels = 3, c.filters = 8;
    c.in = {1, 17, 30}, c.taps = {1, 3, 3}, c.before = c.after = {0, 1, 1};
  }
  conv_window_problem problem(conv_direction direction) const {
    conv_window_problem q;
    q.direction = direction, q.element_bytes = 2, q.c_vector = 8, q.target = arch::sm_80;
    q.geometry.images = 2, q.geometry.channels = 3, q.geometry.filters = 8;
    q.geometry.in = q.geometry.out = c.in, q.geometry.taps = c.taps;
    q.geometry.before = q.geometry.after = {0, 1, 1};
    return q;
  }
};
template <class T>
auto view_of(T* data, const conv_case::extents& e) {
  return tensor_view<T, 5>(data, e[0], e[1], e[2], e[3], e[4]);
}
int differences(const std::vector<float>& got, const std::vector<double>& want) {
  int wrong = 0;
  for (std::size_t i = 0; i < want.size(); ++i) wrong += double{got[i]} != want[i];
  return wrong;
}

/// The elements of y that differ from the reference, where change(params) has changed the parameters of the kernel on
/// tensor cores. One block computes every third tile.
template <class Change>
int wrong_outputs(const Change& change) {
  const small_case s;
  const whole_numbers<half> x(size_of(s.c.x())), w(size_of(s.c.w()));
  std::vector<float> y(size_of(s.c.y()), 99);
  constexpr auto policy = conv_window_table<half, conv_direction::forward, true>::candidates[1];
  auto p = ops::window_params_of<policy>(s.problem(conv_direction::forward), view_of(x.values.data(), s.c.x()),
                                         view_of(w.values.data(), s.c.w()), view_of(y.data(), s.c.y()),
                                         epilogue::none(), {});
  p.a.step = 3;
  change(p.a);
  launch<conv_window_mma_sync<policy, decltype(p)>>(virtual_gpu(arch::sm_80), {3}, p, {});
  return differences(y, conv_of(s.c, x.exact, w.exact));
}
/// The same for the sums of the weight gradient.
template <class Change>
int wrong_sums(const Change& change) {
  const small_case s;
  const whole_numbers<half> x(size_of(s.c.x())), dy(size_of(s.c.y()));
  constexpr int slices = 3, columns = 27;
  std::vector<float> sums(slices * columns * 8, 99), dw(8 * columns);
  constexpr auto policy = conv_window_table<half, conv_direction::weight_gradient, true>::candidates[1];
  auto p = ops::window_weight_params_of<policy, float>(s.problem(conv_direction::weight_gradient),
                                                       view_of(x.values.data(), s.c.x()),
                                                       view_of(dy.values.data(), s.c.y()));
  p.sums = gmem_ptr<float>(sums.data()), p.pitch = 8, p.x.step = slices;
  change(p.x);
  launch<conv_window_weight_mma_sync<policy, half>>(virtual_gpu(arch::sm_80), {slices}, p, {});
  for (int i = 0; i < slices; ++i)
    for (int k = 0; k < columns; ++k)
      for (int f = 0; f < 8; ++f) dw[f * columns + k] += sums[(i * columns + k) * 8 + f];
  return differences(dw, weight_gradient_of(s.c, x.exact, dy.exact));
}

TEST(conv_window_faults, are_seen) {
  EXPECT_EQ(wrong_outputs([](auto&) {}), 0);
  EXPECT_EQ(wrong_sums([](auto&) {}), 0);
  // Elements are wrong, or the virtual GPU reports a fault.
  const auto both = [](const auto& change) {
    int outputs = 0, sums = 0;
    if (refusal([&] { outputs = wrong_outputs(change); }).empty()) EXPECT_GT(outputs, 0);
    if (refusal([&] { sums = wrong_sums(change); }).empty()) EXPECT_GT(sums, 0);
  };
  both([](auto& x) { ++x.walk[2].origin; });        // the window begins one pixel too late
  both([](auto& x) { --x.walk[1].origin; });        // or one row too early
  both([](auto& x) { x.walk[1].step = 2; });        // a tile's second row reads the third row
  both([](auto& x) { --x.tiles; });                 // the last tile is left out
  both([](auto& x) { --x.out.of[2]; });             // the last pixel of a row is left out
  both([](auto& x) { x.down = fast_divisor(4); });  // an image has four rows of tiles, not five
  // The window has a row, or a pixel, less than the taps read.
  const auto reports = [](const auto& change, const char* what) {
    EXPECT_NE(refusal([&] { wrong_outputs(change); }).find(what), std::string::npos);
    EXPECT_NE(refusal([&] { wrong_sums(change); }).find(what), std::string::npos);
  };
  reports([](auto& x) { x.rows = fast_divisor(x.rows.value - 1); }, "uninitialised");
  reports([](auto& x) { x.line = fast_divisor(x.line.value - 9); }, "uninitialised");
  // Pixels at odd elements need the second copy of the window.
  EXPECT_NE(refusal([&] { wrong_outputs([](auto& x) { x.copy = 0; }); }).find("aligned"), std::string::npos);
}

}  // namespace
