// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pixels of a strip as the rows of a CPU convolution: where each pixel begins in the strip's copy, which row of the
// output it is, and the register tiles into which the pixels are cut.
#pragma once
#pragma GCC system_header

#include <tilery/tile/cpu_finish_rows.hpp>
#include <tilery/tile/even_split.hpp>
#include <tilery/tile/pixel_matrix.hpp>
#include <tilery/tile/pixel_strips.hpp>

#include <cstddef>

namespace tilery::inline TILERY_ABI {

/// A register tile: consecutive pixels of a strip. Along depth (0) and height (1), taps out of [first_tap, end_tap) are
/// out of bounds for all of its pixels.
struct conv_cpu_tile {
  std::int32_t first, rows;
  std::int32_t first_tap[2], end_tap[2];
};

/// The pixels of a strip, in the order of their numbers.
struct conv_cpu_rows {
  std::int64_t* offsets;     // of each pixel in a block of the copy; one entry more than pixels
  tile::output_row* output;  // of each pixel
  conv_cpu_tile* tiles;
  std::int64_t* number_of_tiles;
  std::int64_t pixels;

  /// Bytes of the arrays for at most `pixels` pixels.
  static std::size_t bytes(std::int64_t pixels) {
    constexpr std::size_t of_pixel = sizeof(std::int64_t) + sizeof(tile::output_row) + sizeof(conv_cpu_tile);
    return static_cast<std::size_t>(pixels + 1) * of_pixel + sizeof(std::int64_t);
  }
  /// Places the arrays for a strip in `memory`, which is aligned for 8 bytes, with room for most_pixels pixels.
  conv_cpu_rows(const tile::pixel_box& box, void* memory, std::int64_t most_pixels)
      : offsets(static_cast<std::int64_t*>(memory)),
        output(reinterpret_cast<tile::output_row*>(offsets + most_pixels + 1)),
        tiles(reinterpret_cast<conv_cpu_tile*>(output + most_pixels + 1)),
        number_of_tiles(reinterpret_cast<std::int64_t*>(tiles + most_pixels + 1)),
        pixels(box.pixels()) {}

