// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of the pixel kernel (kernels/pixels/pixels.hpp) for linear upsampling (bilinear in two dimensions,
// trilinear in three) and its gradient. The gradient of an element is the sum, over the outputs in which the element
// has a weight, of dy times this weight.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/pixels/pixels.hpp>
#include <tilery/tile/resample_axis.hpp>

namespace tilery::inline TILERY_ABI {

/// y = the weighted sum of the two elements beside the sample's coordinate in each dimension. An element of weight 0 is
/// not read.
template <class T>
struct linear_params {
  static constexpr const char* name = "upsample_linear";
  tile::pixel_walk walk;  // over y
  tile::linear_axis axes[3];
  gmem_images<const T> x;
  gmem_images<T> y;

  linear_params without(int images) const {
    linear_params rest = *this;
    rest.x = x.without(images), rest.y = y.without(images);
    return rest;
  }

  using sample = tile::linear_sample<accumulator_t<T>>;
  template <class Lane>
  TILERY_SIMT sample along(Lane, int i, int place) const {
    return axes[i].template sample<accumulator_t<T>>(place);
  }

  template <int Packs, class Lane, int N>
  TILERY_SIMT void step(Lane lane, tile::pixel_place pixel, sample d, sample h, sample w, int channel,
                        width_t<N> n) const {
    using S = accumulator_t<T>;
    pack<S, N> sums[Packs];
    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) sums[i] = splat<N>(S(0));

    for (int a = 0; a < d.count(); ++a)
      for (int b = 0; b < h.count(); ++b) {
        const S outer = d.weight(a) * h.weight(b);
        for (int c = 0; c < w.count(); ++c) {
          const auto weight = splat<N>(outer * w.weight(c));
          const gmem_ptr<const T> from = x.at({pixel.image, {d.lower + a, h.lower + b, w.lower + c}}, channel);
          TILERY_UNROLL
          for (int i = 0; i < Packs; ++i) sums[i] = fma(tile::load_channels<S>(lane, from + i * N, n), weight, sums[i]);
        }
      }

    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) tile::store_channels(lane, y.at(pixel, channel) + i * N, sums[i]);
  }
};

/// dx = for each element, the sum over the outputs of dy times the weight of the element in the output.
template <class T>
struct linear_gradient_params {
  static constexpr const char* name = "upsample_linear_gradient";
  tile::pixel_walk walk;  // over dx
  tile::linear_axis axes[3];
  gmem_images<const T> dy;
  gmem_images<T> dx;

  linear_gradient_params without(int images) const {
    linear_gradient_params rest = *this;
    rest.dy = dy.without(images), rest.dx = dx.without(images);
    return rest;
  }

  /// The outputs in which an element has a weight, along one dimension, and the weights in the first Kept outputs.
  template <int Kept>
  struct outputs {
    tile::pixel_range range;
    std::int32_t element;
    accumulator_t<T> kept[Kept > 0 ? Kept : 1];

    TILERY_SIMT accumulator_t<T> weight(const tile::linear_axis& axis, int i) const {
      if constexpr (Kept > 0)
        if (i < Kept) return kept[i];
      return axis.template weight<accumulator_t<T>>(range.at(i), element);
    }
  };
  /// The CPU computes the weights of a column once, for all rows and channels. A lane of a GPU has one pack of
  /// channels, and its registers cannot be indexed at run time: it keeps no weights.
  template <class Lane>
  TILERY_SIMT auto along(Lane, int i, int place) const {
    constexpr int kept = Lane::is_whole_block ? 8 : 0;
    outputs<kept> all;
    all.range = axes[i].outputs_at(place);
    all.element = place;
    for (int k = 0; k < kept && k < all.range.count; ++k)
      all.kept[k] = axes[i].template weight<accumulator_t<T>>(all.range.at(k), place);
    return all;
  }

  template <int Packs, class Lane, class Along, int N>
  TILERY_SIMT void step(Lane lane, tile::pixel_place pixel, const Along& d, const Along& h, const Along& w, int channel,
                        width_t<N> n) const {
    using S = accumulator_t<T>;
    pack<S, N> sums[Packs];
    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) sums[i] = splat<N>(S(0));

    for (int a = 0; a < d.range.count; ++a) {
      const S outermost = d.weight(axes[0], a);
      for (int b = 0; b < h.range.count; ++b) {
        const S outer = outermost * h.weight(axes[1], b);
        for (int c = 0; c < w.range.count; ++c) {
          const auto weight = splat<N>(outer * w.weight(axes[2], c));
          const gmem_ptr<const T> from = dy.at({pixel.image, {d.range.at(a), h.range.at(b), w.range.at(c)}}, channel);
          TILERY_UNROLL
          for (int i = 0; i < Packs; ++i) sums[i] = fma(tile::load_channels<S>(lane, from + i * N, n), weight, sums[i]);
        }
      }
    }

    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) tile::store_channels(lane, dx.at(pixel, channel) + i * N, sums[i]);
  }
};

}  // namespace tilery::inline TILERY_ABI
