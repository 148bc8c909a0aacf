// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolutions with epilogues, on each executor: a chain in each direction, equal to the reference on whole numbers.
// One of its steps depends on row and column, so that each element is told where it is in the matrix of the output:
// pixels by channels, or filters by taps and channels, of all groups.
#include "tests/conv_calls.hpp"

namespace {

using namespace tilery;
using namespace tilery_tests;

/// A user's epilogue: adds a whole number that depends on the element's place.
struct numbered : epilogue::step {
  template <class Lane, class T, int N>
  TILERY_SIMT pack<T, N> operator()(Lane, pack<T, N> x, int row, int column) const {
    for (int i = 0; i < N; ++i) x.set(i, x[i] + static_cast<T>(number_at(row, column + i)));
    return x;
  }
  TILERY_SIMT static int number_at(int row, int column) { return (3 * row + 5 * column) % 11 - 5; }
};

/// Of the table's candidates for a GPU only these two are compiled: after the k loop the kernels of all tiles are
/// alike.
template <conv_direction Direction, class T, bool Aligned>
constexpr auto gpu_policy() {
  constexpr int place = Aligned ? conv_places::small : conv_places::strided;
  if constexpr (sizeof(T) == 2)
    return conv_mma_sync_table<T, Direction>::candidates[place];
  else
    return conv_simt_table<T, Direction>::candidates[place];
}

template <class Executor>
class conv_epilogue_on : public on_executor<Executor> {
public:
  /// The op of a direction on its operands a and b: x and w, dy and w, or x and dy.
  template <conv_direction Direction, auto... Policy, class A, class B, class C, class Epilogue>
  void call(const A& a, const B& b, const C& c, const conv_case& p, const Epilogue& e, gemm_factors f) const {
    const auto options = options_of<2>(p);
    if constexpr (Direction == conv_direction::forward)
      conv2d<Policy...>(this->executor, a, b, c, options, e, f);
    else if constexpr (Direction == conv_direction::data_gradient)
      conv2d_data_gradient<Policy...>(this->executor, a, b, c, options, e, f);
    else
      conv2d_weight_gradient<Policy...>(this->executor, a, b, c, options, e, f);
  }
  template <conv_direction Direction, class T, class A, class B, class C, class Epilogue>
  void run(bool aligned, const A& a, const B& b, const C& c, const conv_case& p, const Epilogue& e,
           gemm_factors f) const {
    if constexpr (Executor::uses_cpu_kernels)
      call<Direction>(a, b, c, p, e, f);
    else if (aligned)
      call<Direction, gpu_policy<Direction, T, true>()>(a, b, c, p, e, f);
    else
      call<Direction, gpu_policy<Direction, T, false>()>(a, b, c, p, e, f);
  }

  /// The matrix that the op writes: its rows and columns, and the place of an element of the tensor in it.
  struct matrix_of_output {
    conv_case::extents extents;
    bool of_filters;

    int rows() const { return of_filters ? extents[0] : extents[0] * extents[1] * extents[2] * extents[3]; }
    int columns() const { return of_filters ? extents[1] * extents[2] * extents[3] * extents[4] : extents[4]; }
  };

