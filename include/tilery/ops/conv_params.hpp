// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns the views of a convolution into the problem that the selectors see (conv_problem) and into the parameters of
// the kernels: for each direction, a product of matrices (product_params) whose operands are gathered from images.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/params.hpp>
#include <tilery/ops/conv_checks.hpp>
#include <tilery/ops/element_types.hpp>
#include <tilery/policies/conv_table.hpp>
#include <tilery/tile/pixel_matrix.hpp>
#include <tilery/tile/pixel_panel.hpp>
#include <tilery/tile/tap_panel.hpp>

namespace tilery::inline TILERY_ABI {

namespace ops {

/// The parameters of a forward convolution, and of one residue class of a data gradient, for elements T of the
/// operands and C of the output.
template <class T, class C, class Epilogue>
using pixel_product = product_params<pixel_panel<T>, pixel_panel<T>, pixel_matrix<C>, finish_t<T, C>, Epilogue>;
/// The parameters of a weight gradient.
template <class T, class C, class Epilogue>
using tap_product = product_params<tap_panel<T>, tap_panel<T>, tap_matrix<C>, finish_t<T, C>, Epilogue>;

/// Returns the walk (conv_walk) that reads the taps of a filter in dimension d: tap j of a product is tap first + j
/// stride of the filter. With `flipped`, the coordinates in memory count from the filter's end.
inline conv_walk tap_walk(const conv_geometry& g, int d, std::int32_t first, std::int32_t stride) {
  if (g.flipped) return {0, g.taps[d] - 1 - first, -stride};
  return {0, first, stride};
}

/// Returns the parameters of the product C = epilogue(alpha A B + beta C), from its operands, epilogue, factors and
/// groups (`batch`).
template <class Params, class A, class B, class C, class Epilogue>
Params product_of(const A& a, const B& b, const C& c, const Epilogue& e, gemm_factors f, const gemm_batch& batch) {
  using S = typename Params::accumulator;
  const double alpha = whole_alpha(f);
  Params p{a, b, c, static_cast<S>(alpha), static_cast<S>(f.beta), e, static_cast<float>(f.scale_c), batch};
  if (alpha == 0) p.a = p.a.without_k(), p.b = p.b.without_k();  // an empty sum reads neither A nor B
  return p;
}

/// Returns the parameters of a forward convolution. The views have been checked, and y has elements.
template <class X, class W, class Y, class Epilogue>
auto forward_params(const conv_geometry& g, const images_view<X>& x, const images_view<W>& w, const images_view<Y>& y,
                    Epilogue e, gemm_factors f) {
  using T = std::remove_const_t<X>;
  const tile::pixel_grid out(g.out), one(1);
  const auto pixels = static_cast<std::int32_t>(g.pixels_out());
  e.shape(pixels, y.extents[4]);
  return product_of<pixel_product<T, Y, Epilogue>>(pixel_panel<T>{images_for_kernel<const T>(x),
                                                                  out,
                                                                  pixels,
                                                                  {forward_walk(g, 0), forward_walk(g, 1),
                                                                   forward_walk(g, 2)},
                                                                  g.taps,
                                                                  g.channels},
                                                   pixel_panel<T>{images_for_kernel<const T>(w),
                                                                  one,
                                                                  g.filters,
                                                                  {tap_walk(g, 0, 0, 1), tap_walk(g, 1, 0, 1),
                                                                   tap_walk(g, 2, 0, 1)},
                                                                  g.taps,
                                                                  g.channels},
                                                   pixel_matrix<Y>{images_for_kernel<Y>(y), out, pixels, g.filters}, e,
                                                   f,
                                                   {g.groups, g.channels * x.strides[4], g.filters * w.strides[0],
                                                    g.filters * y.strides[4]});
}

/// Returns the parameters of the residue class of a data gradient whose first pixel of dx is `first`. The views have
/// been checked, and the class has pixels.
template <class Y, class W, class X, class Epilogue>
auto data_gradient_params(const conv_geometry& g, const spatial<3>& first, const images_view<Y>& dy,
                          const images_view<W>& w, const images_view<X>& dx, Epilogue e, gemm_factors f) {
  using T = std::remove_const_t<Y>;
  const conv_residue at[3] = {residue_of(g, 0, first[0]), residue_of(g, 1, first[1]), residue_of(g, 2, first[2])};
  const spatial<3> counts(at[0].count, at[1].count, at[2].count), taps(at[0].taps, at[1].taps, at[2].taps);
  const tile::pixel_grid grid(counts), one(1);
  const auto pixels = static_cast<std::int32_t>(g.images * counts.volume());
  gmem_images<const T> filters = images_for_kernel<const T>(w);  // as images of channels by taps
  filters.image_stride = w.strides[4], filters.channel_stride = w.strides[0];
  e.shape(static_cast<std::int32_t>(g.pixels_in()), dx.extents[4]);
  pixel_panel<T> b{filters, one, g.channels, {}, taps, g.filters};
  for (int d = 0; d < 3; ++d) b.walk[d] = tap_walk(g, d, at[d].first_tap, at[d].tap_stride);
  return product_of<pixel_product<T, X, Epilogue>>(pixel_panel<T>{images_for_kernel<const T>(dy),
                                                                  grid,
                                                                  pixels,
                                                                  {at[0].walk, at[1].walk, at[2].walk},
                                                                  taps,
                                                                  g.filters},
                                                   b,
                                                   pixel_matrix<X>{images_for_kernel<X>(dx), grid, pixels, g.channels,
                                                                   first, g.stride},
                                                   e, f,
                                                   {g.groups, g.filters * dy.strides[4], g.filters * w.strides[0],
                                                    g.channels * dx.strides[4]});
}

/// The residue classes of a data gradient that have pixels.
template <class Y, class W, class X, class Epilogue>
class residue_classes {
public:
  using params = pixel_product<std::remove_const_t<Y>, X, Epilogue>;