  /// Fills `offsets` and `output` for all pixels of a strip.
  template <class C>
  void find_pixels(const tile::pixel_box& box, const tile::strip_layout& l, const pixel_matrix<C>& c) const {
    std::int64_t found = 0;
    for (std::int64_t n = 0; n < box.count[0]; ++n)
      for (std::int64_t i = 0; i < box.count[1]; ++i)
        for (std::int64_t j = 0; j < box.count[2]; ++j) {
          const std::int64_t at[3] = {box.begin[1] + i, box.begin[2] + j, box.begin[3]};
          const std::int64_t image = box.begin[0] + n;
          std::int64_t offset = image * c.images.image_stride, number = image;
          for (int d = 0; d < 3; ++d) {
            offset += (c.first[d] + at[d] * c.step[d]) * c.images.strides[d];
            number = number * c.images.extents[d] + c.first[d] + at[d] * c.step[d];
          }
          std::int64_t from = n * l.image_step + i * l.pixel_steps[0] + j * l.pixel_steps[1];
          for (std::int64_t k = 0; k < box.count[3]; ++k, ++found) {
            offsets[found] = from;
            output[found] = {offset, static_cast<std::int32_t>(number)};
            from += l.pixel_steps[2];
            offset += c.step[2] * c.images.strides[2];
            number += c.step[2];
          }
        }
    offsets[found] = offsets[found - 1];  // a tile with an odd number of rows reads one more
  }
  /// Cuts the pixels into tiles of at most most_rows rows. If a row of pixels fills more than half of a tile, no tile
  /// has pixels of two rows: taps that are out of bounds for a whole row are then left out. For shorter rows the
  /// cheaper one of two cuts is taken: tiles of equal size, or tiles of whole rows that have the same taps in bounds.
  template <class Strips>
  void cut_tiles(const tile::pixel_box& box, const Strips& strips, int most_rows) const {
    const std::int64_t width = box.count[3];
    if (2 * width > most_rows) {
      cut_evenly(box, strips, width, most_rows);
    } else {
      const std::int64_t cost = cut_evenly(box, strips, pixels, most_rows);
      if (cut_by_rows(box, strips, most_rows, false) < cost) cut_by_rows(box, strips, most_rows, true);
    }
  }

private:
  /// Cuts each `range` consecutive pixels into tiles whose sizes differ by at most 1. Returns the cost of all tiles.
  template <class Strips>
  std::int64_t cut_evenly(const tile::pixel_box& box, const Strips& strips, std::int64_t range, int most_rows) const {
    const tile::even_split cut(range, pieces(range, most_rows));
    std::int64_t number = 0, cost = 0;
    for (std::int64_t begin = 0; begin < pixels; begin += range)
      for (std::int64_t part = 0; part < cut.parts(); ++part, ++number) {
        tiles[number] = tile_of(box, strips, begin + cut.begin(part), cut.size(part));
        cost += cost_of(tiles[number], most_rows);
      }
    *number_of_tiles = number;
    return cost;
  }
  /// Cuts the pixels into tiles of consecutive rows of pixels that have the same taps in bounds. A tile stays in one
  /// plane (one depth of one image). Returns the cost of all tiles. Stores the tiles only if `store` is true.
  template <class Strips>
  std::int64_t cut_by_rows(const tile::pixel_box& box, const Strips& strips, int most_rows, bool store) const {
    const std::int64_t width = box.count[3], height = box.count[2], most = most_rows / width;
    const tile::strip_axis& axis = strips.axis(1);
    const auto same_taps = [&](std::int64_t a, std::int64_t b) {
      return axis.first_tap(box.begin[2] + a) == axis.first_tap(box.begin[2] + b) &&
             axis.end_tap(box.begin[2] + a) == axis.end_tap(box.begin[2] + b);
    };
    std::int64_t number = 0, cost = 0;
    for (std::int64_t plane = 0; plane < pixels / (width * height); ++plane)
      for (std::int64_t row = 0; row < height; ++number) {
        std::int64_t end = row + 1;
        while (end < height && end - row < most && same_taps(row, end)) ++end;
        const conv_cpu_tile t = tile_of(box, strips, (plane * height + row) * width, (end - row) * width);
        cost += cost_of(t, most_rows);
        if (store) tiles[number] = t;
        row = end;
      }
    if (store) *number_of_tiles = number;
    return cost;
  }
  /// The time of a tile in multiply-adds of a vector, for one channel and one tap of the width. A tile of fewer than 8
  /// rows takes as long as one of 8: the latency of the additions, and the filter's vectors from the L2 cache, bound
  /// it.
  static std::int64_t cost_of(const conv_cpu_tile& t, int most_rows) {
    const std::int64_t taps[2] = {greater(t.end_tap[0] - t.first_tap[0], 0), greater(t.end_tap[1] - t.first_tap[1], 0)};
    return greater((t.rows + 1) / 2 * 2, lesser(8, most_rows)) * taps[0] * taps[1];
  }
  template <class Strips>
  static conv_cpu_tile tile_of(const tile::pixel_box& box, const Strips& strips, std::int64_t first,
                               std::int64_t rows) {
    conv_cpu_tile t;
    t.first = static_cast<std::int32_t>(first), t.rows = static_cast<std::int32_t>(rows);
    // Rows of pixels, counted from the strip's first one, and their planes.
    const std::int64_t low = first / box.count[3], high = (first + rows - 1) / box.count[3];
    const std::int64_t low_plane = low / box.count[2], high_plane = high / box.count[2];
    for (int d = 0; d < 2; ++d) {
      const tile::strip_axis& axis = strips.axis(d);
      t.first_tap[d] = 0, t.end_tap[d] = axis.taps;
      if (d == 0 ? low_plane / box.count[1] != high_plane / box.count[1] : low_plane != high_plane) continue;
      const std::int64_t begin = d == 0 ? low_plane % box.count[1] : low % box.count[2];
      const std::int64_t last = d == 0 ? high_plane % box.count[1] : high % box.count[2];
      // first_tap() and end_tap() fall from pixel to pixel: the last pixel gives the lowest first tap of the tile, the
      // first pixel the highest end.
      t.first_tap[d] = axis.first_tap(box.begin[d + 1] + last), t.end_tap[d] = axis.end_tap(box.begin[d + 1] + begin);
    }
    return t;
  }
};

}  // namespace tilery::inline TILERY_ABI
