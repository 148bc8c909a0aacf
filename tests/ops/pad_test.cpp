// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Padding by zeros, reflection and replication in 1 to 3 dimensions, forward and backward, against a reference by
// scatter, and against PyTorch. All values are whole numbers: every executor must have the same bits.
#include "tests/ops/padding_golden.hpp"
#include "tests/pixels.hpp"

#include <tilery/pad.hpp>
#include <tilery/validate.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

struct padding_case {
  five x;
  std::array<int, 3> before{}, after{};
  pad_mode mode = pad_mode::zero;

  five y() const {
    five e = x;
    for (std::size_t d = 0; d < 3; ++d) e[d + 1] += before[d] + after[d];
    return e;
  }
  /// The element that output o is a copy of; false for a zero. A reflection walks to and fro between the ends.
  bool source(const five& o, five& i) const {
    i = o;
    for (std::size_t d = 0; d < 3; ++d) {
      int place = o[d + 1] - before[d];
      const int last = x[d + 1] - 1;
      if (place < 0 || place > last) {
        if (mode == pad_mode::zero) return false;
        if (mode == pad_mode::replicate) {
          place = std::clamp(place, 0, last);
        } else {
          int steps = place < 0 ? -place : place - last;
          for (place = place < 0 ? 0 : last; steps > 0; --steps) place += o[d + 1] < before[d] ? 1 : -1;
        }
      }
      i[d + 1] = place;
    }
    return true;
  }
  template <int N>
  pad_options<N> options() const {
    pad_options<N> o;
    for (int d = 0; d < N; ++d) {
      const std::size_t from = static_cast<std::size_t>(3 - N + d);
      o.padding.of[d] = before[from], o.padding_after.of[d] = after[from];
    }
    o.mode = mode;
    return o;
  }
};

padding_case draw_padding(int dimensions, pad_mode mode) {
  padding_case p{.x = {draw(1, 2), 1, 1, 1, draw(0, 1) ? draw(1, 9) : 16}, .mode = mode};
  for (std::size_t d = static_cast<std::size_t>(3 - dimensions); d < 3; ++d) {
    p.x[d + 1] = draw(1, dimensions == 3 ? 4 : 7);
    const int most = mode == pad_mode::reflect ? p.x[d + 1] - 1 : 6;
    p.before[d] = draw(0, most), p.after[d] = draw(0, most);
  }
  return p;
}

template <int N, class... Arguments>
void run(const Arguments&... arguments) {
  if constexpr (N == 1) pad1d(arguments...);
  if constexpr (N == 2) pad2d(arguments...);
  if constexpr (N == 3) pad3d(arguments...);
}
template <int N, class... Arguments>
void run_gradient(const Arguments&... arguments) {
  if constexpr (N == 1) pad1d_gradient(arguments...);
  if constexpr (N == 2) pad2d_gradient(arguments...);
  if constexpr (N == 3) pad3d_gradient(arguments...);
}

template <class Executor>
class pad_on : public on_executor<Executor> {
public:
  template <class T, int N>
  void check(const padding_case& p, pixel_layout of_x, pixel_layout of_y) {
    SCOPED_TRACE(testing::Message() << "mode " << static_cast<int>(p.mode) << ", " << testing::PrintToString(p.x)
                                    << ", " << testing::PrintToString(p.before) << ", "
                                    << testing::PrintToString(p.after) << ", " << name_of(of_x) << " to "
                                    << name_of(of_y));
    const grid<double> values = draw_grid(p.x, 8), dy_values = draw_grid(p.y(), 2);
    grid<double> y(p.y()), dx(p.x);
    for_each_position(y.extents, [&](const five& o) {
      if (five i; p.source(o, i)) y[o] = values[i], dx[i] += dy_values[o];
    });
    const auto from = place_pixels<N, T>(*this, values, of_x);
    const auto to = place_pixels<N, T>(*this, draw_grid(p.y(), 9), of_y);
    run<N>(this->executor, from.read(), to.view, p.options<N>());
    const auto got = gather_pixels(*this, to);
    expect_values(got, y, "y");
    const auto gradient = place_pixels<N, T>(*this, dy_values, of_y);
    const auto to_dx = place_pixels<N, T>(*this, draw_grid(p.x, 9), of_x);
    run_gradient<N>(this->executor, gradient.read(), to_dx.view, p.options<N>());
    const auto got_dx = gather_pixels(*this, to_dx);
    expect_values(got_dx, dx, "dx");
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
      EXPECT_EQ(dot(got, dy_values), dot(got_dx, values)) << "the adjoint";
    }
  }
};
TYPED_TEST_SUITE(pad_on, executors);

