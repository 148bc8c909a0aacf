// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Activations over matrices, forward and backward: relu, gelu, gelu_tanh, silu, sigmoid, tanh (tile/activation.hpp has
// the formulas).
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/core/shape.hpp>
#include <tilery/core/wrong_call.hpp>
#include <tilery/kernels/activation.hpp>
#include <tilery/ops/elementwise.hpp>

namespace tilery::inline TILERY_ABI {

/// y = f(x), element by element: `activate<activation::gelu>(executor, x, y)`. Elements: double, float, half, bf16,
/// computed in float or wider. Any strides; y may be x, exactly. Throws `error` before anything is launched: shapes,
/// null views, memory of another machine, aliases.
template <class Activation, runs_kernels Executor, tensor_like<2> X, tensor_like<2> Y>
void activate(const Executor& executor, const X& x, const Y& y, where at = {}) {
  using T = element_type_of<Y>;
  static_assert(std::is_same_v<std::remove_const_t<element_type_of<X>>, T> && ops::is_float_type<T>,
                "activate: x and y must both be double, float, half or bf16, and y not const");
  operands all = {reads("x", view(x, at)), writes("y", view(y, at))};
  refuse(check_same_shape("activate", all), at);
  if (auto found = check_aliases(all, {"x"})) throw error({"activate: ", found}, at);
  const bool flat = view(x, at).dense() && view(y, at).dense();
  const auto in = flat ? flattened(view(x, at)) : view(x, at);
  const auto out = flat ? flattened(view(y, at)) : view(y, at);
  activation_forward_params<Activation, T> p{out.extents[0], out.extents[1], for_kernel<T>(in), for_kernel<T>(out)};
  ops::launch_elementwise<T>(executor, ops::describe_elements(16 / sizeof(T), in, out), p, all, at);
}

/// dx = dy f'(x), with x the input of the forward pass: `activate_backward<activation::relu>(executor, x, dy, dx)`. dx
/// may be dy or x, exactly. Types, strides and errors as `activate`.
template <class Activation, runs_kernels Executor, tensor_like<2> X, tensor_like<2> D, tensor_like<2> G>
void activate_backward(const Executor& executor, const X& x, const D& dy, const G& dx, where at = {}) {
  using T = element_type_of<G>;
  static_assert(std::is_same_v<std::remove_const_t<element_type_of<X>>, T> &&
                    std::is_same_v<std::remove_const_t<element_type_of<D>>, T> && ops::is_float_type<T>,
                "activate_backward: x, dy and dx must all be double, float, half or bf16, and dx not const");
  operands all = {reads("x", view(x, at)), reads("dy", view(dy, at)), writes("dx", view(dx, at))};
  refuse(check_same_shape("activate_backward", all), at);
  if (auto found = check_aliases(all, {"x", "dy"})) throw error({"activate_backward: ", found}, at);
  const bool flat = view(x, at).dense() && view(dy, at).dense() && view(dx, at).dense();
  const auto f = [flat](const auto& v) { return flat ? flattened(v) : v; };
  const auto a = f(view(x, at));
  const auto b = f(view(dy, at));
  const auto c = f(view(dx, at));
  activation_backward_params<Activation, T> p{c.extents[0], c.extents[1], for_kernel<T>(a), for_kernel<T>(b),
                                              for_kernel<T>(c)};
  ops::launch_elementwise<T>(executor, ops::describe_elements(16 / sizeof(T), a, b, c), p, all, at);
}

/// A call that no overload above takes: a sentence (core/wrong_call.hpp).
template <class Activation, class... Arguments>
void activate(const Arguments&...) {
  ops::refuse_call<true, Arguments...>();
}
template <class Activation, class... Arguments>
void activate_backward(const Arguments&...) {
  ops::refuse_call<true, Arguments...>();
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