  residue_classes(const conv_geometry& g, const images_view<Y>& dy, const images_view<W>& w, const images_view<X>& dx,
                  const Epilogue& e, gemm_factors f)
      : g_(g), dy_(dy), w_(w), dx_(dx), epilogue_(e), factors_(f) {
    for (int d = 0; d < 3; ++d) counts_.of[d] = lesser(g.stride[d], g.in[d]);
  }

  std::int64_t count() const { return counts_.volume(); }
  /// The taps of class i.
  std::int64_t taps(std::int64_t i) const {
    std::int64_t all = 1;
    for (int d = 0; d < 3; ++d) all *= residue_of(g_, d, first(i)[d]).taps;
    return all;
  }
  /// The largest number of taps that a class has and that is less than `limit`; -1 if no class has fewer taps.
  std::int64_t most_taps(std::int64_t limit) const {
    std::int64_t most = -1;
    for (std::int64_t i = 0; i < count(); ++i)
      if (taps(i) < limit) most = greater(most, taps(i));
    return most;
  }
  /// The parameters of class i, with the epilogue of the call, or with a copy of this epilogue that has its counters
  /// (column_totals.hpp).
  params of(std::int64_t i) const { return of(i, epilogue_); }
  params of(std::int64_t i, const Epilogue& e) const {
    return data_gradient_params(g_, first(i), dy_, w_, dx_, e, factors_);
  }

private:
  /// The first pixel of class i.
  spatial<3> first(std::int64_t i) const {
    const auto plane = std::int64_t{counts_[1]} * counts_[2];
    return {static_cast<std::int32_t>(i / plane), static_cast<std::int32_t>(i / counts_[2] % counts_[1]),
            static_cast<std::int32_t>(i % counts_[2])};
  }

