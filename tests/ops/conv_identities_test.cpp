// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Two ways to the same convolution, forward and in both gradients, on each executor: padding by hand, groups as
// convolutions of their own, inflated filters, subsampled outputs, images one by one, permuted dimensions, and a 1x1
// filter as a GEMM. The numbers are whole, so that both ways must be equal; those of the GEMM are any, and its bits
// must be the same.
#include "tests/conv_calls.hpp"

#include <tilery/gemm.hpp>

namespace {

using namespace tilery;
using namespace tilery_tests;

using extents = conv_case::extents;

/// Dense operands of a problem, or its three results.
struct tensors {
  std::vector<float> x, w, y;
};

template <class Executor>
class conv_identities_on : public on_executor<Executor> {
public:
  static constexpr int drawn_problems = Executor::uses_cpu_kernels ? 25 : 3;

  /// Operands of whole numbers; y stands for dy.
  static tensors draw_operands(const conv_case& p) {
    return {whole_numbers<float>(size_of(p.x())).values, whole_numbers<float>(size_of(p.w())).values,
            whole_numbers<float>(size_of(p.y())).values};
  }
  /// y, dx and dw of the ops, by the policies that the selector picks, or by other ones.
  template <auto Policy = ops::any_policy{}>
  tensors results(const conv_case& p, const tensors& of) const {
    const auto at = [&](const std::vector<float>& values, const extents& size, image_order how) {
      return place_images<4>(*this, values, size, how);
    };
    const conv_orders how;
    const auto x = at(of.x, p.x(), how.x), w = at(of.w, p.w(), how.w), dy = at(of.y, p.y(), how.y);
    const auto dx = at(of.x, p.x(), how.x), dw = at(of.w, p.w(), how.w), y = at(of.y, p.y(), how.y);
    const auto options = options_of<2>(p);
    conv2d<Policy>(this->executor, x.read(), w.read(), y.view, options);
    conv2d_data_gradient<Policy>(this->executor, dy.read(), w.read(), dx.view, options);
    conv2d_weight_gradient<Policy>(this->executor, x.read(), dy.read(), dw.view, options);
    return {gather(*this, dx), gather(*this, dw), gather(*this, y)};
  }
};
TYPED_TEST_SUITE(conv_identities_on, executors);

/// Elements of a dense tensor in a larger one: element (i, j, ...) is at (first + i step, ...), all others are 0.
struct spreading {
  spatial<3> first, step;

