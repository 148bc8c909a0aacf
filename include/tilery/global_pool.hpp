// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pooling over all pixels of an image, average and maximum, for one, two and three spatial dimensions, with gradients.
#pragma once
#pragma GCC system_header

#include <tilery/core/macros_off.inc>

#include <tilery/kernels/global_pool.hpp>
#include <tilery/ops/run_pool.hpp>
#include <tilery/ops/wrong_call.hpp>
#include <tilery/policies/global_pool_table.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The table of policies for elements of T on this executor.
template <class Executor, class T>
using global_pool_table =
    std::conditional_t<Executor::uses_cpu_kernels, global_pool_table_cpu<T>, global_pool_table_gpu<T>>;

/// A tensor (n, spatial..., c) of floats with 1 to 3 spatial dimensions.
template <class V>
concept images_of_floats = tensor_of_floats<V> &&(V::rank() >= 3 && V::rank() <= 5);
/// A matrix of int32, const or not: the indices of global max pooling.
template <class V>
concept matrix_of_indices = tensor_like<V, 2> && tensor_of_indices<V>;

/// Checks that no spatial dimension of the images is empty, and that each pooled operand is n x c.
inline finding check_global(const char* op, const operands& all, const operand& images) {
  for (int d = 1; d < images.rank - 1; ++d)
    if (images.extents[d] < 1)
      return {op, ": the ", dimension_name(d + 4 - images.rank), " of ", images.name, " is 0; it must be at least 1"};
  const std::int64_t n = images.extents[0], c = images.extents[images.rank - 1];
  for (const operand& o : all)
    if (o.rank == 2 && (o.extents[0] != n || o.extents[1] != c))
      return {sentence(op, ": ", o.name, " is ", o.shape(), "; it must be ", n, " x ", c), ", n and c of ",
              images.name};
  return check_pixel_count(op, images);
}

/// Returns a matrix (n, c) as a tensor (n, 1, 1, 1, c).
template <class T>
tensor_view<T, 5> as_pixels(const matrix_view<T>& m) {
  tensor_view<T, 5> all;
  all.pointer = m.pointer;
  for (int d = 0; d < 5; ++d) all.extents[d] = 1;
  all.extents[0] = m.extents[0], all.strides[0] = m.strides[0];
  all.extents[4] = m.extents[1], all.strides[4] = m.strides[1];
  return all;
}

/// The pooling whose one window is the whole image.
inline pool_geometry whole_image(const spatial<3>& extents) {
  return {3, extents, spatial<3>(1), spatial<3>(0), spatial<3>(0), spatial<3>(1)};
}

/// Launches the global pooling kernel. The operands have been checked. `indices` is an empty view if the Reduction
/// finds no places (Reduction::has_place), the pixel numbers of the maxima.
template <class Reduction, class T, class Executor>
void launch_global_pool(const Executor& executor, const tensor_view<const T, 5>& x, const matrix_view<T>& y,
                        const matrix_view<std::int32_t>& indices, const operands& all, where at) {
  if (x.size() == 0) return;
  global_pool_params<T> p{};
  p.x = images_for_kernel<const T>(x);
  p.pixels = x.extents[1] * x.extents[2] * x.extents[3];
  p.by_width = fast_divisor(x.extents[3]), p.by_height = fast_divisor(x.extents[2]);
  p.y = for_kernel<T>(y), p.indices = for_kernel<std::int32_t>(indices);
  const pixel_problem packs = describe_pixels(x);
  const std::int64_t next_pixel = x.extents[3] > 1 ? x.strides[3] : x.extents[2] > 1 ? x.strides[2] : x.strides[1];
  const global_pool_problem problem{packs.vector, packs.contiguous, p.pixels > 1 && next_pixel < x.strides[4],
                                    x.extents[4]};
  using table = global_pool_table<Executor, T>;
  with_candidate<table>(table::choose(problem, executor.target()).index, [&]<global_pool_policy P>() {
    using kernel = global_pool_kernel<P, T, Reduction>;
    const std::int64_t blocks = kernel::block_count(p);
    if (blocks > largest_extent)
      throw error({Reduction::name, ": x takes ", blocks, " blocks; a launch has at most ", largest_extent}, at);
    launch<kernel>(executor, {static_cast<int>(blocks)}, p, all, at);
  });
}