TYPED_TEST(pad_on, drawn_paddings_of_every_type_layout_rank_and_mode) {
  for_types<double, float, half, bf16>([&]<class T>() {
    for (const pad_mode mode : {pad_mode::zero, pad_mode::reflect, pad_mode::replicate}) {
      for (int round = 0; round < 6; ++round) {
        this->template check<T, 1>(draw_padding(1, mode), draw_layout(), draw_layout());
        this->template check<T, 2>(draw_padding(2, mode), draw_layout(), draw_layout());
        this->template check<T, 3>(draw_padding(3, mode), draw_layout(), draw_layout());
      }
      for (const pixel_layout how : pixel_layouts) this->template check<T, 2>(draw_padding(2, mode), how, how);
    }
  });
}

// The sign of a zero and the payload of an infinity are copied, too.
TYPED_TEST(pad_on, copies_bits) {
  grid<double> x({1, 1, 1, 3, 4});
  for_each_position(x.extents, [&](const five& i) { x[i] = i[3] == 0 ? -0.0 : i[3] == 1 ? INFINITY : -INFINITY; });
  const auto from = place_pixels<1, half>(*this, x, pixel_layout::channels_last);
  const auto to = place_pixels<1, half>(*this, grid<double>({1, 1, 1, 5, 4}), pixel_layout::channels_last);
  pad1d(this->executor, from.read(), to.view, {.padding = 1, .mode = pad_mode::replicate});
  const auto y = gather_pixels(*this, to);
  for (int w = 0; w < 5; ++w) {
    const double value = as_double(y[{0, 0, 0, w, 3}]), want = w < 2 ? -0.0 : w == 2 ? INFINITY : -INFINITY;
    EXPECT_TRUE(value == want && std::signbit(value) == std::signbit(want)) << w << ": " << value;
  }
  pad1d(this->executor, from.read(), to.view, {.padding = 1});
  EXPECT_FALSE(std::signbit(as_double(gather_pixels(*this, to)[{0, 0, 0, 0, 0}]))) << "the padding is +0";
}

// What PyTorch 2.15.0 computes (pixel_golden.py).
TYPED_TEST(pad_on, agrees_with_pytorch) {
  for (const golden_padding& g : golden_paddings) {
    const five x{1, 1, g.x[0], g.x[1], g.x[2]}, y{1, 1, g.y[0], g.y[1], g.x[2]};
    const pad_options<2> options{.padding = g.before, .padding_after = g.after, .mode = static_cast<pad_mode>(g.mode)};
    SCOPED_TRACE(testing::Message() << testing::PrintToString(x) << " to " << testing::PrintToString(y) << " "
                                    << g.mode);
    grid<double> x_values(x), y_values(y), dy_values(y), dx_values(x);
    x_values.values = g.x_values, y_values.values = g.y_values;
    dy_values.values = g.dy_values, dx_values.values = g.dx_values;
    const auto from = place_pixels<2, float>(*this, x_values, pixel_layout::channels_last);
    const auto gradient = place_pixels<2, float>(*this, dy_values, pixel_layout::channels_first);
    const auto to = place_pixels<2, float>(*this, grid<double>(y), pixel_layout::channels_last);
    const auto dx = place_pixels<2, float>(*this, grid<double>(x), pixel_layout::channels_first);
    pad2d(this->executor, from.read(), to.view, options);
    pad2d_gradient(this->executor, gradient.read(), dx.view, options);
    expect_values(gather_pixels(*this, to), y_values, "y");
    expect_values(gather_pixels(*this, dx), dx_values, "dx");
  }
}

