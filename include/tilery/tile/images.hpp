// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Images in global memory, (image, depth, height, width, channel), as a kernel's parameters: the operands of
// convolutions, pooling, upsampling and padding. Images with one or two spatial dimensions have depth 1, or depth and
// height 1, so that one kernel serves all ranks. A filter is an image whose pixels are its taps.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/core/spatial.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// A pixel: the index of its image, and its depth, height and width.
struct pixel_place {
  std::int32_t image, at[3];
};

}  // namespace tile

/// Images (image, depth, height, width, channel) in global memory. Strides are counted in elements; the numbers of
/// images and channels belong to the kernel's other parameters.
template <class T>
struct gmem_images {
  gmem_ptr<T> data;
  spatial<3> extents;  // depth, height, width
  std::int64_t image_stride, strides[3], channel_stride;

  /// The address of element (index, 0, 0, 0, channel).
  TILERY_SIMT gmem_ptr<T> image(int index, int channel) const {
    return data + (index * image_stride + channel * channel_stride);
  }
  /// The address of a channel of a pixel.
  TILERY_SIMT gmem_ptr<T> at(tile::pixel_place pixel, int channel) const {
    return image(pixel.image, channel) +
           (pixel.at[0] * strides[0] + pixel.at[1] * strides[1] + pixel.at[2] * strides[2]);
  }
  /// The number of a pixel in its image, (d H + h) W + w: what PyTorch stores as the index of a maximum. Images have
  /// fewer than 2^31 pixels where it is used.
  TILERY_SIMT std::int32_t number(int d, int h, int w) const { return (d * extents[1] + h) * extents[2] + w; }

  /// The images without the first `count` ones.
  gmem_images without(int count) const {
    gmem_images rest = *this;
    rest.data = data + count * image_stride;
    return rest;
  }
};

/// Makes a kernel's parameter from a view of images. `To` is the view's element type, with or without const.
template <class To, class T>
gmem_images<To> images_for_kernel(const tensor_view<T, 5>& v) {
  return {gmem_ptr<To>(const_cast<To*>(v.pointer)),
          {v.extents[1], v.extents[2], v.extents[3]},
          v.strides[0],
          {v.strides[1], v.strides[2], v.strides[3]},
          v.strides[4]};
}

}  // namespace tilery::inline TILERY_ABI
