// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Resampling to another size, nearest and linear, in one, two and three dimensions, with gradients.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/kernels/pixels/linear.hpp>
#include <tilery/kernels/pixels/pixel_sum.hpp>
#include <tilery/ops/pixels.hpp>
#include <tilery/ops/wrong_call.hpp>
#include <tilery/tile/resample_axis.hpp>

namespace tilery::inline TILERY_ABI {

/// Settings of linear upsampling.
struct upsample_options {
  bool align_corners = false;  ///< true: the centres of the corner pixels of x and y have the same coordinates
};

namespace ops {

/// Checks that both tensors have the same n and c, and at least one element along each spatial dimension.
inline finding check_resampled(const char* op, const operands& all) {
  const operand &first = all[0], &second = all[1];
  if (first.extents[0] != second.extents[0] || first.extents[first.rank - 1] != second.extents[second.rank - 1])
    return {sentence(op, ": ", second.name, " is ", second.shape(), " and ", first.name, " ", first.shape()),
            "; both must have the same n and c, the first and the last dimension"};
  for (const operand& o : all)
    for (int d = 1; d < o.rank - 1; ++d)
      if (o.extents[d] < 1)
        return {op, ": the ", dimension_name(d + 4 - o.rank), " of ", o.name, " is 0; it must be at least 1"};
  return {};
}

/// Resamples `from` to the size of `to`. Params are the kernel's parameters: `axes`, one for each dimension, and the
/// two tensors. The function set(params, from, to) sets them, from views in three dimensions.
template <int N, class Params, class Executor, class From, class To, class Set>
void run_resampling(op_name op, const char* const (&names)[2], const Executor& executor, const From& from, const To& to,
                    const Set& set, where at) {
  using T = element_type_of<To>;
  check_pixel_types<N, From, To>();
  const auto in = view(from, at, {op.prefix, names[0]});
  const auto out = view(to, at, {op.prefix, names[1]});
  operands all = {reads(names[0], in), writes(names[1], out)};
  refuse(check_resampled(op.name, all), at);
  refuse(check_call(op.name, all, executor.reachable()), at);
  const auto wide_in = in_three_dimensions(in);
  const auto wide_out = in_three_dimensions(out);
  Params p{};
  set(p, wide_in, wide_out);
  launch_pixels<T>(executor, describe_pixels(wide_out, wide_in), wide_out, p, all, at);
}

template <int N, class Executor, class X, class Y>
void run_nearest(op_name op, const Executor& executor, const X& x, const Y& y, where at) {
  using T = element_type_of<Y>;
  using params = pixel_sum_params<T, tile::nearest_axis, false>;
  run_resampling<N, params>(
      op, {"x", "y"}, executor, x, y,
      [](params& p, const auto& in, const auto& out) {
        for (int d = 0; d < 3; ++d) p.axes[d] = tile::nearest_axis(in.extents[d + 1], out.extents[d + 1]);
        p.from = images_for_kernel<const T>(in), p.to = images_for_kernel<T>(out);
      },
      at);
}
template <int N, class Executor, class D, class G>
void run_nearest_gradient(op_name op, const Executor& executor, const D& dy, const G& dx, where at) {
  using T = element_type_of<G>;
  using params = pixel_sum_params<T, tile::nearest_axis, true>;
  run_resampling<N, params>(
      op, {"dy", "dx"}, executor, dy, dx,
      [](params& p, const auto& in, const auto& out) {
        for (int d = 0; d < 3; ++d) p.axes[d] = tile::nearest_axis(out.extents[d + 1], in.extents[d + 1]);
        p.from = images_for_kernel<const T>(in), p.to = images_for_kernel<T>(out);
      },
      at);
}
template <int N, class Executor, class X, class Y>
void run_linear(op_name op, const Executor& executor, const X& x, const Y& y, upsample_options options, where at) {
  using T = element_type_of<Y>;
  using params = linear_params<T>;
  run_resampling<N, params>(
      op, {"x", "y"}, executor, x, y,
      [options](params& p, const auto& in, const auto& out) {
        for (int d = 0; d < 3; ++d)
          p.axes[d] = tile::linear_axis(in.extents[d + 1], out.extents[d + 1], options.align_corners);
        p.x = images_for_kernel<const T>(in), p.y = images_for_kernel<T>(out);
      },
      at);
}
template <int N, class Executor, class D, class G>
void run_linear_gradient(op_name op, const Executor& executor, const D& dy, const G& dx, upsample_options options,
                         where at) {
  using T = element_type_of<G>;
  using params = linear_gradient_params<T>;
  run_resampling<N, params>(
      op, {"dy", "dx"}, executor, dy, dx,
      [options](params& p, const auto& in, const auto& out) {
        for (int d = 0; d < 3; ++d)
          p.axes[d] = tile::linear_axis(out.extents[d + 1], in.extents[d + 1], options.align_corners);
        p.dy = images_for_kernel<const T>(in), p.dx = images_for_kernel<T>(out);
      },
      at);
}

}  // namespace ops

/// y = x resampled to the size of y. Each element of y is a copy of the element of x at or before its coordinate: along
/// each dimension, y[o] = x[floor(o in / out)], where in and out are the extents of x and y. (PyTorch's mode
/// "nearest".) upsample_nearest1d and upsample_nearest3d do the same in one and three dimensions. y may be smaller than
/// x.
///
/// Shapes. x is (n, h, w, c), y (n, any height, any width, c). (In one dimension (n, w, c), in three (n, d, h, w, c).)
/// n = 0 and c = 0 are allowed: nothing is computed. A scale is not taken: a scale and the size that it is rounded to
/// would give different coordinates.
///
/// Types. double, float, half, bf16, the same for x and y. y has the bits of an element of x, except for the payload of
/// a NaN.
///
/// Strides and alignment. Any strides that are not negative, any alignment. Channels-first tensors are permuted views:
/// permuted(nchw, {0, 2, 3, 1}). Channels that are contiguous, aligned to 16 bytes and a multiple of 16 bytes are
/// loaded in packs.
///
/// Aliasing. y must not share an element with x.
///
/// Determinism. Each run computes the same bits, on every executor.
///
/// Errors. Throws `error` before anything is launched: n or c differ, an empty spatial dimension, null views, negative
/// strides, memory that the executor cannot reach, aliases.
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void upsample_nearest1d(const Executor& executor, const X& x, const Y& y, where at = {}) {
  ops::run_nearest<1>("upsample_nearest1d", executor, x, y, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void upsample_nearest2d(const Executor& executor, const X& x, const Y& y, where at = {}) {
  ops::run_nearest<2>("upsample_nearest2d", executor, x, y, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void upsample_nearest3d(const Executor& executor, const X& x, const Y& y, where at = {}) {
  ops::run_nearest<3>("upsample_nearest3d", executor, x, y, at);
}

/// dx = the gradient of nearest upsampling: for each element of x, the sum of dy over its copies in y. The sum is in
/// float, or double for double, in the order of the pixels, by one lane: there are no atomics. Every element of dx is
/// written.
///
/// Types, strides, aliasing, determinism, errors. As for upsample_nearest2d, with dx in place of x and dy of y.
template <executor Executor, tensor_of_floats D, tensor_of_floats G>
void upsample_nearest1d_gradient(const Executor& executor, const D& dy, const G& dx, where at = {}) {
  ops::run_nearest_gradient<1>("upsample_nearest1d_gradient", executor, dy, dx, at);
}
template <executor Executor, tensor_of_floats D, tensor_of_floats G>
void upsample_nearest2d_gradient(const Executor& executor, const D& dy, const G& dx, where at = {}) {
  ops::run_nearest_gradient<2>("upsample_nearest2d_gradient", executor, dy, dx, at);
}
template <executor Executor, tensor_of_floats D, tensor_of_floats G>
void upsample_nearest3d_gradient(const Executor& executor, const D& dy, const G& dx, where at = {}) {
  ops::run_nearest_gradient<3>("upsample_nearest3d_gradient", executor, dy, dx, at);
}

/// y = x resampled to the size of y, by linear interpolation along each dimension: upsample_linear2d is bilinear,
/// upsample_linear3d trilinear.
///
/// Coordinates. Output o samples x at (o + 1/2) in / out - 1/2, at least 0; with align_corners at
/// o (in - 1) / (out - 1), or at 0 if out = 1. Beyond the last element the last element is taken. (PyTorch's modes
/// "linear", "bilinear" and "trilinear"; an output of one pixel has the coordinate in / 2 - 1/2, as there.) The
/// coordinates are computed as fractions of integers, so the weights are rounded once. There is no antialiasing: if y
/// is smaller than half of x, some elements are not read.
///
/// Shapes, strides, aliasing, determinism, errors. As for upsample_nearest2d. On executors that fuse a multiplication
/// and an addition, the bits may differ from those of executors that do not.
///
/// Types and accuracy. double, float, half, bf16, the same for x and y; computed in float, or double for double. The
/// error before the conversion to y is at most 20 u times the largest |x| among the elements read, with u = 2^-24
/// (2^-53 for double).
///
/// NaN and infinity. They propagate as in a weighted sum; an element of weight 0 is not read.
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void upsample_linear1d(const Executor& executor, const X& x, const Y& y, upsample_options options = {}, where at = {}) {
  ops::run_linear<1>("upsample_linear1d", executor, x, y, options, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void upsample_linear2d(const Executor& executor, const X& x, const Y& y, upsample_options options = {}, where at = {}) {
  ops::run_linear<2>("upsample_linear2d", executor, x, y, options, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void upsample_linear3d(const Executor& executor, const X& x, const Y& y, upsample_options options = {}, where at = {}) {
  ops::run_linear<3>("upsample_linear3d", executor, x, y, options, at);
}

/// dx = the gradient of linear upsampling: for each element of x, the sum over the elements of y of dy times the weight
/// that the element of x has in that element of y. `options` are those of the forward pass. The sum is in float, or
/// double for double, in the order of the pixels, by one lane: there are no atomics. Every element of dx is written.
///
/// Types, strides, aliasing, determinism, errors. As for upsample_linear2d, with dx in place of x and dy of y.
template <executor Executor, tensor_of_floats D, tensor_of_floats G>
void upsample_linear1d_gradient(const Executor& executor, const D& dy, const G& dx, upsample_options options = {},
                                where at = {}) {
  ops::run_linear_gradient<1>("upsample_linear1d_gradient", executor, dy, dx, options, at);
}
template <executor Executor, tensor_of_floats D, tensor_of_floats G>
void upsample_linear2d_gradient(const Executor& executor, const D& dy, const G& dx, upsample_options options = {},
                                where at = {}) {
  ops::run_linear_gradient<2>("upsample_linear2d_gradient", executor, dy, dx, options, at);
}
template <executor Executor, tensor_of_floats D, tensor_of_floats G>
void upsample_linear3d_gradient(const Executor& executor, const D& dy, const G& dx, upsample_options options = {},
                                where at = {}) {
  ops::run_linear_gradient<3>("upsample_linear3d_gradient", executor, dy, dx, options, at);
}

/// The overloads below take the calls that fit no overload above, and stop the compilation with an error that says what
/// is wrong with the call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void upsample_nearest1d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void upsample_linear1d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void upsample_nearest1d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void upsample_linear1d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void upsample_nearest2d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void upsample_linear2d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void upsample_nearest2d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void upsample_linear2d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void upsample_nearest3d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void upsample_linear3d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void upsample_nearest3d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void upsample_linear3d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