  extents operator()(extents at) const {
    for (int d = 0; d < 3; ++d) at[d + 1] = first[d] + at[d + 1] * step[d];
    return at;
  }
};
std::vector<float> spread(const std::vector<float>& values, const extents& from, const extents& to,
                          const spreading& how) {
  std::vector<float> result(size_of(to));
  std::size_t next = 0;
  each_element(from, [&](const extents& at) { result[index_in(to, how(at))] = values[next++]; });
  return result;
}
std::vector<float> taken_from(const std::vector<float>& values, const extents& from, const extents& to,
                              const spreading& how) {
  std::vector<float> result;
  each_element(to, [&](const extents& at) { result.push_back(values[index_in(from, how(at))]); });
  return result;
}

void expect_same(const tensors& got, const tensors& want, const conv_case& p) {
  expect_equal(as_doubles(got.y), as_doubles(want.y), "y of " + p.text());
  expect_equal(as_doubles(got.x), as_doubles(want.x), "dx of " + p.text());
  expect_equal(as_doubles(got.w), as_doubles(want.w), "dw of " + p.text());
}

TYPED_TEST(conv_identities_on, padding_is_a_border_of_zeros) {
  for (int i = 0; i < TestFixture::drawn_problems; ++i) {
    const conv_case p = draw_conv(2);
    conv_case with_border = p;
    for (int d = 0; d < 3; ++d) with_border.in.of[d] += p.before[d] + p.after[d];
    with_border.before = with_border.after = 0;
    const spreading inside{p.before, 1};
    tensors operands = this->draw_operands(p), got = this->results(p, operands);
    operands.x = spread(operands.x, p.x(), with_border.x(), inside);
    tensors want = this->results(with_border, operands);
    want.x = taken_from(want.x, with_border.x(), p.x(), inside);
    expect_same(got, want, p);
  }
}

TYPED_TEST(conv_identities_on, dilation_is_a_filter_with_zeros_between_its_taps) {
  for (int i = 0; i < TestFixture::drawn_problems; ++i) {
    const conv_case p = draw_conv(2);
    conv_case inflated = p;
    for (int d = 0; d < 3; ++d) inflated.taps.of[d] = (p.taps[d] - 1) * p.dilation[d] + 1;
    inflated.dilation = 1;
    const spreading taps{0, p.dilation};
    tensors operands = this->draw_operands(p), got = this->results(p, operands);
    operands.w = spread(operands.w, p.w(), inflated.w(), taps);
    tensors want = this->results(inflated, operands);
    want.w = taken_from(want.w, inflated.w(), p.w(), taps);
    expect_same(got, want, p);
  }
}

TYPED_TEST(conv_identities_on, a_stride_leaves_outputs_out) {
  for (int i = 0; i < TestFixture::drawn_problems; ++i) {
    const conv_case p = draw_conv(2);
    conv_case full = p;
    full.stride = 1;
    const spreading every{0, p.stride};
    tensors operands = this->draw_operands(p), got = this->results(p, operands);
    operands.y = spread(operands.y, p.y(), full.y(), every);
    tensors want = this->results(full, operands);
    want.y = taken_from(want.y, full.y(), p.y(), every);
    expect_same(got, want, p);
  }
}

TYPED_TEST(conv_identities_on, flipped_reverses_the_taps) {
  for (int i = 0; i < TestFixture::drawn_problems; ++i) {
    conv_case p = draw_conv(2);
    p.flipped = true;
    conv_case straight = p;
    straight.flipped = false;
    const auto reversed = [&](const std::vector<float>& w) {
      std::vector<float> result;
      each_element(p.w(), [&](extents at) {
        for (int d = 0; d < 3; ++d) at[d + 1] = p.taps[d] - 1 - at[d + 1];
        result.push_back(w[index_in(p.w(), at)]);
      });
      return result;
    };
    tensors operands = this->draw_operands(p), got = this->results(p, operands);
    operands.w = reversed(operands.w);
    tensors want = this->results(straight, operands);
    want.w = reversed(want.w);
    expect_same(got, want, p);
  }
}

// Slices of the same tensors: a group is a range of channels of x, of filters of w and of channels of y. Images of a
// batch: their weight gradients add up, with a beta of 1 after the first one.
TYPED_TEST(conv_identities_on, groups_and_images_are_convolutions_of_their_own) {
  for (int i = 0; i < TestFixture::drawn_problems; ++i) {
    conv_case p = draw_conv(2, {.channels = 12, .filters = 12});
    p.groups = draw(2, 3), p.channels *= p.groups, p.filters *= p.groups, p.images = 2;
    const conv_orders how;
    const tensors operands = this->draw_operands(p);
    const auto at = [&](const std::vector<float>& values, const extents& size, image_order order) {
      return place_images<4>(*this, values, size, order);
    };
    const auto x = at(operands.x, p.x(), how.x), w = at(operands.w, p.w(), how.w), dy = at(operands.y, p.y(), how.y);
    const auto y = at(operands.y, p.y(), how.y), dx = at(operands.x, p.x(), how.x), dw = at(operands.w, p.w(), how.w);
    auto options = options_of<2>(p);
    options.groups = 1;
    const int c = p.channels_of_group(), k = p.filters_of_group();
    for (int g = 0; g < p.groups; ++g)
      for (int n = 0; n < p.images; ++n) {
        const auto part = [&](const auto& view, int channels) {
          return slice(slice(view, 3, g * channels, channels), 0, n, 1);
        };
        const auto of_group = [&](const auto& view) { return slice(view, 0, g * k, k); };
        conv2d(this->executor, part(x.read(), c), of_group(w.read()), part(y.view, k), options);
        conv2d_data_gradient(this->executor, part(dy.read(), k), of_group(w.read()), part(dx.view, c), options);
        conv2d_weight_gradient(this->executor, part(x.read(), c), part(dy.read(), k), of_group(dw.view), options,
                               epilogue::none(), {.beta = n == 0 ? 0.0 : 1.0});
      }
    expect_same(this->results(p, operands), {gather(*this, dx), gather(*this, dw), gather(*this, y)}, p);
  }
}

// Height and width, exchanged in all tensors and options.
TYPED_TEST(conv_identities_on, height_and_width_are_alike) {
  for (int i = 0; i < TestFixture::drawn_problems; ++i) {
    const conv_case p = draw_conv(2);
    const conv_orders how;
    const tensors operands = this->draw_operands(p);
    const auto at = [&](const std::vector<float>& values, const extents& size, image_order order) {
      return place_images<4>(*this, values, size, order);
    };
    const auto x = at(operands.x, p.x(), how.x), w = at(operands.w, p.w(), how.w), dy = at(operands.y, p.y(), how.y);
    const auto y = at(operands.y, p.y(), how.y), dx = at(operands.x, p.x(), how.x), dw = at(operands.w, p.w(), how.w);
    const auto turned = [](const auto& view) { return permuted(view, {0, 2, 1, 3}); };
    auto options = options_of<2>(p);
    for (auto* of : {&options.stride, &options.padding, &options.padding_after, &options.dilation})
      std::swap(of->of[0], of->of[1]);
    conv2d(this->executor, turned(x.read()), turned(w.read()), turned(y.view), options);
    conv2d_data_gradient(this->executor, turned(dy.read()), turned(w.read()), turned(dx.view), options);
    conv2d_weight_gradient(this->executor, turned(x.read()), turned(dy.read()), turned(dw.view), options);
    expect_same(this->results(p, operands), {gather(*this, dx), gather(*this, dw), gather(*this, y)}, p);
  }
}

// The transposed convolution takes x for dy, and gives what the data gradient gives.
TYPED_TEST(conv_identities_on, a_transposed_convolution_is_a_data_gradient) {
  for (int i = 0; i < TestFixture::drawn_problems; ++i) {
    const conv_case p = draw_conv(2);
    const conv_orders how;
    const tensors operands = this->draw_operands(p);
    const auto x = place_images<4>(*this, operands.y, p.y(), how.y),
               w = place_images<4>(*this, operands.w, p.w(), how.w);
    const auto y = place_images<4>(*this, operands.x, p.x(), how.x);
    conv2d_transposed(this->executor, x.read(), w.read(), y.view, options_of<2>(p));
    expect_equal(as_doubles(gather(*this, y)), data_gradient_of(p, as_doubles(operands.y), as_doubles(operands.w)),
                 p.text() + how.text());
  }
}

// The same problem in one, two and three dimensions, of any numbers: one kernel serves them all, with the same bits.
TYPED_TEST(conv_identities_on, fewer_dimensions_are_dimensions_of_one) {
  const conv_case p = draw_conv(1);
  const auto x = draw_values<float>(size_of(p.x())), w = draw_values<float>(size_of(p.w())),
             dy = draw_values<float>(size_of(p.y()));
  const conv_orders how;
  const auto with = [&]<int N>() {
    const auto at = [&](const std::vector<float>& values, const extents& size, image_order order) {
      return place_images<N + 2>(*this, values, size, order);
    };
    const auto x_at = at(x, p.x(), how.x), w_at = at(w, p.w(), how.w), dy_at = at(dy, p.y(), how.y);
    const auto y = at(dy, p.y(), how.y), dx = at(x, p.x(), how.x), dw = at(w, p.w(), how.w);
    const auto options = options_of<N>(p);
    forward<N>(this->executor, x_at.read(), w_at.read(), y.view, options);
    data_gradient<N>(this->executor, dy_at.read(), w_at.read(), dx.view, options);
    weight_gradient<N>(this->executor, x_at.read(), dy_at.read(), dw.view, options);
    return tensors{gather(*this, dx), gather(*this, dw), gather(*this, y)};
  };
  const tensors one = with.template operator()<1>();
  expect_same(with.template operator()<2>(), one, p);
  expect_same(with.template operator()<3>(), one, p);
}

// Depthwise and 1x1 convolutions have kernels of their own. The kernels with gathered operands serve them, too.
TYPED_TEST(conv_identities_on, gathered_kernels_serve_every_convolution) {
  conv_case depthwise{.images = 2, .channels = 24, .filters = 24, .groups = 24};
  depthwise.in = {1, 7, 6}, depthwise.taps = {1, 3, 3}, depthwise.stride = {1, 2, 1}, depthwise.before = {0, 1, 1};
  conv_case pointwise{.images = 2, .channels = 24, .filters = 20};
  pointwise.in = {1, 5, 6};
  for (const conv_case& p : {depthwise, pointwise}) {
    const tensors of = this->draw_operands(p);
    expect_same(this->template results<gathered_kernels>(p, of), this->results(p, of), p);
  }
}

// 1x1, stride 1, no padding, of any numbers: the bits of the GEMM of pixels by channels, in all three directions.
TYPED_TEST(conv_identities_on, a_filter_of_one_tap_is_a_gemm) {
  for_types<float, bf16>([&]<class T>() {
    for (const int filters : {24, 5}) {
      const int n = 2, h = 5, w = 7, c = 40, k = filters, pixels = n * h * w;
      const auto x = this->put(draw_values<T>(pixels * c)), weights = this->put(draw_values<T>(k * c)),
                 dy = this->put(draw_values<T>(pixels * k));
      const auto check = [&](int size, const auto& run_conv, const auto& run_gemm) {
        const auto by_conv = this->put(std::vector<T>(size)), by_gemm = this->put(std::vector<T>(size));
        run_conv(by_conv.data_handle()), run_gemm(by_gemm.data_handle());
        const auto got = this->get(by_conv), want = this->get(by_gemm);
        EXPECT_EQ(std::memcmp(got.data(), want.data(), size * sizeof(T)), 0) << element<T>::name << ", " << k;
      };
      const auto images = [&](const T* of, int channels) { return tensor(of, {n, h, w, channels}); };
      const auto rows_of = [&](const T* of, int rows, int columns) { return matrix(of, rows, columns); };
      const T *px = x.data_handle(), *pw = weights.data_handle(), *pdy = dy.data_handle();
      check(
          pixels * k,
          [&](T* y) {
            conv2d(this->executor, images(px, c), tensor(pw, {k, 1, 1, c}), tensor(y, {n, h, w, k}));
          },
          [&](T* y) {
            gemm(this->executor, rows_of(px, pixels, c), transposed(rows_of(pw, k, c)), matrix(y, pixels, k));
          });
      check(
          pixels * c,
          [&](T* dx) {
            conv2d_data_gradient(this->executor, images(pdy, k), tensor(pw, {k, 1, 1, c}), tensor(dx, {n, h, w, c}));
          },
          [&](T* dx) { gemm(this->executor, rows_of(pdy, pixels, k), rows_of(pw, k, c), matrix(dx, pixels, c)); });
      check(
          k * c,
          [&](T* dw) {
            conv2d_weight_gradient(this->executor, images(px, c), images(pdy, k), tensor(dw, {k, 1, 1, c}));
          },
          [&](T* dw) {
            gemm(this->executor, transposed(rows_of(pdy, pixels, k)), rows_of(px, pixels, c), matrix(dw, k, c));
          });
    }
  });
}

}  // namespace
