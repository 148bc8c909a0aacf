// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The matrices that a convolution writes: images as a matrix of pixels by channels (pixel_matrix), and a filter's
// gradient as a matrix of filters by taps and channels (tap_matrix).
#pragma once
#pragma GCC system_header

#include <tilery/tile/pixel_grid.hpp>

namespace tilery::inline TILERY_ABI {

/// Images as a matrix: row = pixel, column = channel. The rows may be a residue class of the pixels: row (image, i0,
/// i1, i2) of `grid` is the pixel first + i step of the images.
///
/// Epilogues count pixels and channels over all images and groups: whole_row(row) is the number of the pixel in the
/// images, whole_column(column) the number of the channel in all groups.
template <class T>
struct pixel_matrix {
  using value_type = T;

  gmem_images<T> images;
  tile::pixel_grid grid;       // of the rows
  std::int32_t rows, columns;  // pixels of all images, channels of a group
  spatial<3> first = 0, step = 1;
  std::int32_t first_column = 0;  // the channel of column 0

  TILERY_SIMT gmem_ptr<T> at(int row, int column) const {
    const tile::pixel_place p = grid.of(row);
    std::int64_t offset = p.image * images.image_stride + column * images.channel_stride;
    TILERY_UNROLL_ON_GPU
    for (int d = 0; d < 3; ++d) offset += (first[d] + p.at[d] * step[d]) * images.strides[d];
    return images.data + offset;
  }
  TILERY_SIMT int whole_row(int row) const {
    const tile::pixel_place p = grid.of(row);
    int number = p.image;
    TILERY_UNROLL_ON_GPU
    for (int d = 0; d < 3; ++d) number = number * images.extents[d] + first[d] + p.at[d] * step[d];
    return number;
  }
  TILERY_SIMT int whole_column(int column) const { return first_column + column; }
  /// The matrix of group `index`, whose channels begin `elements` elements further in memory than those of group 0.
  TILERY_SIMT pixel_matrix member(int index, std::int64_t elements) const {
    pixel_matrix other = *this;
    other.images.data = images.data + elements;
    other.first_column = index * columns;
    return other;
  }
};

/// A filter's gradient as a matrix: row = filter, column = (tap, channel).
///
/// Epilogues count filters over all groups: whole_row(row).
template <class T>
struct tap_matrix {
  using value_type = T;

  gmem_images<T> filters;      // (filter, taps, channel)
  tile::pixel_grid taps;       // the taps of one filter
  fast_divisor channels;       // of a group
  std::int32_t rows, columns;  // filters of a group, taps x channels
  std::int32_t first_row = 0;  // the filter of row 0

  TILERY_SIMT gmem_ptr<T> at(int row, int column) const {
    const int tap = channels.quotient(column);
    const tile::pixel_place t = taps.of(tap);
    std::int64_t offset = row * filters.image_stride + (column - tap * channels.value) * filters.channel_stride;
    TILERY_UNROLL_ON_GPU
    for (int d = 0; d < 3; ++d) offset += t.at[d] * filters.strides[d];
    return filters.data + offset;
  }
  TILERY_SIMT int whole_row(int row) const { return first_row + row; }
  TILERY_SIMT static int whole_column(int column) { return column; }
  /// The matrix of group `index`, whose filters begin `elements` elements further in memory than those of group 0.
  TILERY_SIMT tap_matrix member(int index, std::int64_t elements) const {
    tap_matrix other = *this;
    other.filters.data = filters.data + elements;
    other.first_row = index * rows;
    return other;
  }
};

}  // namespace tilery::inline TILERY_ABI
