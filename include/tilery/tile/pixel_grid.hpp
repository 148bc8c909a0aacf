// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Images in global memory, as the convolution kernels see them, and the numbers of their pixels: pixel number (image,
// depth, height, width), the width fastest.
#pragma once
#pragma GCC system_header

#include <tilery/core/divisor.hpp>
#include <tilery/core/spatial.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

/// Images (image, depth, height, width, channel) in global memory. Strides are in elements.
template <class T>
struct gmem_images {
  gmem_ptr<T> data;
  spatial<3> extents;  // depth, height, width
  std::int64_t image_stride, strides[3], channel_stride;
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

namespace tile {

/// A pixel: the index of its image, and its depth, height and width in the grid.
struct pixel {
  std::int32_t image, at[3];
};

/// A grid of pixels, the same for all images. It turns the number of a pixel into the pixel.
struct pixel_grid {
  spatial<3> extents;
  divisor volume, plane, width;

  pixel_grid() = default;
  /// The grid must have pixels.
  explicit pixel_grid(const spatial<3>& of)
      : extents(of),
        volume(static_cast<std::int32_t>(of.volume())),
        plane(static_cast<std::int32_t>(std::int64_t{of[1]} * of[2])),
        width(of[2]) {}

  TILERY_SIMT pixel of(int number) const {
    pixel p;
    p.image = volume.quotient(number);
    int rest = number - p.image * volume.value();
    p.at[0] = plane.quotient(rest);
    rest -= p.at[0] * plane.value();
    p.at[1] = width.quotient(rest);
    p.at[2] = rest - p.at[1] * width.value();
    return p;
  }
  /// Moves to the pixel with the next number.
  TILERY_SIMT void advance(pixel& p) const {
    if (++p.at[2] < extents[2]) return;
    p.at[2] = 0;
    if (++p.at[1] < extents[1]) return;
    p.at[1] = 0;
    if (++p.at[0] < extents[0]) return;
    p.at[0] = 0, ++p.image;
  }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
