// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Softmax of the rows of a matrix, forward and backward. (To add a row-wise op, follow the list of files in
// ops/rows.hpp.)
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/shape.hpp>
#include <tilery/kernels/softmax.hpp>
#include <tilery/ops/rows.hpp>
#include <tilery/ops/wrong_call.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

template <class X, class Y>
finding check_softmax(const matrix_view<X>& x, const matrix_view<Y>& y, memory_space reachable, operands& all) {
  static_assert(std::is_same_v<std::remove_const_t<X>, Y>,
                "softmax: x and y must have the same element type, and y must not be const");
  static_assert(is_float_type<Y>, "softmax: elements must be double, float, half or bf16");
  all = {reads("x", x), writes("y", y)};
  if (auto found = check_same_shape("softmax", all)) return found;
  return check_call("softmax", all, reachable, {"x"});
}

template <class Y, class D, class X>
finding check_softmax_backward(const matrix_view<Y>& y, const matrix_view<D>& dy, const matrix_view<X>& dx,
                               memory_space reachable, operands& all) {
  static_assert(std::is_same_v<std::remove_const_t<Y>, X> && std::is_same_v<std::remove_const_t<D>, X>,
                "softmax_backward: y, dy and dx must have the same element type, and dx must not be const");
  static_assert(is_float_type<X>, "softmax_backward: elements must be double, float, half or bf16");
  all = {reads("y", y), reads("dy", dy), writes("dx", dx)};
  if (auto found = check_same_shape("softmax_backward", all)) return found;
  return check_call("softmax_backward", all, reachable, {"dy"});
}

}  // namespace ops

/// y (rows x columns) = softmax(x) along each row: y_j = e^(x_j - m) / sum e^(x - m), where m is the largest x of the
/// row.
///
/// Types. double, float, half, bf16, the same for x and y; computed in the accumulation type (double for double, else
/// float).
///
/// Strides and aliasing. Any strides that are not negative. y may be exactly the same view as x.
///
/// Accuracy. The relative error of y_j before the conversion to y is at most u times (min(columns, 32 + 2.2
/// sqrt(columns)) + 16 + (m - x_j)), with u = 2^-24 (2^-53 for double). The bound grows with sqrt(columns) only,
/// because long rows are added up in partial sums. On a GPU it holds for rows of up to 2^25 columns. For half and bf16
/// on a GPU the bound is four times as large, because the GPU's own instruction for e^x is used.
///
/// NaN and infinity. If a row has a NaN or +infinity, or consists of -infinity alone, all of its y are NaN, as the
/// formula says. In any other row, an x of -infinity gives a y of 0.
///
/// Determinism. Each run computes the same bits. On a GPU two equal rows may be added up in different orders if their
/// addresses differ modulo 32 bytes.
///
/// Errors. Throws `error` before anything is launched: wrong shapes, null views, negative strides, memory that the
/// executor cannot reach, aliases.
template <executor Executor, matrix_of_floats X, matrix_of_floats Y>
void softmax(const Executor& executor, const X& x, const Y& y, where at = {}) {
  using T = element_type_of<Y>;
  const auto in = view(x, at, {"softmax: ", "x"});
  const auto out = view(y, at, {"softmax: ", "y"});
  operands all;
  refuse(ops::check_softmax(in, out, executor.reachable(), all), at);
  ops::launch_rows<softmax_kernel, T>(executor, ops::describe_rows(ops::widest_access<T>, in, out),
                                      softmax_params<T>{for_kernel<T>(in), for_kernel<T>(out)}, all, at);
}

/// Computes softmax with your policy P. Throws, with the reason, if P cannot serve the problem.
template <row_policy P, executor Executor, matrix_of_floats X, matrix_of_floats Y>
void softmax(const Executor& executor, const X& x, const Y& y, where at = {}) {
  using T = element_type_of<Y>;
  const auto in = view(x, at, {"softmax: ", "x"});
  const auto out = view(y, at, {"softmax: ", "y"});
  operands all;
  refuse(ops::check_softmax(in, out, executor.reachable(), all), at);
  ops::launch_rows_with<softmax_kernel, P, T>(executor, ops::describe_rows(P.vector, in, out),
                                              softmax_params<T>{for_kernel<T>(in), for_kernel<T>(out)}, all, "softmax",
                                              at);
}

/// dx = y (dy - sum over the row of y dy), with y = softmax(x): the gradient of x.
///
/// Types, strides and errors. As for `softmax`.
///
/// Aliasing. dx may be exactly the same view as dy.
///
/// NaN and infinity. An element with y = 0, such as a masked column, is left out of the sum: an infinite dy there does
/// not reach the sum, and its dx is 0.
template <executor Executor, matrix_of_floats Y, matrix_of_floats D, matrix_of_floats X>
void softmax_backward(const Executor& executor, const Y& y, const D& dy, const X& dx, where at = {}) {
  using T = element_type_of<X>;
  const auto result = view(y, at, {"softmax_backward: ", "y"});
  const auto gradient = view(dy, at, {"softmax_backward: ", "dy"});
  const auto out = view(dx, at, {"softmax_backward: ", "dx"});
  operands all;
  refuse(ops::check_softmax_backward(result, gradient, out, executor.reachable(), all), at);
  ops::launch_rows<softmax_backward_kernel, T>(executor,
                                               ops::describe_rows(ops::widest_access<T>, result, gradient, out),
                                               softmax_backward_params<T>{for_kernel<T>(result),
                                                                          for_kernel<T>(gradient), for_kernel<T>(out)},
                                               all, at);
}

/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void softmax(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <row_policy P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void softmax(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void softmax_backward(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