  /// out = relu(alpha sums + beta out + bias + residual + numbers), of type R; what is stored before the relu.
  template <class T, class R>
  void check_forward(const conv_case& p, bool aligned, gemm_factors f) const {
    const conv_orders how = aligned ? all_in(image_order::channels_last) : conv_orders();
    const whole_numbers<T> x(size_of(p.x())), w(size_of(p.w()));
    const auto old = old_output<R>(size_of(p.y()), f);
    const matrix_of_output to{p.y(), false};
    const int m = to.rows(), n = to.columns();
    const whole_numbers<float> bias(n);
    const whole_numbers<T> residual(m * n, 9);
    const auto x_at = place_images<4>(*this, x.values, p.x(), how.x),
               w_at = place_images<4>(*this, w.values, p.w(), how.w);
    const auto y_at = place_images<4>(*this, old.values, p.y(), how.y);
    const auto bias_at = this->put(bias.values);
    const auto residual_at = place(*this, residual.values, m, n, aligned ? layout::padded : layout::odd);
    const auto stored = place(*this, std::vector<float>(m * n), m, n, aligned ? layout::dense : layout::spread);
    run<conv_direction::forward, T>(aligned, x_at.read(), w_at.read(), y_at.view, p,
                                    epilogue::bias(bias_at) | epilogue::residual(residual_at.read()) | numbered() |
                                        epilogue::store(stored.view) | epilogue::relu(),
                                    f);
    auto want = sums_and_old(conv_of(p, x.exact, w.exact), f, old.exact);
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j)
        want[i * n + j] += bias.exact[j] + residual.exact[i * n + j] + numbered::number_at(i, j);
    const std::string of = about<T, R>("y", p, how);
    expect_equal(as_doubles(gather(*this, stored)), want, "what is stored before the relu of " + of);
    for (double& v : want) v = std::max(v, 0.0);
    expect_equal(as_doubles(gather(*this, y_at)), stored_as<R>(want), of);
  }

  /// dx = (alpha sums + beta dx + residual + numbers) relu'(z), and the sums of its columns.
  template <class T, class R>
  void check_data_gradient(const conv_case& p, bool aligned, gemm_factors f) const {
    const conv_orders how = aligned ? all_in(image_order::channels_last) : conv_orders();
    const whole_numbers<T> dy(size_of(p.y())), w(size_of(p.w()));
    const auto old = old_output<R>(size_of(p.x()), f);
    const matrix_of_output to{p.x(), false};
    const int m = to.rows(), n = to.columns();
    const whole_numbers<float> z(m * n), sums(n);
    const whole_numbers<T> residual(m * n, 9);
    const double sums_beta = aligned ? 0 : 2;
    const auto dy_at = place_images<4>(*this, dy.values, p.y(), how.y),
               w_at = place_images<4>(*this, w.values, p.w(), how.w);
    const auto dx_at = place_images<4>(*this, old.values, p.x(), how.x);
    const auto residual_at = place(*this, residual.values, m, n, aligned ? layout::dense : layout::column_major);
    const auto z_at = place(*this, z.values, m, n, aligned ? layout::padded : layout::spread);
    const auto sums_at = this->put(sums_beta == 0 ? std::vector<float>(n, NAN) : sums.values);
    run<conv_direction::data_gradient, T>(aligned, dy_at.read(), w_at.read(), dx_at.view, p,
                                          epilogue::residual(residual_at.read()) | numbered() |
                                              epilogue::times_gradient<activation::relu>(z_at.view) |
                                              epilogue::bias_gradient(sums_at, sums_beta),
                                          f);
    auto want = sums_and_old(data_gradient_of(p, dy.exact, w.exact), f, old.exact);
    std::vector<double> want_sums(n);
    for (int j = 0; j < n; ++j) want_sums[j] = sums_beta * sums.exact[j];
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        double& v = want[i * n + j];
        v = z.exact[i * n + j] > 0 ? v + residual.exact[i * n + j] + numbered::number_at(i, j) : 0;
        want_sums[j] += v;
      }
    const std::string of = about<T, R>("dx", p, how);
    expect_equal(as_doubles(gather(*this, dx_at)), stored_as<R>(want), of);
    expect_equal(as_doubles(this->get(sums_at)), want_sums, "the bias gradient of " + of);
  }

  /// dw = alpha sums + beta dw + numbers, and the sums of its columns.
  template <class T, class R>
  void check_weight_gradient(const conv_case& p, bool aligned, gemm_factors f) const {
    const conv_orders how = aligned ? all_in(image_order::channels_last) : conv_orders();
    const whole_numbers<T> x(size_of(p.x())), dy(size_of(p.y()));
    const auto old = old_output<R>(size_of(p.w()), f);
    const matrix_of_output to{p.w(), true};
    const int m = to.rows(), n = to.columns();
    const auto x_at = place_images<4>(*this, x.values, p.x(), how.x),
               dy_at = place_images<4>(*this, dy.values, p.y(), how.y);
    const auto dw_at = place_images<4>(*this, old.values, p.w(), how.w);
    const auto sums_at = this->put(std::vector<float>(n, NAN));
    run<conv_direction::weight_gradient, T>(aligned, x_at.read(), dy_at.read(), dw_at.view, p,
                                            numbered() | epilogue::bias_gradient(sums_at), f);
    auto want = sums_and_old(weight_gradient_of(p, x.exact, dy.exact), f, old.exact);
    std::vector<double> want_sums(n);
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) want_sums[j] += want[i * n + j] += numbered::number_at(i, j);
    const std::string of = about<T, R>("dw", p, how);
    expect_equal(as_doubles(gather(*this, dw_at)), stored_as<R>(want), of);
    expect_equal(as_doubles(this->get(sums_at)), want_sums, "the sums of columns of " + of);
  }

  template <class T, class R>
  void check(const conv_case& p, bool aligned, gemm_factors f = {}) const {
    check_forward<T, R>(p, aligned, f);
    check_data_gradient<T, R>(p, aligned, f);
    check_weight_gradient<T, R>(p, aligned, f);
  }
  void check_types(const conv_case& p, bool aligned, gemm_factors f = {}) const {
    check<float, float>(p, aligned, f);
    check<half, half>(p, aligned, f);
  }
};
TYPED_TEST_SUITE(conv_epilogue_on, executors);

