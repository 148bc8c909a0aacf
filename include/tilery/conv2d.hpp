// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution in two spatial dimensions: forward, data gradient, weight gradient, and the transposed convolution.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/ops/explain_conv.hpp>
#include <tilery/ops/wrong_call.hpp>

namespace tilery::inline TILERY_ABI {

/// y = epilogue(alpha conv(x, w) + beta y), a convolution in two spatial dimensions with the policy that the selector
/// picks. The element [n, p, q, k] of conv(x, w) is the sum, over the taps (r, s) and the channels i of one group, of
///
///   x[n, p stride - padding + r dilation, q stride - padding + s dilation, g (c / groups) + i] w[k, r, s, i]
///
/// where g is the group of filter k, the channels of a group are 0 <= i < c / groups, and x is 0 out of its bounds.
/// With `flipped`, w is read at the taps (R - 1 - r, S - 1 - s), where R x S are the taps of a filter.
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
/// If y is s32, alpha, beta and the factors of `scale` and `residual` must be whole numbers.
///
/// Kernels. The convolution is a GEMM whose operands are gathered as they are loaded; no matrix of patches exists in
/// memory. A convolution with one tap, no padding and a stride of 1 is the plain GEMM, with its bits. A depthwise
/// convolution (groups = c > 1) has kernels of its own, fastest with 3, 5 or 7 taps along the width; their policies are
/// depthwise_policy and, for the weight gradient, depthwise_weight_policy. A program without 1x1 and depthwise
/// convolutions that calls conv2d<gathered_kernels> compiles in less than half the time.
///
/// Few channels. On a GPU, images of at most 7 channels in one group (first layers) have kernels of their own, forward
/// and weight gradient: a block loads the pixels that a tile of y reads once for all taps, whatever their strides and
/// alignment. The policy is conv_window_policy. The GEMM computes the rest: s8, the data gradient towards few channels,
/// filters and dilations whose pixels do not fit the shared memory of a block, and, forward, half and bf16 with a
/// dilation along the width.
///
/// Epilogues. All of `gemm`. The output is the matrix of its pixels (n p q rows) by its channels (of all groups): a
/// residual or a stored tensor is passed as a matrix view of that size.
///
/// NaN and infinity. They propagate. Where x is padded, a tap may be multiplied by 0 or be skipped: if w has infinities
/// or NaN, outputs that see padding are NaN or finite, unspecified which.
///
/// Sizes. An image may have 2^31 elements or more. All images together must have fewer than 2^31 - 2^17 pixels, in x
/// and in y, and one filter must have fewer than 2^31 - 2^17 elements (taps times channels of a group).
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

/// dx = epilogue(alpha G + beta dx), where G is the gradient of conv(x, w) with respect to x, for the gradient dy of y:
/// for each pixel of x, the sum over the taps and filters that read this pixel. If no tap reads a pixel, its G is 0,
/// and its dx is epilogue(beta dx).
///
/// Shapes. dy (n, p, q, k), w (k, r, s, c / groups), dx (n, h, w, c); p and q must be those of `conv2d` for dx.
///
/// Strides. With a stride above 1, dx is computed in residue classes: the pixels of a class have the same coordinates
/// modulo the stride, so the same taps read them. No zeros are inserted between the pixels of dy.
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

/// dw = epilogue(alpha G + beta dw), where G is the gradient of conv(x, w) with respect to w, for the gradient dy of y:
/// the sum over the pixels of all images. With a beta of 1, alpha G is added to dw. The epilogue sees dw as a matrix: a
/// row is a filter, a column is a tap and a channel.
///
/// Shapes. x (n, h, w, c), dy (n, p, q, k), dw (k, r, s, c / groups). If n is 0, G is 0, and dw = epilogue(beta dw).
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

/// The transposed convolution y = epilogue(alpha (data gradient of conv for x) + beta y), as decoders use it to enlarge
/// images. It is conv2d_data_gradient under its own name.
///
/// Shapes. x (n, h, w, k), w (k, r, s, c / groups), y (n, p, q, c). With a stride above 1, several sizes of y are
/// possible, so the view y gives the size. A forward convolution of y must have the size of x: h = floor((p + padding
/// before + padding after - dilation (r - 1) - 1) / stride) + 1. (The option "output padding" of other libraries is p
/// minus the smallest such p, which is (h - 1) stride - padding before - padding after + dilation (r - 1) + 1.)
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

/// Returns one sentence: the policy that `conv2d` would run for these tensors, why, and on which machine its numbers
/// were measured, or that they were not. On a GPU also the number of blocks, how much of an SM a block takes, and what
/// bounds the time. Throws as `conv2d` does for shapes and options that it refuses. With a policy P, of the CPU or of a
/// GPU: what P costs, or why P cannot serve the convolution on this executor. explain_conv2d_data_gradient and
/// explain_conv2d_weight_gradient below do the same for these ops.
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

/// The overloads below take the calls that fit no overload above, and stop the compilation with an error that says what
/// is wrong with the call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv2d(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv2d(const Executor&, const A&, const B&, const C&, const conv_options<2>&, const Epilogue& = {},
            gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <auto P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv2d(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <auto P, class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv2d(const Executor&, const A&, const B&, const C&, const conv_options<2>&, const Epilogue& = {},
            gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <class A, class B, class C>
void conv2d(const A&, const B&, const C&, const conv_options<2>&) {
  ops::refuse_call<false, A, B, C>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv2d_data_gradient(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv2d_data_gradient(const Executor&, const A&, const B&, const C&, const conv_options<2>&, const Epilogue& = {},
                          gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <auto P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv2d_data_gradient(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <auto P, class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv2d_data_gradient(const Executor&, const A&, const B&, const C&, const conv_options<2>&, const Epilogue& = {},
                          gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <class A, class B, class C>
void conv2d_data_gradient(const A&, const B&, const C&, const conv_options<2>&) {
  ops::refuse_call<false, A, B, C>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv2d_weight_gradient(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv2d_weight_gradient(const Executor&, const A&, const B&, const C&, const conv_options<2>&, const Epilogue& = {},
                            gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <auto P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv2d_weight_gradient(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <auto P, class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv2d_weight_gradient(const Executor&, const A&, const B&, const C&, const conv_options<2>&, const Epilogue& = {},
                            gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <class A, class B, class C>
void conv2d_weight_gradient(const A&, const B&, const C&, const conv_options<2>&) {
  ops::refuse_call<false, A, B, C>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv2d_transposed(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv2d_transposed(const Executor&, const A&, const B&, const C&, const conv_options<2>&, const Epilogue& = {},
                       gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <auto P, class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void conv2d_transposed(const Arguments&...) { ops::refuse_call<false, Arguments...>(); }
template <auto P, class Executor, class A, class B, class C, class Epilogue = epilogue::none>
void conv2d_transposed(const Executor&, const A&, const B&, const C&, const conv_options<2>&, const Epilogue& = {},
                       gemm_factors = {}, where = {}) {
  ops::refuse_call<false, Executor, A, B, C>();
}
template <class A, class B, class C>
void conv2d_transposed(const A&, const B&, const C&, const conv_options<2>&) {
  ops::refuse_call<false, A, B, C>();
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