/// Pools all pixels of each image. Indices is the type of the view that receives the pixel numbers of the maxima, or
/// no_indices.
template <class Reduction, class Executor, class X, class Y, class Indices>
void run_global_pool(op_name op, const Executor& executor, const X& x, const Y& y, const Indices& indices, where at) {
  using T = element_type_of<Y>;
  static_assert(std::is_same_v<std::remove_const_t<element_type_of<X>>, T>,
                "x and y must have the same element type, and y must not be const");
  const auto in = view(x, at, {op.prefix, "x"});
  const auto out = view(y, at, {op.prefix, "y"});
  matrix_view<std::int32_t> places;
  operands all = {reads("x", in), writes("y", out)};
  if constexpr (Reduction::has_place) {
    places = view(indices, at, {op.prefix, "indices"});
    all.push_back(writes("indices", places));
  }
  refuse(check_global(op.name, all, all[0]), at);
  refuse(check_call(op.name, all, executor.reachable()), at);
  launch_global_pool<Reduction, T>(executor, tensor_view<const T, 5>(in_three_dimensions(in)), out, places, all, at);
}

}  // namespace ops

/// y (n x c) = the mean of all pixels of each image of x, for each channel.
///
/// Shapes. x is (n, w, c), (n, h, w, c) or (n, d, h, w, c), with at most `largest_extent` pixels in an image. n = 0 and
/// c = 0 are allowed: nothing is computed.
///
/// Types and accuracy. double, float, half, bf16, the same for x and y; summed in float or wider, divided once. The
/// error before the conversion to y is at most (min(pixels, 256 + pixels / 256) + 17) u times the mean of |x|, with u =
/// 2^-24 (2^-53 for double), because a lane adds up partial sums of at most 256 pixels.
///
/// Strides and alignment. Any strides that are not negative, any alignment. Channels-first tensors are permuted views:
/// permuted(nchw, {0, 2, 3, 1}).
///
/// Aliasing. y must not share an element with x.
///
/// Determinism. Each run computes the same bits. The order of the additions depends on the strides, the element type
/// and the policy that the executor's table selects.
///
/// Errors. Throws `error` before anything is launched: wrong shapes, an empty spatial dimension, an image of more than
/// `largest_extent` pixels, null views, negative strides, memory that the executor cannot reach, aliases.
template <executor Executor, ops::images_of_floats X, matrix_of_floats Y>
void global_average_pool(const Executor& executor, const X& x, const Y& y, where at = {}) {
  ops::run_global_pool<mean_of_pixels>("global_average_pool", executor, x, y, ops::no_indices{}, at);
}

/// dx = the gradient of global average pooling: dy (n x c) divided by the number of pixels, for each pixel of dx.
///
/// Shapes, types, strides, errors. As for global_average_pool, with dx in place of x and dy in place of y.
template <executor Executor, matrix_of_floats D, ops::images_of_floats G>
void global_average_pool_gradient(const Executor& executor, const D& dy, const G& dx, where at = {}) {
  using T = element_type_of<G>;
  static_assert(std::is_same_v<std::remove_const_t<element_type_of<D>>, T>,
                "global_average_pool_gradient: dy and dx must have the same element type, and dx must not be const");
  const ops::op_name op = "global_average_pool_gradient";
  const auto in = view(dy, at, {op.prefix, "dy"});
  const auto out = view(dx, at, {op.prefix, "dx"});
  operands all = {reads("dy", in), writes("dx", out)};
  refuse(ops::check_global(op.name, all, all[1]), at);
  refuse(check_call(op.name, all, executor.reachable()), at);
  const auto wide_in = ops::as_pixels(in);
  const auto wide_out = ops::in_three_dimensions(out);
  const spatial<3> extents = ops::spatial_extents(wide_out);
  average_pool_gradient_params<T> p{};
  ops::set_axes(p.axes, ops::whole_image(extents), extents, spatial<3>(1));
  p.dy = images_for_kernel<const T>(wide_in), p.dx = images_for_kernel<T>(wide_out);
  ops::launch_pixels<T>(executor, ops::describe_pixels(wide_out, wide_in), wide_out, p, all, at);
}

