// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of the pixel kernel (kernels/pixels/pixels.hpp) for average pooling and its gradient. The gradient of
// an element is a sum over the windows that contain it.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/pixels/pixels.hpp>
#include <tilery/tile/pool_axis.hpp>

namespace tilery::inline TILERY_ABI {

/// y = the sum of the elements of each window of x, divided by the number of elements that the window counts.
template <class T>
struct average_pool_params {
  static constexpr const char* name = "average_pool";
  tile::pixel_walk walk;  // over y
  tile::pool_axis axes[3];
  gmem_images<const T> x;
  gmem_images<T> y;

  average_pool_params without(int images) const {
    average_pool_params rest = *this;
    rest.x = x.without(images), rest.y = y.without(images);
    return rest;
  }

  /// The elements of a window along one dimension, and the number of elements that its mean counts.
  struct window {
    tile::pixel_range elements;
    std::int32_t counted;
  };
  template <class Lane>
  TILERY_SIMT window along(Lane, int i, int place) const {
    return {axes[i].elements(place), axes[i].counted(place)};
  }

  template <int Packs, class Lane, int N>
  TILERY_SIMT void step(Lane lane, tile::pixel_place pixel, const window& d, const window& h, const window& w,
                        int channel, width_t<N> n) const {
    using S = accumulator_t<T>;
    pack<S, N> sums[Packs];
    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) sums[i] = splat<N>(S(0));

    const gmem_ptr<const T> image = x.image(pixel.image, channel);
    for (int a = 0; a < d.elements.count; ++a)
      for (int b = 0; b < h.elements.count; ++b) {
        std::int64_t offset =
            d.elements.at(a) * x.strides[0] + h.elements.at(b) * x.strides[1] + w.elements.first * x.strides[2];
        for (int c = 0; c < w.elements.count; ++c) {
          TILERY_UNROLL
          for (int i = 0; i < Packs; ++i) sums[i] = sums[i] + tile::load_channels<S>(lane, image + (offset + i * N), n);
          offset += x.strides[2];
        }
      }

    const S divisor = static_cast<S>(std::int64_t{d.counted} * h.counted * w.counted);
    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) tile::store_channels(lane, y.at(pixel, channel) + i * N, sums[i] / divisor);
  }
};

/// dx = for each element, the sum over the windows that contain it of dy / divisor, where the divisor is the number of
/// elements that the window counts. Consecutive windows with the same divisor are added up before one division.
template <class T>
struct average_pool_gradient_params {
  static constexpr const char* name = "average_pool_gradient";
  tile::pixel_walk walk;  // over dx
  tile::pool_axis axes[3];
  gmem_images<const T> dy;
  gmem_images<T> dx;

  average_pool_gradient_params without(int images) const {
    average_pool_gradient_params rest = *this;
    rest.dy = dy.without(images), rest.dx = dx.without(images);
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
    pack<S, N> sums[Packs], alike[Packs];  // alike: the sum of the windows so far whose divisor is `divisor`
    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) sums[i] = alike[i] = splat<N>(S(0));
    std::int64_t divisor = 0;  // no window yet

    for (int a = 0; a < d.count; ++a)
      for (int b = 0; b < h.count; ++b) {
        const std::int64_t outer = std::int64_t{axes[0].counted(d.at(a))} * axes[1].counted(h.at(b));
        for (int c = 0; c < w.count; ++c) {
          if (const std::int64_t counted = outer * axes[2].counted(w.at(c)); counted != divisor) {
            add_quotients(sums, alike, divisor);
            divisor = counted;
          }
          const gmem_ptr<const T> from = dy.at({pixel.image, {d.at(a), h.at(b), w.at(c)}}, channel);
          TILERY_UNROLL
          for (int i = 0; i < Packs; ++i) alike[i] = alike[i] + tile::load_channels<S>(lane, from + i * N, n);
        }
      }

    add_quotients(sums, alike, divisor);
    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) tile::store_channels(lane, dx.at(pixel, channel) + i * N, sums[i]);
  }

private:
  /// Adds alike / divisor to the sums, and sets alike to 0. Does nothing if the divisor is 0.
  template <class S, int N, int Packs>
  TILERY_SIMT static void add_quotients(pack<S, N> (&sums)[Packs], pack<S, N> (&alike)[Packs], std::int64_t divisor) {
    if (divisor == 0) return;
    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) {
      sums[i] = sums[i] + alike[i] / static_cast<S>(divisor);
      alike[i] = splat<N>(S(0));
    }
  }
};

}  // namespace tilery::inline TILERY_ABI
