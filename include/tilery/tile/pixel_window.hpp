// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Images whose pixels are read through windows: a tile of output pixels has a window, all input pixels that the taps of
// these pixels read. load_window() copies a tile's window to shared memory; pixels out of the images are 0. There, the
// element of pixel i of the tile and of column k (a tap and a channel of a filter) is at offset pixel(i) + column(k).
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/policies/conv_window.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/tile/channel_pack.hpp>
#include <tilery/tile/pixel_grid.hpp>

namespace tilery::inline TILERY_ABI {

/// A tile of output pixels: the index of its image, its depth, and its first pixel along height and width.
struct window_tile {
  std::int32_t image, z, y, x;
};

/// A column of a filter: its tap and its channel. `exists` is false for a column that pads a row of taps.
struct window_column {
  std::int32_t tap[3], channel;
  bool exists;
};

/// The images x, and how the output's pixels are cut into tiles (window_cut in policies/conv_window.hpp). As operand of
/// a product, its rows are the pixels of y and its k are the columns of a filter.
template <class T>
struct window_images {
  using value_type = T;

  gmem_images<const T> images;
  conv_walk walk[3];  // from a pixel of y and a tap to a coordinate of x
  spatial<3> out, taps;
  fast_divisor row_columns, height, channels;  // columns of a row of taps; taps along the height; channels
  std::int32_t tiles, step;                    // tiles of all images; from a block's tile to its next one
  std::int32_t width_bits;                     // a tile is 2^width_bits pixels wide
  fast_divisor across, down, depth;            // tiles along the width and the height; extent of y along the depth
  fast_divisor line, rows;                     // elements of a window's row; rows
  fast_divisor inner;                          // elements of a row that are neighbours in memory
  bool channels_last;                          // these elements are channels; otherwise, pixels along the width
  std::int32_t pitch, plane_pitch, copy;

  window_images(const gmem_images<const T>& from, const conv_geometry& g, const window_cut& cut, int pixels)
      : images(from),
        walk{forward_walk(g, 0), forward_walk(g, 1), forward_walk(g, 2)},
        out(g.out),
        taps(g.taps),
        row_columns(cut.row_columns),
        height(g.taps[1]),
        channels(g.channels),
        tiles(static_cast<std::int32_t>(cut.tiles)),
        step(1),
        width_bits(cut.width_bits),
        across(pieces(g.out[2], 1 << cut.width_bits)),
        down(pieces(g.out[1], pixels >> cut.width_bits)),
        depth(g.out[0]),
        line(cut.width * g.channels),
        rows(cut.rows),
        inner(from.channel_stride <= from.strides[2] ? g.channels : cut.width),
        channels_last(from.channel_stride <= from.strides[2]),
        pitch(cut.pitch),
        plane_pitch(cut.plane_pitch),
        copy(cut.copy) {}

  /// The operand without columns: each sum is 0.
  window_images without_k() const {
    window_images none = *this;
    none.taps.of[0] = 0;
    return none;
  }
  /// The number of columns, with the padding of each row of taps.
  TILERY_SIMT int columns() const { return taps[0] * taps[1] * row_columns.value; }
  TILERY_SIMT window_column column(int k) const {
    window_column c;
    const int row = row_columns.quotient(k), in_row = k - row * row_columns.value;
    c.tap[0] = height.quotient(row), c.tap[1] = row - c.tap[0] * taps[1];
    c.tap[2] = channels.quotient(in_row), c.channel = in_row - c.tap[2] * channels.value;
    c.exists = c.tap[2] < taps[2];
    return c;
  }
  /// The offset of a column in a window.
  TILERY_SIMT int offset(const window_column& c) const {
    return c.tap[0] * plane_pitch + c.tap[1] * walk[1].tap_step * pitch + c.tap[2] * walk[2].tap_step * channels.value +
           c.channel;
  }

  TILERY_SIMT window_tile tile(int number, int pixels) const {
    window_tile t;
    const int row = across.quotient(number), plane = down.quotient(row);
    t.x = (number - row * across.value) << width_bits;
    t.y = (row - plane * down.value) * (pixels >> width_bits);
    t.image = depth.quotient(plane), t.z = plane - t.image * depth.value;
    return t;
  }
  /// The offset of pixel i of a tile in the window.
  TILERY_SIMT int pixel(int i) const {
    return (i >> width_bits) * walk[1].step * pitch + (i & ((1 << width_bits) - 1)) * walk[2].step * channels.value;
  }
  /// The number of pixel i of a tile in y, or the largest number if the pixel is out of bounds.
  TILERY_SIMT int pixel_number(const window_tile& t, int i) const {
    const int y = t.y + (i >> width_bits), x = t.x + (i & ((1 << width_bits) - 1));
    if (y >= out[1] || x >= out[2]) return 0x7fffffff;
    return ((t.image * out[0] + t.z) * out[1] + y) * out[2] + x;
  }
};

namespace tile {

/// Copies the window of a tile to shared memory, converted to S. Lanes with neighbouring ranks load neighbouring
/// elements, one by one: each alignment and each number of channels is served, and whole sectors are loaded.
template <int Threads, class Lane, class T, class S, int N>
TILERY_SIMT void load_window(Lane lane, const window_images<T>& from, const window_tile& t, shared_array<S, N>& to,
                             where at = {}) {
  [[maybe_unused]] const auto step = lane.step("load the window", at);
  constexpr int together = 8;  // loads in flight of a lane: the window of a first layer takes 3 rounds
  const auto& x = from.images;
  const auto image = x.data + t.image * x.image_stride;
  const int first_z = t.z * from.walk[0].step + from.walk[0].origin;
  const int first_y = t.y * from.walk[1].step + from.walk[1].origin;
  const int first_x = t.x * from.walk[2].step + from.walk[2].origin;
  const int all = from.taps[0] * from.rows.value * from.line.value;
  TILERY_ROLLED
  for (int first = lane.rank(); first < all; first += together * Threads) {
    T held[together];
    int target[together];
    TILERY_UNROLL
    for (int i = 0; i < together; ++i) {
      const int number = first + i * Threads;
      held[i] = convert<T>(0.0f), target[i] = -1;
      if (number >= all) continue;
      const int line = from.line.quotient(number), in_line = number - line * from.line.value;
      const int plane = from.rows.quotient(line), row = line - plane * from.rows.value;
      const int outer = from.inner.quotient(in_line), inner = in_line - outer * from.inner.value;
      const int pixel = from.channels_last ? outer : inner, channel = from.channels_last ? inner : outer;
      target[i] = plane * from.plane_pitch + row * from.pitch + pixel * from.channels.value + channel;
      const int at_z = first_z + plane * from.walk[0].tap_step;
      if (is_inside(at_z, x.extents[0]) && is_inside(first_y + row, x.extents[1]) &&
          is_inside(first_x + pixel, x.extents[2]))
        held[i] = lane.load(image + (at_z * x.strides[0] + (first_y + row) * x.strides[1] +
                                     (first_x + pixel) * x.strides[2] + channel * x.channel_stride));
    }
    TILERY_UNROLL
    for (int i = 0; i < together; ++i) {
      if (target[i] < 0) continue;
      const S value = convert<S>(held[i]);
      lane.store(to.at(target[i]), value);
      if (from.copy > 0 && target[i] > 0) lane.store(to.at(from.copy + target[i] - 1), value);
    }
  }
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
