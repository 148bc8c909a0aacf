// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tensors of pixels, (n, d, h, w, c), as a kernel's parameters: images n, a depth d, height h and width w in space, and
// c channels. A tensor with one or two spatial dimensions is one with d = 1, or d = h = 1, so that one kernel serves
// all ranks.
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/core/divisor.hpp>
#include <tilery/core/extent.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The position of a pixel: its image, and its place in the three spatial dimensions.
struct pixel_place {
  std::int32_t n, d, h, w;
};

/// A tensor (n, d, h, w, c) in global memory: 32-bit extents, 64-bit strides in elements, trivially copyable.
template <class T>
struct pixels {
  gmem_ptr<T> data;
  std::int32_t extents[5];
  std::int64_t strides[5];

  /// The address of element (n, 0, 0, 0, channel).
  TILERY_SIMT gmem_ptr<T> image(int n, int channel) const { return data + (n * strides[0] + channel * strides[4]); }
  TILERY_SIMT gmem_ptr<T> at(pixel_place p, int channel) const {
    return image(p.n, channel) + (p.d * strides[1] + p.h * strides[2] + p.w * strides[3]);
  }
  /// The number of a pixel in its image, (d H + h) W + w: what PyTorch stores as the index of a maximum. Images have
  /// fewer than 2^31 pixels where it is used.
  TILERY_SIMT std::int32_t number(int d, int h, int w) const { return (d * extents[2] + h) * extents[3] + w; }

  /// The tensor without its first `images` images.
  pixels without(int images) const {
    pixels rest = *this;
    rest.data = data + images * strides[0];
    rest.extents[0] -= images;
    return rest;
  }
};

/// Makes a kernel's parameter from a host view. `To` is the view's element type, with or without const.
template <class To, class T>
pixels<To> pixels_of(const tensor_view<T, 5>& v) {
  pixels<To> result;
  result.data = gmem_ptr<To>(v.pointer);
  for (int i = 0; i < 5; ++i) result.extents[i] = v.extents[i], result.strides[i] = v.strides[i];
  return result;
}

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
  divisor by_depth, by_height, by_width, by_packs;

  /// The pixel of an item. `pack` becomes the number of the item's pack in the pixel.
  TILERY_SIMT pixel_place locate(int item, int& pack) const {
    pixel_place p;
    if (channels_inner) pack = by_packs.split(item);
    p.w = by_width.split(item);
    p.h = by_height.split(item);
    p.d = by_depth.split(item);
    if (!channels_inner) pack = by_packs.split(item);
    p.n = item;
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
