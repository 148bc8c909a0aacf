// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The convolution ops by their number of spatial dimensions, and the checks of one problem: an op runs on tensors in
// drawn memory orders, and its output must be equal to the reference.
#pragma once

#include "tests/conv_layouts.hpp"

#include <tilery/conv.hpp>

namespace tilery_tests {

template <int N, class... Arguments>
void forward(const Arguments&... arguments) {
  if constexpr (N == 1)
    tilery::conv1d(arguments...);
  else if constexpr (N == 2)
    tilery::conv2d(arguments...);
  else
    tilery::conv3d(arguments...);
}
template <int N, class... Arguments>
void data_gradient(const Arguments&... arguments) {
  if constexpr (N == 1)
    tilery::conv1d_data_gradient(arguments...);
  else if constexpr (N == 2)
    tilery::conv2d_data_gradient(arguments...);
  else
    tilery::conv3d_data_gradient(arguments...);
}
template <int N, class... Arguments>
void weight_gradient(const Arguments&... arguments) {
  if constexpr (N == 1)
    tilery::conv1d_weight_gradient(arguments...);
  else if constexpr (N == 2)
    tilery::conv2d_weight_gradient(arguments...);
  else
    tilery::conv3d_weight_gradient(arguments...);
}

/// The options of an op with N spatial dimensions.
template <int N>
tilery::conv_options<N> options_of(const conv_case& p) {
  tilery::conv_options<N> o;
  o.padding_after = 0;
  for (int d = 0; d < N; ++d) {
    const int from = 3 - N + d;
    o.stride.of[d] = p.stride[from], o.dilation.of[d] = p.dilation[from];
    o.padding.of[d] = p.before[from], o.padding_after.of[d] = p.after[from];
  }
  o.groups = p.groups, o.flipped = p.flipped;
  return o;
}

/// The memory orders of x, w and y.
struct conv_orders {
  image_order x = any_order(), w = any_order(), y = any_order();

  std::string text() const { return std::string(", x ") + name_of(x) + ", w " + name_of(w) + ", y " + name_of(y); }
};
inline conv_orders all_in(image_order order) { return {order, order, order}; }

/// alpha sums + beta old.
inline std::vector<double> sums_and_old(std::vector<double> sums, const tilery::gemm_factors& f,
                                        const std::vector<double>& old) {
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = f.alpha * sums[i] + (f.beta == 0 ? 0 : f.beta * old[i]);
  return sums;
}
/// The same as an output of type R stores it.
template <class R>
std::vector<double> finished(const std::vector<double>& sums, const tilery::gemm_factors& f,
                             const std::vector<double>& old) {
  return stored_as<R>(sums_and_old(sums, f, old));
}

/// A tensor that an op writes: old numbers, which are NaN (for integers, the least number) if `factors` ignore them.
template <class R>
whole_numbers<R> old_output(std::size_t size, const tilery::gemm_factors& f) {
  whole_numbers<R> old(size);
  if (f.beta == 0) std::fill(old.values.begin(), old.values.end(), gap<R>());
  return old;
}

/// What a failure's message says about a problem, for operands of T and an output of R.
template <class T, class R>
std::string about(const char* output, const conv_case& p, conv_orders how) {
  return std::string(output) + " of " + p.text() + how.text() + ", " + tilery::element<T>::name + " to " +
         tilery::element<R>::name;
}

/// y = alpha conv(x, w) + beta y.
template <int N, class T, class R, class Fixture>
void check_forward(const Fixture& on, const conv_case& p, conv_orders how = {}, tilery::gemm_factors f = {}) {
  const whole_numbers<T> x(size_of(p.x())), w(size_of(p.w()));
  const auto old = old_output<R>(size_of(p.y()), f);
  const auto x_at = place_images<N + 2>(on, x.values, p.x(), how.x),
             w_at = place_images<N + 2>(on, w.values, p.w(), how.w);
  const auto y_at = place_images<N + 2>(on, old.values, p.y(), how.y);
  forward<N>(on.executor, x_at.read(), w_at.read(), y_at.view, options_of<N>(p), tilery::epilogue::none(), f);
  expect_equal(as_doubles(gather(on, y_at)), finished<R>(conv_of(p, x.exact, w.exact), f, old.exact),
               about<T, R>("y", p, how));
}

/// dx = alpha data_gradient(dy, w) + beta dx.
template <int N, class T, class R, class Fixture>
void check_data_gradient(const Fixture& on, const conv_case& p, conv_orders how = {}, tilery::gemm_factors f = {}) {
  const whole_numbers<T> dy(size_of(p.y())), w(size_of(p.w()));
  const auto old = old_output<R>(size_of(p.x()), f);
  const auto dy_at = place_images<N + 2>(on, dy.values, p.y(), how.y),
             w_at = place_images<N + 2>(on, w.values, p.w(), how.w);
  const auto dx_at = place_images<N + 2>(on, old.values, p.x(), how.x);
  data_gradient<N>(on.executor, dy_at.read(), w_at.read(), dx_at.view, options_of<N>(p), tilery::epilogue::none(), f);
  expect_equal(as_doubles(gather(on, dx_at)), finished<R>(data_gradient_of(p, dy.exact, w.exact), f, old.exact),
               about<T, R>("dx", p, how));
}

/// dw = alpha weight_gradient(x, dy) + beta dw.
template <int N, class T, class R, class Fixture>
void check_weight_gradient(const Fixture& on, const conv_case& p, conv_orders how = {}, tilery::gemm_factors f = {}) {
  const whole_numbers<T> x(size_of(p.x())), dy(size_of(p.y()));
  const auto old = old_output<R>(size_of(p.w()), f);
  const auto x_at = place_images<N + 2>(on, x.values, p.x(), how.x),
             dy_at = place_images<N + 2>(on, dy.values, p.y(), how.y);
  const auto dw_at = place_images<N + 2>(on, old.values, p.w(), how.w);
  weight_gradient<N>(on.executor, x_at.read(), dy_at.read(), dw_at.view, options_of<N>(p), tilery::epilogue::none(), f);
  expect_equal(as_doubles(gather(on, dw_at)), finished<R>(weight_gradient_of(p, x.exact, dy.exact), f, old.exact),
               about<T, R>("dw", p, how));
}

/// All three directions.
template <int N, class T, class R, class Fixture>
void check_conv(const Fixture& on, const conv_case& p, conv_orders how = {}, tilery::gemm_factors f = {}) {
  check_forward<N, T, R>(on, p, how, f);
  check_data_gradient<N, T, R>(on, p, how, f);
  check_weight_gradient<N, T, R>(on, p, how, f);
}

}  // namespace tilery_tests
