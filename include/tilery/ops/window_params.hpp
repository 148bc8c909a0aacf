// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns the views of a convolution with few input channels into what the selector of the window kernels sees
// (conv_window_problem) and into what these kernels take.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/conv/depthwise_totals.hpp>
#include <tilery/kernels/conv/window_weight_params.hpp>
#include <tilery/ops/conv_params.hpp>
#include <tilery/policies/conv_window_table.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The parameters of a forward pass, for elements T of the operands and C of the output.
template <class T, class C, class Epilogue>
using window_product = product_params<window_images<T>, pixel_panel<T>, pixel_matrix<C>, finish_t<T, C>, Epilogue>;
/// The parameters of the kernel that adds up the slices of a weight gradient.
template <class T, class C, class Epilogue>
using window_total = product_params<depthwise_slices<T, finish_t<T, C>>, depthwise_slices<T, finish_t<T, C>>,
                                    tap_matrix<C>, finish_t<T, C>, Epilogue>;

/// Returns the problem that the selector sees, for elements T of the operands and C of the output. `problem` is the
/// same convolution as the selector of the implicit GEMM sees it.
template <class T, class C>
conv_window_problem describe_window(const conv_problem& problem) {
  conv_window_problem q;
  q.direction = problem.direction, q.geometry = problem.geometry, q.target = problem.target;
  q.element_bytes = sizeof(T), q.sum_bytes = sizeof(finish_t<T, C>);
  q.c_vector = problem.product.c_vector;
  if (problem.direction == conv_direction::data_gradient)
    q.why_not = "a data gradient has no window kernel: it has few outputs, not few inputs";
  else if (problem.geometry.groups != 1)
    q.why_not = "a window kernel serves one group of channels";
  else if (problem.geometry.channels == 0)
    q.why_not = "there are no channels";
  return q;
}

/// Returns the parameters of a forward pass with policy P, which serves it. The views have been checked, and y has
/// elements.
template <conv_window_policy P, class X, class W, class Y, class Epilogue>
auto window_params_of(const conv_window_problem& q, const images_view<X>& x, const images_view<W>& w,
                      const images_view<Y>& y, const Epilogue& e, gemm_factors f) {
  using T = std::remove_const_t<X>;
  const auto of_gemm = forward_params(q.geometry, x, w, y, e, f);
  window_product<T, Y, Epilogue> p{window_images<T>(of_gemm.a.images, q.geometry, best_window(P, q), P.pixels),
                                   of_gemm.b,
                                   of_gemm.c,
                                   of_gemm.alpha,
                                   of_gemm.beta,
                                   of_gemm.epilogue,
                                   of_gemm.scale};
  if (whole_alpha(f) == 0) p.a = p.a.without_k();
  return p;
}

/// Returns the parameters of a weight gradient's first kernel with policy P, without workspace and slices.
template <conv_window_policy P, class S, class X, class Y>
auto window_weight_params_of(const conv_window_problem& q, const images_view<X>& x, const images_view<Y>& dy) {
  using T = std::remove_const_t<X>;
  window_weight_params<T, S> p{window_images<T>(images_for_kernel<const T>(x), q.geometry, best_window(P, q), P.pixels),
                               images_for_kernel<const T>(dy), q.geometry.filters,
                               channel_vector(dy, 4, q.geometry.filters) * static_cast<int>(sizeof(T)) >= 16,
                               q.geometry.flipped};
  return p;
}

/// Returns the parameters of a weight gradient's last kernel, without the sums.
template <class T, class W, class Epilogue>
auto window_totals_of(const conv_geometry& g, const images_view<W>& dw, Epilogue e, gemm_factors f) {
  using params = window_total<T, W, Epilogue>;
  const auto columns = static_cast<std::int32_t>(g.taps.volume() * g.channels);
  e.shape(g.filters, columns);
  const typename params::a_panel slices{gmem_ptr<const typename params::accumulator>(nullptr), 1, 0};
  return product_of<params>(slices, slices,
                            tap_matrix<W>{images_for_kernel<W>(dw), tile::pixel_grid(g.taps), fast_divisor(g.channels),
                                          g.filters, columns},
                            e, f, {});
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
