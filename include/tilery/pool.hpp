// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Max pooling with indices and average pooling, in one, two and three dimensions, with their gradients. Global pooling
// is in global_pool.hpp.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/ops/run_pool.hpp>
#include <tilery/ops/wrong_call.hpp>

namespace tilery::inline TILERY_ABI {

/// y = the largest element of each window of x:
/// `max_pool2d(gpu, x, y, indices, {.window = 3, .stride = 2, .padding = 1})`. max_pool1d and max_pool3d do the same in
/// one and three dimensions.
///
/// Shapes. x is (n, h, w, c), y (n, p, q, c). (In one dimension (n, w, c), in three (n, d, h, w, c).) Along each
/// spatial dimension y has floor((extent + padding + padding_after - (window - 1) dilation - 1) / stride) + 1 elements.
/// With ceil_mode the quotient is rounded up, and a last window that begins in the padding after x is left out. n = 0
/// and c = 0 are allowed: nothing is computed.
///
/// Indices. indices (int32, the shape of y) receives the number of each maximum's pixel in its image: h w_extent + w in
/// two dimensions, (d h_extent + h) w_extent + w in three, as PyTorch's return_indices. The call without `indices` does
/// not compute them.
///
/// Which element. Of equal elements, the one with the first pixel. +0 and -0 are equal here: the first of them is
/// taken, with its sign. Padding is never chosen. With dilation, a window may have no tap inside x: then y is -infinity
/// and the index -1.
///
/// NaN. A window with a NaN has y = NaN, and the index of its first NaN.
///
/// Types. double, float, half, bf16, the same for x and y; y has the bits of an element of x, except for the payload of
/// a NaN.
///
/// Strides and alignment. Any strides that are not negative, any alignment. Channels-first tensors are permuted views:
/// permuted(nchw, {0, 2, 3, 1}). Channels that are contiguous, aligned to 16 bytes and a multiple of 16 bytes are
/// loaded in packs.
///
/// Aliasing. y and indices must not share an element with x or with each other.
///
/// Determinism. Each run computes the same bits, on every executor.
///
/// Errors. Throws `error` before anything is launched: options out of range, a padding that is not less than the span
/// of a window, (window - 1) dilation + 1, a window whose span is larger than the padded x, wrong shapes, with indices
/// an image of more than `largest_extent` pixels, null views, negative strides, memory that the executor cannot reach,
/// aliases.
template <executor Executor, tensor_of_floats X, tensor_of_floats Y, ops::tensor_of_indices Indices>
void max_pool1d(const Executor& executor, const X& x, const Y& y, const Indices& indices, max_pool_options<1> options,
                where at = {}) {
  ops::run_max_pool<1>("max_pool1d", executor, x, y, indices, options, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y, ops::tensor_of_indices Indices>
void max_pool2d(const Executor& executor, const X& x, const Y& y, const Indices& indices, max_pool_options<2> options,
                where at = {}) {
  ops::run_max_pool<2>("max_pool2d", executor, x, y, indices, options, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y, ops::tensor_of_indices Indices>
void max_pool3d(const Executor& executor, const X& x, const Y& y, const Indices& indices, max_pool_options<3> options,
                where at = {}) {
  ops::run_max_pool<3>("max_pool3d", executor, x, y, indices, options, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void max_pool1d(const Executor& executor, const X& x, const Y& y, max_pool_options<1> options, where at = {}) {
  ops::run_max_pool<1>("max_pool1d", executor, x, y, ops::no_indices{}, options, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void max_pool2d(const Executor& executor, const X& x, const Y& y, max_pool_options<2> options, where at = {}) {
  ops::run_max_pool<2>("max_pool2d", executor, x, y, ops::no_indices{}, options, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void max_pool3d(const Executor& executor, const X& x, const Y& y, max_pool_options<3> options, where at = {}) {
  ops::run_max_pool<3>("max_pool3d", executor, x, y, ops::no_indices{}, options, at);
}

/// dx = the gradient of max pooling: for each element of x, the sum of dy over the windows whose maximum it was.
/// `indices` are those that the forward pass wrote, and `options` are its options. dx has the shape of x; every element
/// of dx is written.
///
/// Indices. The dy of a window is added to the pixel whose number is the window's index, if this pixel is within the
/// window's span. Any other index, such as -1, adds nothing.
///
/// Types and determinism. As for max_pool2d; the sum is in float, or double for double, in the order of the windows, by
/// one lane: there are no atomics.
///
/// Strides, aliasing, errors. As for max_pool2d, with dx in place of x and dy in place of y.
template <executor Executor, tensor_of_floats D, ops::tensor_of_indices Indices, tensor_of_floats G>
void max_pool1d_gradient(const Executor& executor, const D& dy, const Indices& indices, const G& dx,
                         max_pool_options<1> options, where at = {}) {
  ops::run_max_pool_gradient<1>("max_pool1d_gradient", executor, dy, indices, dx, options, at);
}
template <executor Executor, tensor_of_floats D, ops::tensor_of_indices Indices, tensor_of_floats G>
void max_pool2d_gradient(const Executor& executor, const D& dy, const Indices& indices, const G& dx,
                         max_pool_options<2> options, where at = {}) {
  ops::run_max_pool_gradient<2>("max_pool2d_gradient", executor, dy, indices, dx, options, at);
}
template <executor Executor, tensor_of_floats D, ops::tensor_of_indices Indices, tensor_of_floats G>
void max_pool3d_gradient(const Executor& executor, const D& dy, const Indices& indices, const G& dx,
                         max_pool_options<3> options, where at = {}) {
  ops::run_max_pool_gradient<3>("max_pool3d_gradient", executor, dy, indices, dx, options, at);
}

/// y = the mean of each window of x: `average_pool2d(gpu, x, y, {.window = 2})`. average_pool1d and average_pool3d do
/// the same in one and three dimensions.
///
/// Shapes. As for max_pool2d, without dilation.
///
/// Divisor. With count_include_pad (the default, as in PyTorch) it is the number of elements of the window in x and in
/// its padding; without count_include_pad, the number of those in x alone. With ceil_mode, the last window may reach
/// beyond the padding: elements there never count.
///
/// Types and accuracy. double, float, half, bf16, the same for x and y; summed in float or wider, in the order of the
/// pixels, and divided once. For a window of k elements the error before the conversion to y is at most k u times the
/// mean of |x|, with u = 2^-24 (2^-53 for double).
///
/// NaN and infinity. They propagate as in a sum and a division.
///
/// Strides, aliasing, determinism, errors. As for max_pool2d.
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void average_pool1d(const Executor& executor, const X& x, const Y& y, average_pool_options<1> options, where at = {}) {
  ops::run_average_pool<1>("average_pool1d", executor, x, y, options, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void average_pool2d(const Executor& executor, const X& x, const Y& y, average_pool_options<2> options, where at = {}) {
  ops::run_average_pool<2>("average_pool2d", executor, x, y, options, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void average_pool3d(const Executor& executor, const X& x, const Y& y, average_pool_options<3> options, where at = {}) {
  ops::run_average_pool<3>("average_pool3d", executor, x, y, options, at);
}

/// dx = the gradient of average pooling: for each element of x, the sum over the windows that contain it of dy divided
/// by the window's divisor. `options` are those of the forward pass. dx has the shape of x; every element of dx is
/// written.
///
/// Types. As for average_pool2d.
///
/// Accuracy. The sum takes the windows in their order; consecutive windows with the same divisor are added up before
/// one division. For an element in k windows, the error before the conversion to dx is at most k u times the sum of
/// |dy| / divisor over these windows, with u = 2^-24 (2^-53 for double).
///
/// Strides, aliasing, determinism, errors. As for max_pool2d, with dx in place of x and dy in place of y.
template <executor Executor, tensor_of_floats D, tensor_of_floats G>
void average_pool1d_gradient(const Executor& executor, const D& dy, const G& dx, average_pool_options<1> options,
                             where at = {}) {
  ops::run_average_pool_gradient<1>("average_pool1d_gradient", executor, dy, dx, options, at);
}
template <executor Executor, tensor_of_floats D, tensor_of_floats G>
void average_pool2d_gradient(const Executor& executor, const D& dy, const G& dx, average_pool_options<2> options,
                             where at = {}) {
  ops::run_average_pool_gradient<2>("average_pool2d_gradient", executor, dy, dx, options, at);
}
template <executor Executor, tensor_of_floats D, tensor_of_floats G>
void average_pool3d_gradient(const Executor& executor, const D& dy, const G& dx, average_pool_options<3> options,
                             where at = {}) {
  ops::run_average_pool_gradient<3>("average_pool3d_gradient", executor, dy, dx, options, at);
}

/// The overloads below take the calls that fit no overload above, and stop the compilation with an error that says what
/// is wrong with the call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void max_pool1d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void max_pool1d(const Executor&, const X&, const Y&, max_pool_options<1>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class Executor, class X, class Y, class Indices>
void max_pool1d(const Executor&, const X&, const Y&, const Indices&, max_pool_options<1>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void max_pool1d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Indices, class Y>
void max_pool1d_gradient(const Executor&, const X&, const Indices&, const Y&, max_pool_options<1>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void max_pool2d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void max_pool2d(const Executor&, const X&, const Y&, max_pool_options<2>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class Executor, class X, class Y, class Indices>
void max_pool2d(const Executor&, const X&, const Y&, const Indices&, max_pool_options<2>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void max_pool2d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Indices, class Y>
void max_pool2d_gradient(const Executor&, const X&, const Indices&, const Y&, max_pool_options<2>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void max_pool3d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void max_pool3d(const Executor&, const X&, const Y&, max_pool_options<3>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class Executor, class X, class Y, class Indices>
void max_pool3d(const Executor&, const X&, const Y&, const Indices&, max_pool_options<3>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void max_pool3d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Indices, class Y>
void max_pool3d_gradient(const Executor&, const X&, const Indices&, const Y&, max_pool_options<3>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void average_pool1d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void average_pool1d(const Executor&, const X&, const Y&, average_pool_options<1>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void average_pool1d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void average_pool1d_gradient(const Executor&, const X&, const Y&, average_pool_options<1>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void average_pool2d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void average_pool2d(const Executor&, const X&, const Y&, average_pool_options<2>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void average_pool2d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void average_pool2d_gradient(const Executor&, const X&, const Y&, average_pool_options<2>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void average_pool3d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void average_pool3d(const Executor&, const X&, const Y&, average_pool_options<3>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void average_pool3d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void average_pool3d_gradient(const Executor&, const X&, const Y&, average_pool_options<3>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
