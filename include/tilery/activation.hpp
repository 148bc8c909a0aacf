// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Activations of matrices, forward and backward. tile/activation.hpp lists the activations, with their formulas.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/shape.hpp>
#include <tilery/kernels/activation.hpp>
#include <tilery/ops/elementwise.hpp>
#include <tilery/ops/wrong_call.hpp>

namespace tilery::inline TILERY_ABI {

/// y = f(x), element by element: `activate<activation::gelu>(executor, x, y)`.
///
/// Types. double, float, half, bf16, the same for x and y; computed in the accumulation type (double for double, else
/// float).
///
/// Strides and aliasing. Any strides that are not negative. y may be exactly the same view as x.
///
/// Accuracy. The relative error before the conversion to y is at most 10 u, with u = 2^-24 (2^-53 for double), for x of
/// any size. tile/activation.hpp has the larger bounds for gelu_tanh and for results below the smallest normal number.
///
/// NaN and infinity. y is NaN where x is NaN. Where x is infinity or -infinity, y is the limit of f.
///
/// Errors. Throws `error` before anything is launched: wrong shapes, null views, negative strides, memory that the
/// executor cannot reach, aliases.
template <class Activation, executor Executor, tensor_like<2> X, tensor_like<2> Y>
void activate(const Executor& executor, const X& x, const Y& y, where at = {}) {
  using T = element_type_of<Y>;
  static_assert(std::is_same_v<std::remove_const_t<element_type_of<X>>, T> && ops::is_float_type<T>,
                "activate: x and y must both be double, float, half or bf16, and y not const");
  activation::must_have_value<Activation, accumulator_t<T>>();
  auto in = view(x, at, {"activate: ", "x"});
  auto out = view(y, at, {"activate: ", "y"});
  operands all = {reads("x", in), writes("y", out)};
  refuse(check_same_shape("activate", all), at);
  refuse(check_call("activate", all, executor.reachable(), {"x"}), at);
  if (in.dense() && out.dense()) in = flattened(in), out = flattened(out);
  if constexpr (activation::has_value<Activation, accumulator_t<T>>) {
    activation_forward_params<Activation, T> p{out.extents[0], out.extents[1], for_kernel<T>(in), for_kernel<T>(out)};
    ops::launch_elementwise<T>(executor, ops::describe_elements(16 / sizeof(T), in, out), p, all, at);
  }
}

/// dx = dy f'(x), element by element, where x is the input of the forward pass:
/// `activate_backward<activation::relu>(executor, x, dy, dx)`.
///
/// Types, strides and errors. As for `activate`.
///
/// Aliasing. dx may be exactly the same view as dy or x.
///
/// NaN and infinity. relu selects instead of multiplying: where x <= 0, dx is 0 for every dy, infinity and NaN
/// included.
template <class Activation, executor Executor, tensor_like<2> X, tensor_like<2> D, tensor_like<2> G>
void activate_backward(const Executor& executor, const X& x, const D& dy, const G& dx, where at = {}) {
  using T = element_type_of<G>;
  static_assert(std::is_same_v<std::remove_const_t<element_type_of<X>>, T> &&
                    std::is_same_v<std::remove_const_t<element_type_of<D>>, T> && ops::is_float_type<T>,
                "activate_backward: x, dy and dx must all be double, float, half or bf16, and dx not const");
  activation::must_have_gradient<Activation, accumulator_t<T>>();
  auto a = view(x, at, {"activate_backward: ", "x"});
  auto b = view(dy, at, {"activate_backward: ", "dy"});
  auto c = view(dx, at, {"activate_backward: ", "dx"});
  operands all = {reads("x", a), reads("dy", b), writes("dx", c)};
  refuse(check_same_shape("activate_backward", all), at);
  refuse(check_call("activate_backward", all, executor.reachable(), {"x", "dy"}), at);
  if (a.dense() && b.dense() && c.dense()) a = flattened(a), b = flattened(b), c = flattened(c);
  if constexpr (activation::has_gradient<Activation, accumulator_t<T>>) {
    activation_backward_params<Activation, T> p{c.extents[0], c.extents[1], for_kernel<T>(a), for_kernel<T>(b),
                                                for_kernel<T>(c)};
    ops::launch_elementwise<T>(executor, ops::describe_elements(16 / sizeof(T), a, b, c), p, all, at);
  }
}

/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class Activation, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void activate(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Activation, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void activate_backward(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
