// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of the pixel kernel (kernels/pixels/pixels.hpp) for ops that copy elements (nearest upsampling,
// padding), and for their gradients, which sum over the copies of an element.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/pixels/pixels.hpp>

namespace tilery::inline TILERY_ABI {

/// to = for each pixel, the sum of some pixels of `from`. Along each dimension, the Axis gives their coordinates:
/// Axis::elements(), or, for the Gradient, Axis::outputs_at(). A sum of one element has the bits of this element (a
/// zero keeps its sign); a sum of no elements is 0.
template <class T, class Axis, bool Gradient>
struct pixel_sum_params {
  static constexpr const char* name = Gradient ? Axis::gradient_name : Axis::forward_name;
  tile::pixel_walk walk;  // over `to`
  Axis axes[3];
  gmem_images<const T> from;
  gmem_images<T> to;

  pixel_sum_params without(int images) const {
    pixel_sum_params rest = *this;
    rest.from = from.without(images), rest.to = to.without(images);
    return rest;
  }

  template <class Lane>
  TILERY_SIMT auto along(Lane, int i, int place) const {
    if constexpr (Gradient)
      return axes[i].outputs_at(place);
    else
      return axes[i].elements(place);
  }

  template <int Packs, class Lane, class Along, int N>
  TILERY_SIMT void step(Lane lane, tile::pixel_place pixel, const Along& d, const Along& h, const Along& w, int channel,
                        width_t<N> n) const {
    using S = accumulator_t<T>;
    const bool has_any = d.count > 0 && h.count > 0 && w.count > 0;
    pack<S, N> sums[Packs];
    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) sums[i] = splat<N>(has_any ? S(-0.0) : S(0));  // -0 + x is x, also for an x of -0

    for (int a = 0; a < d.count; ++a)
      for (int b = 0; b < h.count; ++b) {
        TILERY_ROLLED
        for (int c = 0; c < w.count; ++c) {
          const gmem_ptr<const T> source = from.at({pixel.image, {d.at(a), h.at(b), w.at(c)}}, channel);
          TILERY_UNROLL
          for (int i = 0; i < Packs; ++i) sums[i] = sums[i] + tile::load_channels<S>(lane, source + i * N, n);
        }
      }

    TILERY_UNROLL
    for (int i = 0; i < Packs; ++i) tile::store_channels(lane, to.at(pixel, channel) + i * N, sums[i]);
  }
};

}  // namespace tilery::inline TILERY_ABI