/// y (n x c) = the largest of all pixels of each image of x, for each channel. `indices` (int32, n x c) receives the
/// number of the pixel with the largest element, (d h_extent + h) w_extent + w. The call without `indices` does not
/// compute them.
///
/// Which element. The first of equal elements in the order of the pixels; the first NaN of an image that has one. In
/// the call without `indices`, the sign of a zero and the payload of a NaN may be those of another equal element.
///
/// Shapes, types, strides, aliasing, errors. As for global_average_pool.
///
/// Determinism. Each run computes the same bits.
template <executor Executor, ops::images_of_floats X, matrix_of_floats Y, ops::matrix_of_indices Indices>
void global_max_pool(const Executor& executor, const X& x, const Y& y, const Indices& indices, where at = {}) {
  ops::run_global_pool<maximum_of_pixels<true>>("global_max_pool", executor, x, y, indices, at);
}
template <executor Executor, ops::images_of_floats X, matrix_of_floats Y>
void global_max_pool(const Executor& executor, const X& x, const Y& y, where at = {}) {
  ops::run_global_pool<maximum_of_pixels<false>>("global_max_pool", executor, x, y, ops::no_indices{}, at);
}

/// dx = the gradient of global max pooling: dy (n x c) at the pixel whose number is in `indices`, 0 at all others. An
/// index that is not the number of a pixel, such as -1, adds nothing. Every element of dx is written.
///
/// Shapes, types, strides, errors. As for global_average_pool, with dx in place of x and dy in place of y.
template <executor Executor, matrix_of_floats D, ops::matrix_of_indices Indices, ops::images_of_floats G>
void global_max_pool_gradient(const Executor& executor, const D& dy, const Indices& indices, const G& dx,
                              where at = {}) {
  using T = element_type_of<G>;
  static_assert(std::is_same_v<std::remove_const_t<element_type_of<D>>, T>,
                "global_max_pool_gradient: dy and dx must have the same element type, and dx must not be const");
  const ops::op_name op = "global_max_pool_gradient";
  const auto in = view(dy, at, {op.prefix, "dy"});
  const auto places = view(indices, at, {op.prefix, "indices"});
  const auto out = view(dx, at, {op.prefix, "dx"});
  operands all = {reads("dy", in), reads("indices", places), writes("dx", out)};
  refuse(ops::check_global(op.name, all, all[2]), at);
  refuse(check_call(op.name, all, executor.reachable()), at);
  const auto wide_in = ops::as_pixels(in);
  const auto wide_places = ops::as_pixels(places);
  const auto wide_out = ops::in_three_dimensions(out);
  const spatial<3> extents = ops::spatial_extents(wide_out);
  max_pool_gradient_params<T> p{};
  ops::set_axes(p.axes, ops::whole_image(extents), extents, spatial<3>(1));
  p.dy = images_for_kernel<const T>(wide_in), p.dx = images_for_kernel<T>(wide_out);
  p.indices = images_for_kernel<const std::int32_t>(wide_places);
  ops::launch_pixels<ops::with_indices<T>>(executor, ops::describe_pixels(wide_out, wide_in, wide_places), wide_out, p,
                                           all, at);
}

/// The overloads below take the calls that fit no overload above, and stop the compilation with an error that says what
/// is wrong with the call (ops/wrong_call.hpp).
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void global_average_pool(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void global_average_pool_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void global_max_pool(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }
template <class... Arguments>
requires ops::may_be_mistaken<Arguments...>
void global_max_pool_gradient(const Arguments&...) { ops::refuse_call<true, Arguments...>(); }

}  // namespace tilery::inline TILERY_ABI

#include <tilery/core/macros_on.inc>
