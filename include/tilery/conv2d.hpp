// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution in two spatial dimensions: forward, data gradient, weight gradient, and the transposed convolution.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/ops/explain_conv.hpp>
#include <tilery/ops/wrong_call.hpp>

namespace tilery::inline TILERY_ABI {

/// y = epilogue(alpha conv(x, w) + beta y), a convolution in two spatial dimensions with the policy that the selector
/// picks: y[n, p, q, k] is the sum over the taps (r, s) and the channels c of the group of k of
///
///   x[n, p stride - padding + r dilation, q stride - padding + s dilation, c] w[k, r, s, c]
///
/// where x is 0 out of its bounds. With `flipped`, w is read at the taps (R - 1 - r, S - 1 - s).
///
/// Shapes. x (n, h, w, c), w (k, r, s, c / groups), y (n, p, q, k), with
/// p = floor((h + padding before + padding after - dilation (r - 1) - 1) / stride) + 1, and q likewise. A filter that
/// is larger than the padded input is refused. Padding of the filter's size or more is allowed. If n or k is 0, nothing
/// is written; if c is 0, every sum is 0.
///
/// Memory order. The views are always indexed (n, spatial..., c); their strides say how they are stored. Channels-last
/// tensors (NHWC) are dense views; `channels_first(pointer, {n, h, w, c})` views an NCHW tensor, and a filter stored as
/// (k, c, r, s). Channels that are contiguous and aligned to 16 bytes are faster; other strides use kernels that load
/// single elements.
///
/// Types. double, float, tf32, half and bf16, accumulated in float (double in double); s8, accumulated in s32, with the
/// scales of `gemm_factors`. y has the type of x and w, or the accumulation type, or float, half or bf16 as for `gemm`.
///
/// Kernels. The convolution is a GEMM whose operands are gathered as they are loaded; no matrix of patches exists in
/// memory. A convolution with one tap, no padding and a stride of 1 is the plain GEMM, with its bits. A depthwise
/// convolution (groups = c > 1) has kernels of its own, fastest with 3, 5 or 7 taps along the width; their policies are
/// depthwise_policy and, for the weight gradient, depthwise_weight_policy. A program without 1x1 and depthwise
/// convolutions that calls conv2d<gathered_kernels> compiles in less than half the time.
///
/// Epilogues. All of `gemm`. The output is the matrix of its pixels (n p q rows) by its channels (of all groups): a
/// residual or a stored tensor is passed as a matrix view of that size.
///
/// NaN and infinity. They propagate. Where x is padded, a tap may be multiplied by 0 or be skipped: if w has infinities
/// or NaN, outputs that see padding are NaN or finite, unspecified which.
///
/// Sizes. Images may have 2^31 elements or more; all images together may have 2^31 - 2^17 pixels, and a filter as many
/// taps times channels.
///
/// Aliasing, determinism, graphs. As for `gemm`: y must not share an element with another operand, and the bits of y
/// depend on the policy, the shapes and the arch, not on the run.
///
/// Errors. Throws `error` before anything is launched: shapes that do not agree (the message has the right extent and
/// its formula), options out of range, null views, negative strides, memory that the executor cannot reach, aliases.
template <executor Executor, tensor_like<4> X, tensor_like<4> W, tensor_like<4> Y, class Epilogue = epilogue::none>
void conv2d(const Executor& executor, const X& x, const W& w, const Y& y, const conv_options<2>& options = {},
            const Epilogue& e = {}, gemm_factors factors = {}, where at = {}) {
  ops::convolve<conv_direction::forward, ops::any_policy{}>(executor, {"conv2d", "conv2d: ", "x", "w", "y"}, x, w, y,
                                                            options, e, factors, at);
}
/// Computes the same with your policy P, which is never replaced by another one. Throws if P cannot serve the problem.
template <auto P, executor Executor, tensor_like<4> X, tensor_like<4> W, tensor_like<4> Y,
          class Epilogue = epilogue::none>
void conv2d(const Executor& executor, const X& x, const W& w, const Y& y, const conv_options<2>& options = {},
            const Epilogue& e = {}, gemm_factors factors = {}, where at = {}) {
  ops::convolve<conv_direction::forward, P>(executor, {"conv2d", "conv2d: ", "x", "w", "y"}, x, w, y, options, e,
                                            factors, at);
}
/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv2d(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }

/// dx = epilogue(alpha (gradient of conv with respect to x, for the gradient dy of y) + beta dx): the sum over the taps
/// and filters that read a pixel of x. Pixels that no tap reads get 0, which still goes through the epilogue and beta.
///
/// Shapes. dy (n, p, q, k), w (k, r, s, c / groups), dx (n, h, w, c); p and q must be those of `conv2d` for dx.
///
/// Strides. A gradient with a stride is computed by residue classes (pixels that the same taps reach): no products with
/// inserted zeros.
///
/// All else as for `conv2d`; the types without s8.
template <executor Executor, tensor_like<4> DY, tensor_like<4> W, tensor_like<4> DX, class Epilogue = epilogue::none>
void conv2d_data_gradient(const Executor& executor, const DY& dy, const W& w, const DX& dx,
                          const conv_options<2>& options = {}, const Epilogue& e = {}, gemm_factors factors = {},
                          where at = {}) {
  ops::convolve<conv_direction::data_gradient, ops::any_policy{}>(executor,
                                                                  {"conv2d_data_gradient",
                                                                   "conv2d_data_gradient: ", "dx", "w", "dy"},
                                                                  dx, w, dy, options, e, factors, at);
}
/// Computes the same with your policy P, which is never replaced by another one. Throws if P cannot serve the problem.
template <auto P, executor Executor, tensor_like<4> DY, tensor_like<4> W, tensor_like<4> DX,
          class Epilogue = epilogue::none>
void conv2d_data_gradient(const Executor& executor, const DY& dy, const W& w, const DX& dx,
                          const conv_options<2>& options = {}, const Epilogue& e = {}, gemm_factors factors = {},
                          where at = {}) {
  ops::convolve<conv_direction::data_gradient, P>(executor,
                                                  {"conv2d_data_gradient", "conv2d_data_gradient: ", "dx", "w", "dy"},
                                                  dx, w, dy, options, e, factors, at);
}
/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv2d_data_gradient(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }

/// dw = epilogue(alpha (gradient of conv with respect to w, for the gradient dy of y) + beta dw): the sum over the
/// pixels of all images. A beta of 1 accumulates. The epilogue sees dw as a matrix of filters by taps and channels.
///
/// Shapes. x (n, h, w, c), dy (n, p, q, k), dw (k, r, s, c / groups). If n is 0, dw = beta dw, through the epilogue.
///
/// All else as for `conv2d`; the types without s8.
template <executor Executor, tensor_like<4> X, tensor_like<4> DY, tensor_like<4> DW, class Epilogue = epilogue::none>
void conv2d_weight_gradient(const Executor& executor, const X& x, const DY& dy, const DW& dw,
                            const conv_options<2>& options = {}, const Epilogue& e = {}, gemm_factors factors = {},
                            where at = {}) {
  ops::convolve<conv_direction::weight_gradient, ops::any_policy{}>(executor,
                                                                    {"conv2d_weight_gradient",
                                                                     "conv2d_weight_gradient: ", "x", "dw", "dy"},
                                                                    x, dw, dy, options, e, factors, at);
}
/// Computes the same with your policy P, which is never replaced by another one. Throws if P cannot serve the problem.
template <auto P, executor Executor, tensor_like<4> X, tensor_like<4> DY, tensor_like<4> DW,
          class Epilogue = epilogue::none>
void conv2d_weight_gradient(const Executor& executor, const X& x, const DY& dy, const DW& dw,
                            const conv_options<2>& options = {}, const Epilogue& e = {}, gemm_factors factors = {},
                            where at = {}) {
  ops::convolve<conv_direction::weight_gradient, P>(executor,
                                                    {"conv2d_weight_gradient", "conv2d_weight_gradient: ", "x", "dw",
                                                     "dy"},
                                                    x, dw, dy, options, e, factors, at);
}
/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv2d_weight_gradient(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }

/// The transposed convolution y = epilogue(alpha (data gradient of conv for x) + beta y), as decoders use it to enlarge
/// images. It is conv2d_data_gradient under its own name.
///
/// Shapes. x (n, h, w, k), w (k, r, s, c / groups), y (n, p, q, c). The view y gives the size, which is not unique with
/// a stride: a forward convolution of y must give the size of x, h = floor((p + padding before + padding after -
/// dilation (r - 1) - 1) / stride) + 1. So an output padding is the extent that y has beyond (h - 1) stride - padding
/// before - padding after + dilation (r - 1) + 1.
template <executor Executor, tensor_like<4> X, tensor_like<4> W, tensor_like<4> Y, class Epilogue = epilogue::none>
void conv2d_transposed(const Executor& executor, const X& x, const W& w, const Y& y,
                       const conv_options<2>& options = {}, const Epilogue& e = {}, gemm_factors factors = {},
                       where at = {}) {
  ops::convolve<conv_direction::data_gradient, ops::any_policy{}>(executor,
                                                                  {"conv2d_transposed", "conv2d_transposed: ", "y", "w",
                                                                   "x"},
                                                                  y, w, x, options, e, factors, at);
}
/// Computes the same with your policy P, which is never replaced by another one. Throws if P cannot serve the problem.
template <auto P, executor Executor, tensor_like<4> X, tensor_like<4> W, tensor_like<4> Y,
          class Epilogue = epilogue::none>
void conv2d_transposed(const Executor& executor, const X& x, const W& w, const Y& y,
                       const conv_options<2>& options = {}, const Epilogue& e = {}, gemm_factors factors = {},
                       where at = {}) {
  ops::convolve<conv_direction::data_gradient, P>(executor, {"conv2d_transposed", "conv2d_transposed: ", "y", "w", "x"},
                                                  y, w, x, options, e, factors, at);
}
/// Takes the calls that fit no overload above, and stops the compilation with an error that says what is wrong with the
/// call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv2d_transposed(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }

/// Returns one sentence: the policy that `conv2d` would run for these tensors, why, and on which machine its numbers
/// were measured, or that they were not. On a GPU also the number of blocks, how much of an SM a block takes, and what
/// bounds the time. Throws as `conv2d` does for shapes and options that it refuses. With a policy P: what P costs, or
/// why it cannot serve the convolution. There is one such
/// function for each direction.
template <executor Executor, tensor_like<4> X, tensor_like<4> W, tensor_like<4> Y>
sentence explain_conv2d(const Executor& executor, const X& x, const W& w, const Y& y,
                        const conv_options<2>& options = {}, where at = {}) {
  return ops::explain_conv<conv_direction::forward, ops::any_policy{}>(executor, {"conv2d", "conv2d: ", "x", "w", "y"},
                                                                       x, w, y, options, at);
}
template <auto P, executor Executor, tensor_like<4> X, tensor_like<4> W, tensor_like<4> Y>
sentence explain_conv2d(const Executor& executor, const X& x, const W& w, const Y& y,
                        const conv_options<2>& options = {}, where at = {}) {
  return ops::explain_conv<conv_direction::forward, P>(executor, {"conv2d", "conv2d: ", "x", "w", "y"}, x, w, y,
                                                       options, at);
}
template <executor Executor, tensor_like<4> DY, tensor_like<4> W, tensor_like<4> DX>
sentence explain_conv2d_data_gradient(const Executor& executor, const DY& dy, const W& w, const DX& dx,
                                      const conv_options<2>& options = {}, where at = {}) {
  return ops::explain_conv<conv_direction::data_gradient, ops::any_policy{}>(executor,
                                                                             {"conv2d_data_gradient",
                                                                              "conv2d_data_gradient: ", "dx", "w",
                                                                              "dy"},
                                                                             dx, w, dy, options, at);
}
template <auto P, executor Executor, tensor_like<4> DY, tensor_like<4> W, tensor_like<4> DX>
sentence explain_conv2d_data_gradient(const Executor& executor, const DY& dy, const W& w, const DX& dx,
                                      const conv_options<2>& options = {}, where at = {}) {
  return ops::explain_conv<conv_direction::data_gradient, P>(executor,
                                                             {"conv2d_data_gradient", "conv2d_data_gradient: ", "dx",
                                                              "w", "dy"},
                                                             dx, w, dy, options, at);
}
template <executor Executor, tensor_like<4> X, tensor_like<4> DY, tensor_like<4> DW>
sentence explain_conv2d_weight_gradient(const Executor& executor, const X& x, const DY& dy, const DW& dw,
                                        const conv_options<2>& options = {}, where at = {}) {
  return ops::explain_conv<conv_direction::weight_gradient, ops::any_policy{}>(executor,
                                                                               {"conv2d_weight_gradient",
                                                                                "conv2d_weight_gradient: ", "x", "dw",
                                                                                "dy"},
                                                                               x, dw, dy, options, at);
}
template <auto P, executor Executor, tensor_like<4> X, tensor_like<4> DY, tensor_like<4> DW>
sentence explain_conv2d_weight_gradient(const Executor& executor, const X& x, const DY& dy, const DW& dw,
                                        const conv_options<2>& options = {}, where at = {}) {
  return ops::explain_conv<conv_direction::weight_gradient, P>(executor,
                                                               {"conv2d_weight_gradient",
                                                                "conv2d_weight_gradient: ", "x", "dw", "dy"},
                                                               x, dw, dy, options, at);
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