TYPED_TEST(pad_on, refuses_bad_input_before_it_launches) {
  const auto memory = this->put(std::vector<float>(4096, 7.0f));
  float* const p = memory.data_handle();
  const auto x = tensor(p, {2, 4, 5, 4}), y = tensor(p + 1024, {2, 8, 9, 4});
  const auto& e = this->executor;
  EXPECT_REFUSED(pad2d(e, x, y, {.padding = {1, 2}}),
                 "pad2d: y is 2 x 8 x 9 x 4; it must be 2 x 6 x 9 x 4, the extents of x and the padding at both sides");
  EXPECT_REFUSED(pad2d(e, x, y, {.padding = {2, -2}}),
                 "pad2d: the padding before the width is -2; it must be at least 0");
  EXPECT_REFUSED(pad2d(e, x, y, {.padding = {4, 2}, .padding_after = {0, 2}, .mode = pad_mode::reflect}),
                 "pad2d: the padding before the height is 4; it must be less than the height of x, 4, to reflect it");
  EXPECT_REFUSED(pad2d(e, tensor(p, {2, 0, 5, 4}), y, {.padding = {4, 2}, .mode = pad_mode::replicate}),
                 "pad2d: the height of x is 0; it must be at least 1 to reflect or replicate it");
  EXPECT_REFUSED(pad3d(e, tensor(p, {1, 2, 3, 3, 4}), tensor(p + 1024, {1, 6, 3, 3, 4}),
                       {.padding = {2, 0, 0}, .mode = pad_mode::reflect}),
                 "pad3d: the padding before the depth is 2; it must be less than the depth of x, 2, to reflect it");
  EXPECT_REFUSED(pad1d(e, tensor(p, {2, 4, 4}), tensor(p + 1024, {2, 8, 3}), {.padding = 2}),
                 "pad1d: y is 2 x 8 x 3; it must be 2 x 8 x 4");
  EXPECT_REFUSED(pad2d_gradient(e, y, x, {.padding = {1, 2}}),
                 "pad2d_gradient: dy is 2 x 8 x 9 x 4; it must be 2 x 6 x 9 x 4, the extents of dx and the padding");
  EXPECT_REFUSED(pad2d(e, x, tensor(p + 8, {2, 8, 9, 4}), {.padding = 2}),
                 "pad2d: y shares an element with x; the two must not overlap");
  EXPECT_REFUSED(pad2d(e, x, tensor(static_cast<float*>(nullptr), {2, 8, 9, 4}), {.padding = 2}),
                 "pad2d: y is a null view of size 2 x 8 x 9 x 4");
  EXPECT_EQ(validate(e,
                     [&](const auto& v) {
                       pad1d(v, tensor(p, {1, 4, 1}), tensor(p + 1024, {1, 4, 1}), {.padding = 2'147'352'574});
                     }),
            "pad1d: the width of x with its padding is 4294705152; it must be at most 2147352575");
  EXPECT_EQ(this->get(memory), std::vector<float>(4096, 7.0f)) << "nothing was written";
}

TYPED_TEST(pad_on, empty_tensors) {
  pad2d(this->executor, tensor(static_cast<const float*>(nullptr), {0, 4, 4, 4}),
        tensor(static_cast<float*>(nullptr), {0, 6, 6, 4}), {.padding = 1});
  pad2d_gradient(this->executor, tensor(static_cast<const float*>(nullptr), {2, 6, 6, 0}),
                 tensor(static_cast<float*>(nullptr), {2, 4, 4, 0}), {.padding = 1, .mode = pad_mode::reflect});
  const auto y = place_pixels<1, float>(*this, draw_grid({1, 1, 1, 4, 8}, 9), pixel_layout::channels_last);
  pad1d(this->executor, tensor(static_cast<const float*>(nullptr), {1, 0, 8}), y.view, {.padding = 2});
  expect_values(gather_pixels(*this, y), grid<double>({1, 1, 1, 4, 8}), "an empty x becomes zeros");
}

}  // namespace
