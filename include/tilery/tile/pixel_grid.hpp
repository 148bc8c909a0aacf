// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numbers the pixels of images from 0: ((image D + depth) H + height) W + width for images of D x H x W pixels. The
// pixels may be the taps of filters.
#pragma once
#pragma GCC system_header

#include <tilery/core/divisor.hpp>
#include <tilery/tile/images.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// A grid of pixels, the same for all images. It turns the number of a pixel into the pixel.
struct pixel_grid {
  spatial<3> extents;
  fast_divisor volume, plane, width;

  pixel_grid() = default;
  /// The grid must have pixels.
  explicit pixel_grid(const spatial<3>& of)
      : extents(of),
        volume(static_cast<std::int32_t>(of.volume())),
        plane(static_cast<std::int32_t>(std::int64_t{of[1]} * of[2])),
        width(of[2]) {}

  TILERY_SIMT pixel_place of(int number) const {
    pixel_place p;
    p.image = volume.quotient(number);
    int rest = number - p.image * volume.value;
    p.at[0] = plane.quotient(rest);
    rest -= p.at[0] * plane.value;
    p.at[1] = width.quotient(rest);
    p.at[2] = rest - p.at[1] * width.value;
    return p;
  }
  /// Moves to the pixel with the next number.
  TILERY_SIMT void advance(pixel_place& p) const {
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
