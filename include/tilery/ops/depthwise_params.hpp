// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns the views of a depthwise convolution into the problem that the selectors see (depthwise_problem) and into the
// parameters of the kernels.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/conv/depthwise_totals.hpp>
#include <tilery/kernels/conv/depthwise_weight_params.hpp>
#include <tilery/ops/conv_params.hpp>
#include <tilery/policies/depthwise_table.hpp>
#include <tilery/tile/depthwise_walk.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The parameters of the forward pass and of the data gradient, for elements T of the operands and C of the output.
template <class T, class C, class Epilogue>
using depthwise_product = product_params<depthwise_images<T>, depthwise_filter<T, finish_t<T, C>>, channel_matrix<C>,
                                         finish_t<T, C>, Epilogue>;
/// The parameters of the weight gradient's last kernel.
template <class T, class C, class Epilogue>
using depthwise_total = product_params<depthwise_slices<T, finish_t<T, C>>, depthwise_slices<T, finish_t<T, C>>,
                                       tap_matrix<C>, finish_t<T, C>, Epilogue>;

/// True if each group of channels has one channel, and there are several groups.
inline bool is_depthwise(const conv_geometry& g) { return g.channels == 1 && g.groups > 1; }

/// The reason why another convolution cannot run on a depthwise policy.
inline constexpr const char* why_no_depthwise = "a depthwise policy needs groups of one channel, and several of them";

/// Returns the walk of a forward pass or of a data gradient in dimension d.
inline tile::depthwise_walk walk_of(const conv_geometry& g, int d, bool is_gradient) {
  tile::depthwise_walk walk{fast_divisor(1), g.stride[d], g.dilation[d], 1, {}};
  if (!is_gradient) {
    walk.of[0] = {g.taps[d], -g.before[d], 0};
  } else {
    walk.classes = fast_divisor(g.stride[d]), walk.in_step = 1;
    for (std::int32_t first = 0; first < g.stride[d]; ++first) {
      // The taps of a residue class read smaller and smaller coordinates: they are taken in reverse order.
      const conv_residue r = residue_of(g, d, first);
      if (r.taps == 0) continue;  // no tap reaches the class
      const std::int32_t last = r.taps - 1;
      walk.of[first] = {r.taps, r.walk.origin + last * r.walk.tap_step, r.first_tap + last * r.tap_stride};
      walk.tap_step = -r.walk.tap_step, walk.tap_stride = -r.tap_stride;
    }
  }
  if (g.flipped) {
    for (auto& c : walk.of) c.first_tap = g.taps[d] - 1 - c.first_tap;
    walk.tap_stride = -walk.tap_stride;
  }
  return walk;
}

/// Returns the number of channels of the widest pack for which all images are aligned. `out` may have a wider element
/// type: a pack that has more than 16 bytes in `out` is stored by several accesses.
template <class A, class B>
int depthwise_vector(const images_view<A>& in, const images_view<B>& out) {
  const int vector = channel_vector(in, 4, in.extents[4]), of_out = channel_vector(out, 4, out.extents[4]);
  return of_out * static_cast<int>(sizeof(B)) >= 16 && out.extents[4] % vector == 0 ? vector : lesser(vector, of_out);
}

/// Returns the problem that the selectors see.
template <class X, class Y>
depthwise_problem describe_depthwise(conv_direction direction, const conv_geometry& g, const images_view<X>& x,
                                     const images_view<Y>& y, arch target) {
  depthwise_problem p;
  const bool is_gradient = direction == conv_direction::data_gradient;
  p.direction = direction, p.target = target, p.taps = g.taps[2], p.multiplier = g.filters;
  p.neighbours = g.stride[2] == 1 && g.dilation[2] == 1;
  const bool plane = g.taps[0] == 1 && g.stride[0] == 1 && g.before[0] == 0 && g.after[0] == 0;
  if (plane && g.taps[1] == g.taps[2] && g.dilation[1] == 1 && g.dilation[2] == 1) p.square = g.taps[2];
  if (g.stride[1] == g.stride[2]) p.stride = g.stride[2];
  p.contiguous = x.strides[4] == 1 && y.strides[4] == 1;
  p.vector = is_gradient ? depthwise_vector(y, x) : depthwise_vector(x, y);
  const std::int32_t classes = is_gradient ? g.stride[2] : 1;
  if (is_gradient)
    for (const std::int32_t stride : g.stride.of)
      if (stride > tile::depthwise_walk::most_classes)
        p.why_not = "a depthwise data gradient needs a stride of at most 8";
  if (tile::strip_grid::count(is_gradient ? g.in : g.out, g.images, classes, 4, 8) > largest_extent)
    p.why_not = "the images have more than 2^31 strips of pixels";
  return p;
}

/// Returns the parameters of a forward pass or a data gradient, without the grid of strips, which run_depthwise() sets
/// by the policy. `in` and `out` are the images that are read and written. The views have been checked, and `out` has
/// elements.
template <class A, class W, class C, class Epilogue>
auto depthwise_params_of(const conv_geometry& g, bool is_gradient, const images_view<A>& in, const images_view<W>& w,
                         const images_view<C>& out, Epilogue e, gemm_factors f) {
  using T = std::remove_const_t<A>;
  using params = depthwise_product<T, C, Epilogue>;
  const auto rows = static_cast<std::int32_t>(is_gradient ? g.pixels_in() : g.pixels_out());
  e.shape(rows, out.extents[4]);
  depthwise_images<T> a{images_for_kernel<const T>(in),
                        {},
                        {walk_of(g, 0, is_gradient), walk_of(g, 1, is_gradient), walk_of(g, 2, is_gradient)},
                        fast_divisor(g.filters),
                        is_gradient};
  depthwise_filter<T, typename params::accumulator> b{images_for_kernel<const T>(w), tile::pixel_grid(g.taps)};
  return product_of<params>(a, b, channel_matrix<C>{images_for_kernel<C>(out), rows, out.extents[4]}, e, f, {});
}

/// Returns the parameters of a weight gradient's first kernel, without workspace and slices.
template <class S, class X, class Y>
auto depthwise_weight_params_of(const conv_geometry& g, const images_view<X>& x, const images_view<Y>& dy) {
  using T = std::remove_const_t<X>;
  depthwise_weight_params<T, S> p{images_for_kernel<const T>(x),
                                  images_for_kernel<const T>(dy),
                                  {},
                                  {forward_walk(g, 0), forward_walk(g, 1), forward_walk(g, 2)},
                                  g.taps,
                                  dy.extents[4],
                                  fast_divisor(g.filters),
                                  1};
  return p;
}

/// Returns the parameters of a weight gradient's last kernel, without the sums. With `flipped`, the sums of the first
/// kernel are those of the taps in reverse order.
template <class T, class W, class Epilogue>
auto depthwise_totals_of(const conv_geometry& g, const images_view<W>& dw, Epilogue e, gemm_factors f) {
  using params = depthwise_total<T, W, Epilogue>;
  using sums = gmem_ptr<const typename params::accumulator>;
  const auto taps = static_cast<std::int32_t>(g.taps.volume());
  e.shape(dw.extents[0], taps);
  const typename params::a_panel slices{sums(nullptr), 1, 0, g.flipped};
  return product_of<params>(slices, slices,
                            tap_matrix<W>{images_for_kernel<W>(dw), tile::pixel_grid(g.taps), fast_divisor(1),
                                          dw.extents[0], taps},
                            e, f, {});
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