  const conv_geometry& g_;
  const images_view<Y>& dy_;
  const images_view<W>& w_;
  const images_view<X>& dx_;
  const Epilogue& epilogue_;
  gemm_factors factors_;
  spatial<3> counts_;
};

/// Returns the parameters of a weight gradient. The views have been checked, and dw has elements.
template <class X, class Y, class W, class Epilogue>
auto weight_gradient_params(const conv_geometry& g, const images_view<X>& x, const images_view<Y>& dy,
                            const images_view<W>& dw, Epilogue e, gemm_factors f) {
  using T = std::remove_const_t<X>;
  const tile::pixel_grid out(g.out);
  const auto pixels = static_cast<std::int32_t>(g.pixels_out()), taps = static_cast<std::int32_t>(g.taps.volume());
  tap_panel<T> b{images_for_kernel<const T>(x),
                 out,
                 taps * g.channels,
                 pixels,
                 {},
                 fast_divisor(greater(g.channels, 1)),
                 fast_divisor(g.taps[2]),
                 fast_divisor(g.taps[1])};
  for (int d = 0; d < 3; ++d) {
    b.walk[d] = forward_walk(g, d);
    if (g.flipped) b.walk[d].origin += (g.taps[d] - 1) * g.dilation[d], b.walk[d].tap_step = -g.dilation[d];
  }
  e.shape(g.groups * g.filters, taps * g.channels);
  return product_of<tap_product<T, W, Epilogue>>(tap_panel<T>{images_for_kernel<const T>(dy),
                                                              out,
                                                              g.filters,
                                                              pixels,
                                                              {},
                                                              fast_divisor(greater(g.filters, 1))},
                                                 b,
                                                 tap_matrix<W>{images_for_kernel<W>(dw), tile::pixel_grid(g.taps),
                                                               fast_divisor(greater(g.channels, 1)), g.filters,
                                                               taps * g.channels},
                                                 e, f,
                                                 {g.groups, g.filters * dy.strides[4], g.channels * x.strides[4],
                                                  g.filters * dw.strides[0]});
}

/// Returns the elements of the widest pack of channels, of at most 16 bytes, for which all packs of a group of
/// `channels` channels are whole and aligned; 1 if the channels are not contiguous. `channel` is the dimension of the
/// channels.
template <class T>
int channel_vector(const images_view<T>& v, int channel, std::int32_t channels) {
  if (v.strides[channel] != 1) return 1;
  int vector = static_cast<int>(16 / sizeof(T));
  const auto fits = [&](int n) {
    bool all = channels % n == 0 && reinterpret_cast<std::uintptr_t>(v.pointer) % (n * sizeof(T)) == 0;
    for (int d = 0; d < 5; ++d) all = all && (d == channel || v.extents[d] <= 1 || v.strides[d] % n == 0);
    return all;
  };
  while (vector > 1 && !fits(vector)) vector /= 2;
  return vector;
}
/// Returns layout and alignment of an operand of images or filters; `contiguous` is the layout in which its channels
/// are contiguous.
template <class T>
gemm_operand_shape images_shape(const images_view<T>& v, int channel, std::int32_t channels, along contiguous) {
  if (v.strides[channel] != 1) return {along::any, 1};
  return {contiguous, channel_vector(v, channel, channels)};
}

/// Returns the reason why the offsets and the taps of a product do not fit the masks of tile/pixel_panel.hpp; null if
/// they do. `images` is the gathered tensor, `pixels` is the number of rows that the product has for one image, and a
/// tile has at most 256 rows.
template <class T>
const char* why_not_masked(const conv_geometry& g, const images_view<T>& images, std::int64_t pixels) {
  if (std::int64_t{g.taps[0]} + g.taps[1] + g.taps[2] > tile::most_masked_taps)
    return "the filter has more than 31 taps along depth, height and width together";
  std::int64_t last = (256 / greater<std::int64_t>(pixels, 1) + 2) * images.strides[0];
  for (int d = 1; d < 5; ++d) last += greater(images.extents[d] - 1, 0) * images.strides[d];
  return last > largest_extent ? "an image has 2^31 elements or more from its first to its last one" : nullptr;
}

/// Returns the problem that the selectors see, from the views of x, w and y (or of their gradients).
template <class X, class W, class Y>
conv_problem describe_conv(conv_direction direction, const conv_names& names, const conv_geometry& g,
                           const images_view<X>& x, const images_view<W>& w, const images_view<Y>& y, arch target) {
  conv_problem p;
  p.direction = direction, p.geometry = g, p.target = target;
  gemm_problem& q = p.product;
  q.target = target, q.op = names.op, q.batches = g.groups;
  const along a = a_layout_of(direction), b = b_layout_of(direction);
  const auto taps = static_cast<int>(g.taps.volume());
  const auto pixels_in = static_cast<int>(g.pixels_in()), pixels_out = static_cast<int>(g.pixels_out());
  switch (direction) {
    case conv_direction::forward:
      q.m = pixels_out, q.n = g.filters, q.k = g.channels, q.taps = taps;
      q.a = images_shape(x, 4, g.channels, a), q.b = images_shape(w, 4, g.channels, b);
      q.c_vector = channel_vector(y, 4, g.filters);
      p.why_single = why_not_masked(g, x, g.out.volume());
      break;
    case conv_direction::data_gradient:
      q.m = pixels_in, q.n = g.channels, q.k = g.filters, q.taps = taps;
      q.a = images_shape(y, 4, g.filters, a), q.b = images_shape(w, 4, g.channels, b);
      q.c_vector = channel_vector(x, 4, g.channels);
      p.why_single = why_not_masked(g, y, g.in.volume() / g.stride.volume());
      break;
    case conv_direction::weight_gradient:
      q.m = g.filters, q.n = taps * g.channels, q.k = pixels_out;
      q.a = images_shape(y, 4, g.filters, a), q.b = images_shape(x, 4, g.channels, b);
      q.c_vector = channel_vector(w, 4, g.channels);
      break;
  }
  return p;
}

}  // namespace ops

}  // namespace tilery::inline TILERY_ABI
