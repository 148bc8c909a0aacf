// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Softmax of the rows of a matrix, forward and backward.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/shape.hpp>
#include <tilery/core/wrong_call.hpp>
#include <tilery/kernels/softmax.hpp>
#include <tilery/ops/rows.hpp>

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

/// y (rows x columns) = softmax(x) along each row: y_j = e^(x_j - m) / sum e^(x - m), with m the largest x of the row.
///
/// Elements: double, float, half, bf16, computed in float or wider. Any strides; y may be x, exactly.
/// Accuracy. Relative error of y_j before the conversion: at most (min(columns, 32 + 2.2 sqrt(columns)) + 16 + m - x_j)
/// u, u = 2^-24 (2^-53 for double), because long rows are added up in partial sums; on a GPU in rows of up to 2^25
/// columns, and four times that for half and bf16, for which the GPU's own e^x is used. NaN and infinity. A row with a
/// NaN or +infinity, and a row of nothing but -infinity, becomes NaN throughout, as the formula says; a single
/// -infinity becomes 0. Determinism. The same bits each time; on a GPU a row that begins elsewhere modulo 32 bytes may
/// be summed in another order. Throws `error` before anything is launched: shapes, null views, memory of another
/// machine, aliases.
template <runs_kernels Executor, matrix_of_floats X, matrix_of_floats Y>
void softmax(const Executor& executor, const X& x, const Y& y, where at = {}) {
  using T = element_type_of<Y>;
  const auto in = view(x, at, {"softmax: ", "x"});
  const auto out = view(y, at, {"softmax: ", "y"});
  operands all;
  refuse(ops::check_softmax(in, out, executor.reachable(), all), at);
  ops::launch_rows<softmax_kernel, T>(executor, ops::describe_rows(ops::widest_access<T>, in, out),
                                      softmax_params<T>{for_kernel<T>(in), for_kernel<T>(out)}, all, at);
}

/// The same with your policy; refuses what the policy cannot serve.
template <row_policy P, runs_kernels Executor, matrix_of_floats X, matrix_of_floats Y>
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

/// dx = y (dy - sum over the row of y dy), with y = softmax(x): the gradient of x. dx may be dy, exactly. Types,
/// strides and errors as `softmax`. A y of 0, as of a masked column, takes no part: an infinite dy there does not reach
/// the sum, and its dx is 0.
template <runs_kernels Executor, matrix_of_floats Y, matrix_of_floats D, matrix_of_floats X>
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

/// A call that no overload above takes: a sentence (core/wrong_call.hpp).
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
