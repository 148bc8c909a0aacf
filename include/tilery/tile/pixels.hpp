// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pixels in the kernels of pooling, upsampling and padding: loads and stores of their channels, the order in which
// lanes compute them (pixel_walk), and ranges of pixels along one dimension (pixel_range).
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/core/divisor.hpp>
#include <tilery/tile/images.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Loads N channels of a pixel and converts them to To. N > 1 needs contiguous channels, on a GPU also packs at aligned
/// addresses; N = 1 allows any strides.
template <class To, class Lane, class T, int N>
TILERY_SIMT pack<To, N> load_channels(Lane lane, gmem_ptr<T> from, width_t<N>, where at = {}) {
  [[maybe_unused]] const auto step = lane.step("load pixels", at);
  if constexpr (N == 1)
    return splat<1>(convert<To>(lane.load(from)));
  else
    return convert<To>(lane.load(from, width<N>));
}

/// Converts N values to the element type of the tensor and stores them as channels of a pixel. Strides and alignment
/// are those of load_channels().
template <class Lane, class T, class From, int N>
TILERY_SIMT void store_channels(Lane lane, gmem_ptr<T> to, pack<From, N> values, where at = {}) {
  [[maybe_unused]] const auto step = lane.step("store pixels", at);
  if constexpr (N == 1)
    lane.store(to, convert<T>(values[0]));
  else
    lane.store(to, convert<T>(values));
}

/// The elements of an output in the order in which neighbouring lanes of a GPU compute them. An item is a pack of
/// channels of one pixel. If `channels_inner`, the items of a pixel are neighbours; otherwise the pixels of a channel
/// are. The order follows the strides of the output, so that the stores are coalesced.
struct pixel_walk {
  std::int32_t items;                                // of all images
  std::int32_t images, depth, height, width, packs;  // packs: items of a pixel
  bool channels_inner;
  fast_divisor by_depth, by_height, by_width, by_packs;

  /// The pixel of an item. `pack` becomes the number of the item's pack in the pixel.
  TILERY_SIMT pixel_place locate(int item, int& pack) const {
    pixel_place p;
    if (channels_inner) pack = by_packs.split(item);
    p.at[2] = by_width.split(item);
    p.at[1] = by_height.split(item);
    p.at[0] = by_depth.split(item);
    if (!channels_inner) pack = by_packs.split(item);
    p.image = item;
    return p;
  }
};

/// The pixels along one dimension from which an output is computed: first, first + step, and so on.
struct pixel_range {
  std::int32_t first, step, count;

  TILERY_SIMT std::int32_t at(int i) const { return first + i * step; }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
