// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Max and average pooling for any number of spatial dimensions: the options, the checks of a call, and its launch.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/pixels/average_pool.hpp>
#include <tilery/kernels/pixels/max_pool.hpp>
#include <tilery/ops/pool_shape.hpp>

namespace tilery::inline TILERY_ABI {

/// Settings of max pooling in N spatial dimensions. Each is one number for all dimensions, or a list with one for each:
/// `{.window = {3, 2}, .stride = 2}`.
template <int N>
struct max_pool_options {
  spatial<N> window;                     ///< taps of a window; at least 1
  spatial<N> stride = -1;                ///< elements from one window to the next; -1: the window's
  spatial<N> padding = 0;                ///< elements of padding before x
  spatial<N> padding_after = as_before;  ///< elements of padding after x; if not given, as many as before
  spatial<N> dilation = 1;               ///< elements from one tap to the next
  bool ceil_mode = false;                ///< round the number of windows up
};

/// Settings of average pooling in N spatial dimensions. Each is one number for all dimensions, or a list with one for
/// each.
template <int N>
struct average_pool_options {
  spatial<N> window;                     ///< elements of a window; at least 1
  spatial<N> stride = -1;                ///< elements from one window to the next; -1: the window's
  spatial<N> padding = 0;                ///< elements of padding before x
  spatial<N> padding_after = as_before;  ///< elements of padding after x; if not given, as many as before
  bool ceil_mode = false;                ///< round the number of windows up
  bool count_include_pad = true;         ///< true: the mean counts the zeros of the padding
};

namespace ops {

/// The type of the argument `indices` in a call of max pooling without indices.
struct no_indices {};

/// A tensor of int32, const or not: the indices of max pooling.
template <class V>
concept tensor_of_indices =
    tensor_of_any_rank<V> && std::is_same_v<std::remove_const_t<element_type_of<V>>, std::int32_t>;

template <int N>
pool_geometry geometry_of(const max_pool_options<N>& o) {
  return {N,
          o.window.in_three(1),
          given_or(o.stride, -1, o.window).in_three(1),
          o.padding.in_three(0),
          given_or(o.padding_after, as_before, o.padding).in_three(0),
          o.dilation.in_three(1),
          o.ceil_mode};
}
template <int N>
pool_geometry geometry_of(const average_pool_options<N>& o) {
  return {N,
          o.window.in_three(1),
          given_or(o.stride, -1, o.window).in_three(1),
          o.padding.in_three(0),
          given_or(o.padding_after, as_before, o.padding).in_three(0),
          spatial<3>(1),
          o.ceil_mode,
          o.count_include_pad};
}

/// Max pooling, without indices if Indices is no_indices.
template <int N, class Executor, class X, class Y, class Indices>
void run_max_pool(op_name op, const Executor& executor, const X& x, const Y& y, const Indices& indices,
                  const max_pool_options<N>& options, where at) {
  using T = element_type_of<Y>;
  constexpr bool has_indices = !std::is_same_v<Indices, no_indices>;
  check_pixel_types<N, X, Y>();
  const auto in = view(x, at, {op.prefix, "x"});
  const auto out = view(y, at, {op.prefix, "y"});
  const pool_geometry geometry = geometry_of(options);
  const auto wide_in = in_three_dimensions(in);
  const auto wide_out = in_three_dimensions(out);
  const spatial<3> extents = spatial_extents(wide_in);
  operands all = {reads("x", in), writes("y", out)};
  refuse(check_geometry(op.name, "x", geometry, extents), at);
  refuse(check_pooled(op.name, all[0], all[1], geometry, extents), at);

  max_pool_params<T, has_indices> p{};
  set_axes(p.axes, geometry, extents, spatial_extents(wide_out));
  p.x = images_for_kernel<const T>(wide_in), p.y = images_for_kernel<T>(wide_out);
  if constexpr (has_indices) {
    static_assert(Indices::rank() == N + 2 && !std::is_const_v<element_type_of<Indices>>,
                  "the indices must have the rank of y and must not be const");
    const auto places = view(indices, at, {op.prefix, "indices"});
    all.push_back(writes("indices", places));
    refuse(check_pooled(op.name, all[0], all[2], geometry, extents), at);
    refuse(check_pixel_count(op.name, all[0], "with indices "), at);
    refuse(check_call(op.name, all, executor.reachable()), at);
    const auto wide_places = in_three_dimensions(places);
    p.indices = images_for_kernel<std::int32_t>(wide_places);
    launch_pixels<with_indices<T>>(executor, describe_pixels(wide_out, wide_in, wide_places), wide_out, p, all, at);
  } else {
    refuse(check_call(op.name, all, executor.reachable()), at);
    launch_pixels<T>(executor, describe_pixels(wide_out, wide_in), wide_out, p, all, at);
  }
}

template <int N, class Executor, class D, class Indices, class G>
void run_max_pool_gradient(op_name op, const Executor& executor, const D& dy, const Indices& indices, const G& dx,
                           const max_pool_options<N>& options, where at) {
  using T = element_type_of<G>;
  check_pixel_types<N, D, G>();
  static_assert(Indices::rank() == N + 2, "the indices must have the rank of dy");
  const auto in = view(dy, at, {op.prefix, "dy"});
  const auto out = view(dx, at, {op.prefix, "dx"});
  const auto places = view(indices, at, {op.prefix, "indices"});
  const pool_geometry geometry = geometry_of(options);
  const auto wide_in = in_three_dimensions(in);
  const auto wide_out = in_three_dimensions(out);
  const auto wide_places = in_three_dimensions(places);
  const spatial<3> extents = spatial_extents(wide_out);
  operands all = {reads("dy", in), reads("indices", places), writes("dx", out)};
  refuse(check_geometry(op.name, "dx", geometry, extents), at);
  refuse(check_pooled(op.name, all[2], all[0], geometry, extents), at);
  refuse(check_pooled(op.name, all[2], all[1], geometry, extents), at);
  refuse(check_pixel_count(op.name, all[2]), at);
  refuse(check_call(op.name, all, executor.reachable()), at);

  max_pool_gradient_params<T> p{};
  set_axes(p.axes, geometry, extents, spatial_extents(wide_in));
  p.dy = images_for_kernel<const T>(wide_in), p.dx = images_for_kernel<T>(wide_out);
  p.indices = images_for_kernel<const std::int32_t>(wide_places);
  launch_pixels<with_indices<T>>(executor, describe_pixels(wide_out, wide_in, wide_places), wide_out, p, all, at);
}

template <int N, class Executor, class X, class Y>
void run_average_pool(op_name op, const Executor& executor, const X& x, const Y& y,
                      const average_pool_options<N>& options, where at) {
  using T = element_type_of<Y>;
  check_pixel_types<N, X, Y>();
  const auto in = view(x, at, {op.prefix, "x"});
  const auto out = view(y, at, {op.prefix, "y"});
  const pool_geometry geometry = geometry_of(options);
  const auto wide_in = in_three_dimensions(in);
  const auto wide_out = in_three_dimensions(out);
  const spatial<3> extents = spatial_extents(wide_in);
  operands all = {reads("x", in), writes("y", out)};
  refuse(check_geometry(op.name, "x", geometry, extents), at);
  refuse(check_pooled(op.name, all[0], all[1], geometry, extents), at);
  refuse(check_call(op.name, all, executor.reachable()), at);

  average_pool_params<T> p{};
  set_axes(p.axes, geometry, extents, spatial_extents(wide_out));
  p.x = images_for_kernel<const T>(wide_in), p.y = images_for_kernel<T>(wide_out);
  launch_pixels<T>(executor, describe_pixels(wide_out, wide_in), wide_out, p, all, at);
}

template <int N, class Executor, class D, class G>
void run_average_pool_gradient(op_name op, const Executor& executor, const D& dy, const G& dx,
                               const average_pool_options<N>& options, where at) {
  using T = element_type_of<G>;
  check_pixel_types<N, D, G>();
  const auto in = view(dy, at, {op.prefix, "dy"});
  const auto out = view(dx, at, {op.prefix, "dx"});
  const pool_geometry geometry = geometry_of(options);
  const auto wide_in = in_three_dimensions(in);
  const auto wide_out = in_three_dimensions(out);
  const spatial<3> extents = spatial_extents(wide_out);
  operands all = {reads("dy", in), writes("dx", out)};
  refuse(check_geometry(op.name, "dx", geometry, extents), at);
  refuse(check_pooled(op.name, all[1], all[0], geometry, extents), at);
  refuse(check_call(op.name, all, executor.reachable()), at);

  average_pool_gradient_params<T> p{};
  set_axes(p.axes, geometry, extents, spatial_extents(wide_in));
  p.dy = images_for_kernel<const T>(wide_in), p.dx = images_for_kernel<T>(wide_out);
  launch_pixels<T>(executor, describe_pixels(wide_out, wide_in), wide_out, p, all, at);
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
