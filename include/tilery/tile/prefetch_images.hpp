// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Prefetching a box of images on the CPU. While a thread multiplies one strip of pixels, it prefetches the elements
// that it copies for the next one, part by part: the copy then reads the L2 cache instead of waiting for memory.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/tile/pixel_grid.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// A box of the coordinates of images, all in bounds: image, depth, height, width. Neighbouring coordinates of a
/// dimension are `step` apart.
struct image_box {
  std::int64_t begin[4], count[4], step[4];

  /// Cuts dimension d to the coordinates first, first + unit, ... (`number` of them) that are in [0, extent).
  void cut(int d, std::int64_t first, std::int64_t number, std::int64_t unit, std::int64_t extent) {
    const std::int64_t low = first >= 0 ? 0 : (unit - 1 - first) / unit;
    const std::int64_t high = first >= extent ? 0 : (extent - first + unit - 1) / unit;
    begin[d] = first + low * unit, step[d] = unit;
    count[d] = greater<std::int64_t>(lesser(high, number) - low, 0);
  }
};

/// Prefetches part `part` of `parts` of a box of images with contiguous channels, into the L2 cache; does nothing if
/// the channels are not contiguous. Inlined, because g++ removes calls of functions that only prefetch.
template <class T>
TILERY_SIMT void prefetch_part(const gmem_images<const T>& from, const image_box& box, std::int32_t channels,
                               std::int64_t part, std::int64_t parts) {
  if (from.channel_stride != 1) return;
  constexpr std::int64_t line = 64 / sizeof(T);
  // A row of pixels is one run of elements if its pixels are contiguous, otherwise a run for each pixel.
  const bool dense = box.step[3] == 1 && from.strides[2] == channels;
  const std::int64_t runs = dense ? 1 : box.count[3], run = dense ? box.count[3] * channels : channels;
  const std::int64_t run_step = box.step[3] * from.strides[2];
  const std::int64_t rows = box.count[0] * box.count[1] * box.count[2];
  for (std::int64_t row = rows * part / parts; row < rows * (part + 1) / parts; ++row) {
    const std::int64_t plane = row / box.count[2], image = plane / box.count[1];
    const std::int64_t height = row - plane * box.count[2], depth = plane - image * box.count[1];
    auto at = from.data +
              ((box.begin[0] + image) * from.image_stride + (box.begin[1] + depth * box.step[1]) * from.strides[0] +
               (box.begin[2] + height * box.step[2]) * from.strides[1] + box.begin[3] * from.strides[2]);
    for (std::int64_t i = 0; i < runs; ++i, at = at + run_step)
      for (std::int64_t j = 0; j < run; j += line) __builtin_prefetch((at + j).raw(), 0, 2);
  }
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
