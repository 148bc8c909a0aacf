// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A tap_panel is the GEMM operand (tile/panel.hpp) of a weight gradient that is gathered from the images x. Its outer
// dimension are the taps of the filter and, for each tap, the channels; its k are the pixels of y. The element ((tap,
// channel), pixel) is the element of x that the tap reads for this pixel, or 0 if that is out of bounds.
#pragma once
#pragma GCC system_header

#include <tilery/policies/conv_geometry.hpp>
#include <tilery/tile/panel.hpp>
#include <tilery/tile/pixel_grid.hpp>

namespace tilery::inline TILERY_ABI {

/// A gathered operand whose k are pixels.
template <class T>
struct tap_panel {
  using value_type = T;

  gmem_images<const T> images;
  tile::pixel_grid grid;                 // of the pixels of y
  std::int32_t outer;                    // taps x channels
  std::int32_t k;                        // the end of the panel's pixels
  conv_walk walk[3];                     // from a pixel of y and a tap to a coordinate of x
  fast_divisor channels, width, height;  // channels of a group; taps along the width and the height
  std::int32_t first_pixel = 0;          // the panel's pixels are [first_pixel, k)

  /// The panel whose channels begin `elements` elements further in memory: another group of channels.
  TILERY_SIMT tap_panel moved(std::int64_t elements) const {
    tap_panel other = *this;
    other.images.data = images.data + elements;
    return other;
  }
  TILERY_SIMT int k_range(int) const { return k - first_pixel; }
  /// The steps [begin, end) of k, of block_k pixels each.
  TILERY_SIMT tap_panel steps(int begin, int end, int block_k) const {
    tap_panel part = *this;
    part.first_pixel = begin * block_k;
    part.k = end * block_k < k ? end * block_k : k;
    return part;
  }
  /// Neighbouring elements in memory are channels, which are the outer dimension.
  TILERY_SIMT static bool runs_along_k() { return false; }
  /// The panel without elements: a product with it is 0.
  tap_panel without_k() const {
    tap_panel none = *this;
    none.k = 0;
    return none;
  }
};

namespace tile {

/// Finds the elements of a lane's Count packs in a tap_panel. A pack keeps its tap and channel; its pixel moves by K in
/// each step.
///
/// Panels. The constructor and set() take the panel of the block's group and pixels. All other functions may take the
/// panel of the whole product instead: they read only strides and extents, which are equal in both panels.
template <class T, int K, int Count>
class tap_cursor {
public:
  TILERY_SIMT tap_cursor(const tap_panel<T>& from, int)
      : data_(from.images.data), pixel_(from.first_pixel), end_(from.k) {}
  /// Sets pack i: the number of its tap and channel, and its first pixel within a step.
  TILERY_SIMT void set(int i, const tap_panel<T>& from, int outer, int k, bool exists) {
    const int number = outer < from.outer ? outer : 0;
    const int tap = from.channels.quotient(number), row = from.width.quotient(tap);
    const int at[3] = {from.height.quotient(row), row - from.height.quotient(row) * from.height.value,
                       tap - row * from.width.value};
    TILERY_UNROLL_ON_GPU
    for (int d = 0; d < 3; ++d) shift_[i][d] = from.walk[d].origin + at[d] * from.walk[d].tap_step;
    channel_[i] = number - tap * from.channels.value;
    k_[i] = k;
    left_[i] = exists ? from.outer - outer : 0;
  }
  /// The number of taps and channels from the pack's first one to the panel's last one; 0 or less if the pack's pixel
  /// is out of bounds.
  TILERY_SIMT int outer_left(int i, const tap_panel<T>& from) const {
    const int number = pixel_ + k_[i];
    return number < end_ && is_inside(i, from, from.grid.of(number)) ? left_[i] : 0;
  }
  /// The address of the first element of pack i, which must be in bounds.
  TILERY_SIMT gmem_ptr<const T> at(int i, const tap_panel<T>& from) const {
    return data_ + offset(i, from, from.grid.of(pixel_ + k_[i]));
  }
  /// Loads Elements pixels of pack i one by one. Pixels out of bounds are 0. The loop steps from pixel to pixel instead
  /// of dividing for each: fewer registers hold addresses.
  template <int Elements, class Lane>
  TILERY_SIMT pack<T, Elements> elements(Lane lane, int i, const tap_panel<T>& from, where line) const {
    pack<T, Elements> held = splat<Elements>(convert<T>(0.0f));
    const int number = pixel_ + k_[i];
    if (number >= end_ || left_[i] <= 0) return held;
    pixel_place p = from.grid.of(number);
    TILERY_UNROLL_ON_GPU
    for (int e = 0; e < Elements; ++e) {
      if (number + e < end_ && is_inside(i, from, p)) held.set(e, lane.load(data_ + offset(i, from, p), line));
      from.grid.advance(p);
    }
    return held;
  }
  /// As the cursor of a panel_loader (panel.hpp): the k of the loop does not matter, because advance() counts pixels.
  TILERY_SIMT bool is_inside(int i, const tap_panel<T>& from, int) const { return outer_left(i, from) > 0; }
  TILERY_SIMT void step(int, const tap_panel<T>&) {}
  TILERY_SIMT void advance(const tap_panel<T>&) { pixel_ += K; }

private:
  TILERY_SIMT bool is_inside(int i, const tap_panel<T>& from, const pixel_place& p) const {
    bool inside = true;
    TILERY_UNROLL_ON_GPU
    for (int d = 0; d < 3; ++d) {
      const int at = p.at[d] * from.walk[d].step + shift_[i][d];
      inside = inside && at >= 0 && at < from.images.extents[d];
    }
    return inside;
  }
  TILERY_SIMT std::int64_t offset(int i, const tap_panel<T>& from, const pixel_place& p) const {
    std::int64_t all = p.image * from.images.image_stride + channel_[i] * from.images.channel_stride;
    TILERY_UNROLL_ON_GPU
    for (int d = 0; d < 3; ++d) all += (p.at[d] * from.walk[d].step + shift_[i][d]) * from.images.strides[d];
    return all;
  }

  gmem_ptr<const T> data_;
  int pixel_, end_;  // the first pixel of the step, and the end of the block's pixels
  int shift_[Count][3], channel_[Count], k_[Count], left_[Count];
};

template <class T, int K, int Count, int Vector>
struct pack_cursor_of<tap_panel<T>, K, Count, Vector> {
  using type = tap_cursor<T, K, Count>;
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