/// A 2-D problem with 3x3 taps.
conv_case with_channels(int channels, int filters, int stride, int padding) {
  conv_case p;
  p.images = 2, p.channels = channels, p.filters = filters;
  p.in = {1, 6, 7}, p.taps = {1, 3, 3}, p.stride = {1, stride, stride};
  p.before = {0, padding, padding}, p.after = {0, padding, 1};
  return p;
}

TYPED_TEST(conv_epilogue_on, finishes_channels_in_packs) {
  this->check_types(with_channels(16, 24, 1, 1), true);
  this->check_types(with_channels(8, 72, 1, 0), true, {.alpha = -1, .beta = 2});
}

// Residue classes: an element's row is the pixel's number in the images, and the sums of columns are over all classes.
// Pixels that no tap reaches still go through the epilogue.
TYPED_TEST(conv_epilogue_on, finishes_each_residue_class) {
  this->check_types(with_channels(16, 8, 2, 1), true, {.beta = -1});
  auto p = with_channels(16, 8, 3, 0);
  p.taps = {1, 2, 1}, p.dilation = {1, 3, 1};
  this->check_types(p, true, {.beta = 1});
  this->check_types(with_channels(5, 3, 2, 1), false);
  p.channels = 3, p.filters = 5;
  this->check_types(p, false, {.beta = 1});
}

TYPED_TEST(conv_epilogue_on, finishes_groups_with_their_own_columns) {
  for (const int stride : {1, 2}) {
    auto p = with_channels(16, 48, stride, 1);
    p.groups = 2;
    this->check_types(p, true);
    p.channels = 9, p.filters = 6, p.groups = 3;
    this->check_types(p, false, {.beta = 1});
  }
}

TYPED_TEST(conv_epilogue_on, finishes_drawn_problems) {
  for (int i = 0; i < (TypeParam::uses_cpu_kernels ? 20 : 4); ++i) {
    this->check_types(draw_conv(2, {.channels = 12, .filters = 12, .extent = 7}), false, {.beta = draw(0, 1) * 2.0});
  }
}

// No filters: dx has no products, and no images: the gradient of a bias is a sum over nothing.
TYPED_TEST(conv_epilogue_on, finishes_empty_sums) {
  auto p = with_channels(8, 8, 2, 1);
  p.images = 0;
  this->check_types(p, true, {.beta = 1});
}

}  // namespace
