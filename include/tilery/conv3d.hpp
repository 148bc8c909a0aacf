// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution in three spatial dimensions: forward, data gradient, weight gradient, and the transposed convolution.
// conv2d.hpp has the whole documentation.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/ops/explain_conv.hpp>
#include <tilery/ops/wrong_call.hpp>

namespace tilery::inline TILERY_ABI {

/// conv2d in three dimensions: x (n, d, h, w, c), w (k, t, r, s, c / groups), y (n, o, p, q, k).
///
/// Kernels. As for `conv2d`. A depthwise convolution (groups = c > 1) has the kernels of depthwise_policy and
/// depthwise_weight_policy in all directions, fastest with 3, 5 or 7 taps along the width; any number of taps along
/// depth and height.
template <executor Executor, tensor_like<5> X, tensor_like<5> W, tensor_like<5> Y, class Epilogue = epilogue::none>
void conv3d(const Executor& executor, const X& x, const W& w, const Y& y, const conv_options<3>& options = {},
            const Epilogue& e = {}, gemm_factors factors = {}, where at = {}) {
  ops::convolve<conv_direction::forward, ops::any_policy{}>(executor, {"conv3d", "conv3d: ", "x", "w", "y"}, x, w, y,
                                                            options, e, factors, at);
}
/// Computes the same with your policy P, which is never replaced by another one. Throws if P cannot serve the problem.
template <auto P, executor Executor, tensor_like<5> X, tensor_like<5> W, tensor_like<5> Y,
          class Epilogue = epilogue::none>
void conv3d(const Executor& executor, const X& x, const W& w, const Y& y, const conv_options<3>& options = {},
            const Epilogue& e = {}, gemm_factors factors = {}, where at = {}) {
  ops::convolve<conv_direction::forward, P>(executor, {"conv3d", "conv3d: ", "x", "w", "y"}, x, w, y, options, e,
                                            factors, at);
}

/// conv2d_data_gradient in three dimensions: dy (n, o, p, q, k), w (k, t, r, s, c / groups), dx (n, d, h, w, c).
template <executor Executor, tensor_like<5> DY, tensor_like<5> W, tensor_like<5> DX, class Epilogue = epilogue::none>
void conv3d_data_gradient(const Executor& executor, const DY& dy, const W& w, const DX& dx,
                          const conv_options<3>& options = {}, const Epilogue& e = {}, gemm_factors factors = {},
                          where at = {}) {
  ops::convolve<conv_direction::data_gradient, ops::any_policy{}>(executor,
                                                                  {"conv3d_data_gradient",
                                                                   "conv3d_data_gradient: ", "dx", "w", "dy"},
                                                                  dx, w, dy, options, e, factors, at);
}
/// Computes the same with your policy P, which is never replaced by another one. Throws if P cannot serve the problem.
template <auto P, executor Executor, tensor_like<5> DY, tensor_like<5> W, tensor_like<5> DX,
          class Epilogue = epilogue::none>
void conv3d_data_gradient(const Executor& executor, const DY& dy, const W& w, const DX& dx,
                          const conv_options<3>& options = {}, const Epilogue& e = {}, gemm_factors factors = {},
                          where at = {}) {
  ops::convolve<conv_direction::data_gradient, P>(executor,
                                                  {"conv3d_data_gradient", "conv3d_data_gradient: ", "dx", "w", "dy"},
                                                  dx, w, dy, options, e, factors, at);
}

/// conv2d_weight_gradient in three dimensions: x (n, d, h, w, c), dy (n, o, p, q, k), dw (k, t, r, s, c / groups).
template <executor Executor, tensor_like<5> X, tensor_like<5> DY, tensor_like<5> DW, class Epilogue = epilogue::none>
void conv3d_weight_gradient(const Executor& executor, const X& x, const DY& dy, const DW& dw,
                            const conv_options<3>& options = {}, const Epilogue& e = {}, gemm_factors factors = {},
                            where at = {}) {
  ops::convolve<conv_direction::weight_gradient, ops::any_policy{}>(executor,
                                                                    {"conv3d_weight_gradient",
                                                                     "conv3d_weight_gradient: ", "x", "dw", "dy"},
                                                                    x, dw, dy, options, e, factors, at);
}
/// Computes the same with your policy P, which is never replaced by another one. Throws if P cannot serve the problem.
template <auto P, executor Executor, tensor_like<5> X, tensor_like<5> DY, tensor_like<5> DW,
          class Epilogue = epilogue::none>
void conv3d_weight_gradient(const Executor& executor, const X& x, const DY& dy, const DW& dw,
                            const conv_options<3>& options = {}, const Epilogue& e = {}, gemm_factors factors = {},
                            where at = {}) {
  ops::convolve<conv_direction::weight_gradient, P>(executor,
                                                    {"conv3d_weight_gradient", "conv3d_weight_gradient: ", "x", "dw",
                                                     "dy"},
                                                    x, dw, dy, options, e, factors, at);
}

/// conv2d_transposed in three dimensions: x (n, d, h, w, k), w (k, t, r, s, c / groups), y (n, o, p, q, c).
template <executor Executor, tensor_like<5> X, tensor_like<5> W, tensor_like<5> Y, class Epilogue = epilogue::none>
void conv3d_transposed(const Executor& executor, const X& x, const W& w, const Y& y,
                       const conv_options<3>& options = {}, const Epilogue& e = {}, gemm_factors factors = {},
                       where at = {}) {
  ops::convolve<conv_direction::data_gradient, ops::any_policy{}>(executor,
                                                                  {"conv3d_transposed", "conv3d_transposed: ", "y", "w",
                                                                   "x"},
                                                                  y, w, x, options, e, factors, at);
}
/// Computes the same with your policy P, which is never replaced by another one. Throws if P cannot serve the problem.
template <auto P, executor Executor, tensor_like<5> X, tensor_like<5> W, tensor_like<5> Y,
          class Epilogue = epilogue::none>
void conv3d_transposed(const Executor& executor, const X& x, const W& w, const Y& y,
                       const conv_options<3>& options = {}, const Epilogue& e = {}, gemm_factors factors = {},
                       where at = {}) {
  ops::convolve<conv_direction::data_gradient, P>(executor, {"conv3d_transposed", "conv3d_transposed: ", "y", "w", "x"},
                                                  y, w, x, options, e, factors, at);
}

/// As explain_conv2d, with three spatial dimensions.
template <executor Executor, tensor_like<5> X, tensor_like<5> W, tensor_like<5> Y>
sentence explain_conv3d(const Executor& executor, const X& x, const W& w, const Y& y,
                        const conv_options<3>& options = {}, where at = {}) {
  return ops::explain_conv<conv_direction::forward, ops::any_policy{}>(executor, {"conv3d", "conv3d: ", "x", "w", "y"},
                                                                       x, w, y, options, at);
}
template <auto P, executor Executor, tensor_like<5> X, tensor_like<5> W, tensor_like<5> Y>
sentence explain_conv3d(const Executor& executor, const X& x, const W& w, const Y& y,
                        const conv_options<3>& options = {}, where at = {}) {
  return ops::explain_conv<conv_direction::forward, P>(executor, {"conv3d", "conv3d: ", "x", "w", "y"}, x, w, y,
                                                       options, at);
}
template <executor Executor, tensor_like<5> DY, tensor_like<5> W, tensor_like<5> DX>
sentence explain_conv3d_data_gradient(const Executor& executor, const DY& dy, const W& w, const DX& dx,
                                      const conv_options<3>& options = {}, where at = {}) {
  return ops::explain_conv<conv_direction::data_gradient, ops::any_policy{}>(executor,
                                                                             {"conv3d_data_gradient",
                                                                              "conv3d_data_gradient: ", "dx", "w",
                                                                              "dy"},
                                                                             dx, w, dy, options, at);
}
template <auto P, executor Executor, tensor_like<5> DY, tensor_like<5> W, tensor_like<5> DX>
sentence explain_conv3d_data_gradient(const Executor& executor, const DY& dy, const W& w, const DX& dx,
                                      const conv_options<3>& options = {}, where at = {}) {
  return ops::explain_conv<conv_direction::data_gradient, P>(executor,
                                                             {"conv3d_data_gradient", "conv3d_data_gradient: ", "dx",
                                                              "w", "dy"},
                                                             dx, w, dy, options, at);
}
template <executor Executor, tensor_like<5> X, tensor_like<5> DY, tensor_like<5> DW>
sentence explain_conv3d_weight_gradient(const Executor& executor, const X& x, const DY& dy, const DW& dw,
                                        const conv_options<3>& options = {}, where at = {}) {
  return ops::explain_conv<conv_direction::weight_gradient, ops::any_policy{}>(executor,
                                                                               {"conv3d_weight_gradient",
                                                                                "conv3d_weight_gradient: ", "x", "dw",
                                                                                "dy"},
                                                                               x, dw, dy, options, at);
}
template <auto P, executor Executor, tensor_like<5> X, tensor_like<5> DY, tensor_like<5> DW>
sentence explain_conv3d_weight_gradient(const Executor& executor, const X& x, const DY& dy, const DW& dw,
                                        const conv_options<3>& options = {}, where at = {}) {
  return ops::explain_conv<conv_direction::weight_gradient, P>(executor,
                                                               {"conv3d_weight_gradient",
                                                                "conv3d_weight_gradient: ", "x", "dw", "dy"},
                                                               x, dw, dy, options, at);
}

/// The overloads below take the calls that fit no overload above, and stop the compilation with an error that says what
/// is wrong with the call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv3d(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv3d(const Executor&, const A&, const B&, const C&, const conv_options<3>&, const Epilogue& = {},
            gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <auto P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv3d(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <auto P, class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv3d(const Executor&, const A&, const B&, const C&, const conv_options<3>&, const Epilogue& = {},
            gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <class A, class B, class C>
void conv3d(const A&, const B&, const C&, const conv_options<3>&) {
  ops::refuse_call<false, A, B, C>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv3d_data_gradient(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv3d_data_gradient(const Executor&, const A&, const B&, const C&, const conv_options<3>&, const Epilogue& = {},
                          gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <auto P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv3d_data_gradient(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <auto P, class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv3d_data_gradient(const Executor&, const A&, const B&, const C&, const conv_options<3>&, const Epilogue& = {},
                          gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <class A, class B, class C>
void conv3d_data_gradient(const A&, const B&, const C&, const conv_options<3>&) {
  ops::refuse_call<false, A, B, C>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv3d_weight_gradient(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv3d_weight_gradient(const Executor&, const A&, const B&, const C&, const conv_options<3>&, const Epilogue& = {},
                            gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <auto P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv3d_weight_gradient(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <auto P, class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv3d_weight_gradient(const Executor&, const A&, const B&, const C&, const conv_options<3>&, const Epilogue& = {},
                            gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <class A, class B, class C>
void conv3d_weight_gradient(const A&, const B&, const C&, const conv_options<3>&) {
  ops::refuse_call<false, A, B, C>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv3d_transposed(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv3d_transposed(const Executor&, const A&, const B&, const C&, const conv_options<3>&, const Epilogue& = {},
                       gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <auto P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv3d_transposed(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <auto P, class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv3d_transposed(const Executor&, const A&, const B&, const C&, const conv_options<3>&, const Epilogue& = {},
                       gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <class A, class B, class C>
void conv3d_transposed(const A&, const B&, const C&, const conv_options<3>&) {
  ops::refuse_call<false, A, B, C>();
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
