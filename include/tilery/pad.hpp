// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Padding of the spatial dimensions by zeros, by reflection or by the border's elements, with gradients.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/kernels/pixels/pixel_sum.hpp>
#include <tilery/ops/pixels.hpp>
#include <tilery/ops/wrong_call.hpp>
#include <tilery/tile/padding_axis.hpp>

namespace tilery::inline TILERY_ABI {

/// Settings of padding in N spatial dimensions. Each is one number for all dimensions, or a list with one for each.
template <int N>
struct pad_options {
  spatial<N> padding;                    ///< elements before x
  spatial<N> padding_after = as_before;  ///< elements after x; if not given, as many as before
  pad_mode mode = pad_mode::zero;        ///< the values of the padding: pad_mode::zero, reflect or replicate
};

namespace ops {

/// The padding in three dimensions, of which the last `dimensions` are the caller's.
struct pad_geometry {
  int dimensions;
  spatial<3> before, after;
  pad_mode mode;
};

/// Checks the options and the shape of the padded operand against the extents of the unpadded operand: x, or dx in a
/// gradient.
inline finding check_padding(const char* op, const operand& unpadded, const operand& padded, const pad_geometry& g) {
  operand wanted = unpadded;
  for (int d = 3 - g.dimensions; d < 3; ++d) {
    const char* const name = dimension_name(d);
    const std::int64_t extent = unpadded.extents[d + g.dimensions - 2];
    if (extent < 1 && g.mode != pad_mode::zero)
      return {op, ": the ", name, " of ", unpadded.name, " is 0; it must be at least 1 to reflect or replicate it"};
    for (const auto& [padding, side] : {std::pair(g.before[d], "before"), std::pair(g.after[d], "after")}) {
      if (padding < 0) return {op, ": the padding ", side, " the ", name, " is ", padding, "; it must be at least 0"};
      if (g.mode == pad_mode::reflect && padding >= extent)
        return {sentence(op, ": the padding ", side, " the ", name, " is ", padding, "; it must be less than the ",
                         name),
                sentence(" of ", unpadded.name, ", ", extent), ", to reflect it"};
    }
    const std::int64_t all = extent + g.before[d] + g.after[d];
    if (all > largest_extent)
      return {sentence(op, ": the ", name, " of ", unpadded.name, " with its padding is ", all),
              "; it must be at most ", largest_extent};
    wanted.extents[d + g.dimensions - 2] = all;
  }
  for (int d = 0; d < unpadded.rank; ++d)
    if (padded.extents[d] != wanted.extents[d])
      return {sentence(op, ": ", padded.name, " is ", padded.shape(), "; it must be ", wanted.shape()),
              sentence(", the extents of ", unpadded.name, " and the padding at both sides")};
  return {};
}

/// Pads (Gradient false), or sums the copies of each element (Gradient true).
template <int N, bool Gradient, class Executor, class From, class To>
void run_padding(op_name op, const char* const (&names)[2], const Executor& executor, const From& from, const To& to,
                 const pad_options<N>& options, where at) {
  using T = element_type_of<To>;
  check_pixel_types<N, From, To>();
  const auto in = view(from, at, {op.prefix, names[0]});
  const auto out = view(to, at, {op.prefix, names[1]});
  operands all = {reads(names[0], in), writes(names[1], out)};
  const pad_geometry geometry{N, options.padding.in_three(0),
                              given_or(options.padding_after, as_before, options.padding).in_three(0), options.mode};
  refuse(check_padding(op.name, all[Gradient ? 1 : 0], all[Gradient ? 0 : 1], geometry), at);
  refuse(check_call(op.name, all, executor.reachable()), at);

  const auto wide_in = in_three_dimensions(in);
  const auto wide_out = in_three_dimensions(out);
  pixel_sum_params<T, tile::padding_axis, Gradient> p{};
  const spatial<3> extents = Gradient ? spatial_extents(wide_out) : spatial_extents(wide_in);
  for (int d = 0; d < 3; ++d) p.axes[d] = {extents[d], geometry.before[d], geometry.after[d], options.mode};
  p.from = images_for_kernel<const T>(wide_in), p.to = images_for_kernel<T>(wide_out);
  launch_pixels<T>(executor, describe_pixels(wide_out, wide_in), wide_out, p, all, at);
}

}  // namespace ops

/// y = x with padding around its spatial dimensions: `pad2d(gpu, x, y, {.padding = {2, 1}, .mode =
/// pad_mode::reflect})`. pad1d and pad3d do the same in one and three dimensions.
///
/// Shapes. x is (n, h, w, c), y (n, h + padding + padding_after, w + padding + padding_after, c). (In one dimension
/// (n, w, c), in three (n, d, h, w, c).) n = 0 and c = 0 are allowed: nothing is computed.
///
/// Modes. zero: the padding is 0. reflect: the elements beside the border, mirrored at the border's element, which is
/// not repeated; the padding must be less than the extent. replicate: the border's element, for any padding. (PyTorch's
/// modes "constant" with 0, "reflect" and "replicate".)
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
/// Errors. Throws `error` before anything is launched: a negative padding, in the mode reflect a padding that is not
/// less than the extent, an empty dimension to reflect or replicate, a padded extent above `largest_extent`, wrong
/// shapes, null views, negative strides, memory that the executor cannot reach, aliases.
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void pad1d(const Executor& executor, const X& x, const Y& y, pad_options<1> options, where at = {}) {
  ops::run_padding<1, false>("pad1d", {"x", "y"}, executor, x, y, options, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void pad2d(const Executor& executor, const X& x, const Y& y, pad_options<2> options, where at = {}) {
  ops::run_padding<2, false>("pad2d", {"x", "y"}, executor, x, y, options, at);
}
template <executor Executor, tensor_of_floats X, tensor_of_floats Y>
void pad3d(const Executor& executor, const X& x, const Y& y, pad_options<3> options, where at = {}) {
  ops::run_padding<3, false>("pad3d", {"x", "y"}, executor, x, y, options, at);
}

/// dx = the gradient of padding: for each element of x, the sum of dy over its copies in y. `options` are those of the
/// forward pass. The sum is in float, or double for double, in the order of the pixels, by one lane: there are no
/// atomics. Every element of dx is written. In the mode zero, dx is the inner part of dy.
///
/// Types, strides, aliasing, determinism, errors. As for pad2d, with dx in place of x and dy in place of y.
template <executor Executor, tensor_of_floats D, tensor_of_floats G>
void pad1d_gradient(const Executor& executor, const D& dy, const G& dx, pad_options<1> options, where at = {}) {
  ops::run_padding<1, true>("pad1d_gradient", {"dy", "dx"}, executor, dy, dx, options, at);
}
template <executor Executor, tensor_of_floats D, tensor_of_floats G>
void pad2d_gradient(const Executor& executor, const D& dy, const G& dx, pad_options<2> options, where at = {}) {
  ops::run_padding<2, true>("pad2d_gradient", {"dy", "dx"}, executor, dy, dx, options, at);
}
template <executor Executor, tensor_of_floats D, tensor_of_floats G>
void pad3d_gradient(const Executor& executor, const D& dy, const G& dx, pad_options<3> options, where at = {}) {
  ops::run_padding<3, true>("pad3d_gradient", {"dy", "dx"}, executor, dy, dx, options, at);
}

/// The overloads below take the calls that fit no overload above, and stop the compilation with an error that says what
/// is wrong with the call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void pad1d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void pad1d(const Executor&, const X&, const Y&, pad_options<1>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void pad1d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void pad1d_gradient(const Executor&, const X&, const Y&, pad_options<1>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void pad2d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void pad2d(const Executor&, const X&, const Y&, pad_options<2>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void pad2d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void pad2d_gradient(const Executor&, const X&, const Y&, pad_options<2>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void pad3d(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void pad3d(const Executor&, const X&, const Y&, pad_options<3>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void pad3d_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class Executor, class X, class Y>
void pad3d_gradient(const Executor&, const X&, const Y&, pad_options<3>, where = {}) {
  ops::refuse_call<true, Executor, X, Y>();
}

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
