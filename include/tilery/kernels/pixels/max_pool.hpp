// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of the pixel kernel (kernels/pixels/pixels.hpp) for max pooling and its gradient. The gradient of an
// element is the sum over the windows whose maximum it was.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/pixels/pixels.hpp>
#include <tilery/tile/maximum.hpp>
#include <tilery/tile/pool_axis.hpp>

namespace tilery::inline TILERY_ABI {

/// y = the largest element of each window of x. If WithIndices, `indices` becomes the number of this element's pixel in
/// the image.
template <class T, bool WithIndices>
struct max_pool_params {
  static constexpr const char* name = "max_pool";
  tile::pixel_walk walk;  // over y
  tile::pool_axis axes[3];
  gmem_images<const T> x;
  gmem_images<T> y;
  gmem_images<std::int32_t> indices;  // not used without WithIndices

  max_pool_params without(int images) const {
    max_pool_params rest = *this;
    rest.x = x.without(images), rest.y = y.without(images), rest.indices = indices.without(images);
    return rest;
  }

  template <class Lane>
  TILERY_SIMT tile::pixel_range along(Lane, int i, int place) const {
    return axes[i].elements(place);
  }

  template <int Packs, class Lane, int N>
  TILERY_SIMT void step(Lane lane, tile::pixel_place pixel, tile::pixel_range d, tile::pixel_range h,
                        tile::pixel_range w, int channel, width_t<N> n) const {
    using S = accumulator_t<T>;
    const bool has_any = d.count > 0 && h.count > 0 && w.count > 0;
    tile::maximum<S, N, WithIndices> best[Packs];
    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) best[i].begin(WithIndices && has_any ? x.number(d.first, h.first, w.first) : -1);

    const gmem_ptr<const T> image = x.image(pixel.image, channel);
    for (int a = 0; a < d.count; ++a)
      for (int b = 0; b < h.count; ++b) {
        std::int64_t offset = d.at(a) * x.strides[0] + h.at(b) * x.strides[1] + w.first * x.strides[2];
        int number = WithIndices ? x.number(d.at(a), h.at(b), w.first) : 0;
        TILERY_UNROLL_BY_2  // by 4, the indices would spill on sm_100 and sm_120
            for (int c = 0; c < w.count; ++c) {
          TILERY_UNROLL
          for (int i = 0; i < Packs; ++i)
            best[i].add(tile::load_channels<S>(lane, image + (offset + i * N), n), number);
          offset += w.step * x.strides[2];
          number += w.step;
        }
      }

    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) {
      tile::store_channels(lane, y.at(pixel, channel) + i * N, best[i].value);
      if constexpr (WithIndices) tile::store_channels(lane, indices.at(pixel, channel) + i * N, best[i].place);
    }
  }
};

/// dx = for each element, the sum of dy over the windows whose index is that element.
template <class T>
struct max_pool_gradient_params {
  static constexpr const char* name = "max_pool_gradient";
  tile::pixel_walk walk;  // over dx
  tile::pool_axis axes[3];
  gmem_images<const T> dy;
  gmem_images<const std::int32_t> indices;
  gmem_images<T> dx;

  max_pool_gradient_params without(int images) const {
    max_pool_gradient_params rest = *this;
    rest.dy = dy.without(images), rest.indices = indices.without(images), rest.dx = dx.without(images);
    return rest;
  }

  template <class Lane>
  TILERY_SIMT tile::pixel_range along(Lane, int i, int place) const {
    return axes[i].windows_at(place);
  }

  template <int Packs, class Lane, int N>
  TILERY_SIMT void step(Lane lane, tile::pixel_place pixel, tile::pixel_range d, tile::pixel_range h,
                        tile::pixel_range w, int channel, width_t<N> n) const {
    using S = accumulator_t<T>;
    using index = tile::index_beside<S>;
    const auto here = splat<N>(static_cast<index>(dx.number(pixel.at[0], pixel.at[1], pixel.at[2])));
    pack<S, N> sums[Packs];
    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) sums[i] = splat<N>(S(0));

    for (int a = 0; a < d.count; ++a)
      for (int b = 0; b < h.count; ++b)
        for (int c = 0; c < w.count; ++c) {
          const tile::pixel_place window{pixel.image, {d.at(a), h.at(b), w.at(c)}};
          const gmem_ptr<const std::int32_t> index_of = indices.at(window, channel);
          const gmem_ptr<const T> gradient_of = dy.at(window, channel);
          TILERY_UNROLL
          for (int i = 0; i < Packs; ++i)
            sums[i] = apply(tile::add_if_equal{}, sums[i], tile::load_channels<index>(lane, index_of + i * N, n), here,
                            tile::load_channels<S>(lane, gradient_of + i * N, n));
        }

    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) tile::store_channels(lane, dx.at(pixel, channel) + i * N, sums[i]);
  }
};

}  // namespace tilery::inline TILERY_ABI
