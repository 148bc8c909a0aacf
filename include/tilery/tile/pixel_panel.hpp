// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A pixel_panel is a GEMM operand (tile/panel.hpp) that is gathered from images. Its outer dimension are the pixels of
// a product, its k are the taps of a filter and, for each tap, the channels. The element (pixel, (tap, channel)) is the
// element of the images that this tap reads for this pixel, or 0 if that is out of bounds. No such matrix exists in
// memory.
//
// A filter w[j, tap, channel] is a pixel_panel, too: filter j is an image of which all taps are in bounds.
#pragma once
#pragma GCC system_header

#include <tilery/policies/conv_geometry.hpp>
#include <tilery/tile/panel.hpp>
#include <tilery/tile/pixel_grid.hpp>

namespace tilery::inline TILERY_ABI {

/// A gathered operand. Its k loop goes in steps: a step is one tap and at most block_k of its channels, and the last
/// step of a tap is filled up with zeros. So a tile along k never holds two taps.
template <class T>
struct pixel_panel {
  using value_type = T;

  gmem_images<const T> images;
  tile::pixel_grid grid;  // of the pixels of the product
  std::int32_t outer;     // pixels of all images
  conv_walk walk[3];      // from a pixel and a tap to a coordinate of the images
  spatial<3> taps;
  std::int32_t channels;
  std::int32_t first_step = 0, end_step = -1;  // the steps [first_step, end_step) of k; end_step -1: all

  /// The panel whose channels begin `elements` elements further in memory: another group of channels.
  TILERY_SIMT pixel_panel moved(std::int64_t elements) const {
    pixel_panel other = *this;
    other.images.data = images.data + elements;
    return other;
  }
  /// The number of steps of all taps, for block_k channels in a step.
  TILERY_SIMT int all_steps(int block_k) const { return taps[0] * taps[1] * taps[2] * pieces(channels, block_k); }
  /// The extent of k with every step filled up to block_k elements.
  TILERY_SIMT int k_range(int block_k) const {
    return ((end_step < 0 ? all_steps(block_k) : end_step) - first_step) * block_k;
  }
  /// The steps [begin, end) of k.
  TILERY_SIMT pixel_panel steps(int begin, int end, int) const {
    pixel_panel part = *this;
    part.first_step = begin, part.end_step = end;
    return part;
  }
  /// True if the channels are contiguous.
  TILERY_SIMT bool runs_along_k() const { return images.channel_stride == 1; }
  /// The panel without elements: a product with it is 0.
  pixel_panel without_k() const {
    pixel_panel none = *this;
    none.channels = 0;
    return none;
  }
};

namespace tile {

/// The tap and the first channel of a step of a pixel_panel: the same for all lanes of a block.
template <int K>
struct tap_position {
  std::int32_t tap[3], channel, left;  // left: steps to go, with the current one

  template <class T>
  TILERY_SIMT explicit tap_position(const pixel_panel<T>& from) : left(from.k_range(K) / K) {
    const int a_tap = pieces(from.channels, K);
    const int number = from.first_step == 0 ? 0 : from.first_step / a_tap;
    channel = (from.first_step - number * a_tap) * K;
    const int row = number == 0 ? 0 : number / from.taps[2];
    tap[2] = number - row * from.taps[2];
    tap[0] = row == 0 ? 0 : row / from.taps[1];
    tap[1] = row - tap[0] * from.taps[1];
  }
  /// Moves to the next step. Returns true if the tap has changed.
  template <class T>
  TILERY_SIMT bool advance(const pixel_panel<T>& from) {
    --left;
    channel += K;
    if (channel < from.channels) return false;
    channel = 0;
    if (++tap[2] == from.taps[2]) {
      tap[2] = 0;
      if (++tap[1] == from.taps[1]) tap[1] = 0, ++tap[0];
    }
    return true;
  }
};

/// The largest number of taps along depth, height and width together for which masked_pixels has enough bits.
inline constexpr int most_masked_taps = 31;

/// Finds the elements of a lane's Count packs in a pixel_panel. A pack has the same pixel in all steps. For each pack
/// it keeps the offset of this pixel in its image, and a mask with one bit for each tap along depth, height and width:
/// the bit is 1 if the tap is in bounds.
///
/// Panels. The constructor and set() take the panel of the block's group and steps. All other functions may take the
/// panel of the whole product instead: they read only strides and extents, which are equal in both panels.
///
/// Limits. The filter has at most most_masked_taps taps along depth, height and width together, and offsets within the
/// rows of a tile have 32 bits. The op has checked both.
template <class T, int K, int Count>
class masked_pixels {
public:
  /// For tiles that begin at pixel `outer` of the panel.
  TILERY_SIMT masked_pixels(const pixel_panel<T>& from, int outer)
      : at_(from), first_image_(from.grid.volume.quotient(outer)) {
    base_ = from.images.data + first_image_ * from.images.image_stride;
    move(from);
  }
  /// Sets pack i: its pixel, and its first channel within a step. `exists` is false for a pack that is no part of the
  /// tile.
  TILERY_SIMT void set(int i, const pixel_panel<T>& from, int outer, int k, bool exists) {
    const pixel_place p = from.grid.of(outer < from.outer ? outer : 0);
    std::uint32_t offset =
        times(p.image - first_image_, from.images.image_stride) + times(k, from.images.channel_stride);
    std::uint32_t mask = 0;
    int bit = 0;
    TILERY_UNROLL_ON_GPU
    for (int d = 0; d < 3; ++d) {
      const int first = p.at[d] * from.walk[d].step + from.walk[d].origin;
      offset += times(first, from.images.strides[d]);
      for (int t = 0; t < from.taps[d]; ++t, ++bit)
        if (is_coordinate(first + t * from.walk[d].tap_step, from.images.extents[d])) mask |= 1u << bit;
    }
    offset_[i] = offset;
    mask_[i] = exists && outer < from.outer ? mask : 0;
    k_[i] = k, outer_left_[i] = from.outer - outer;
  }
  /// The number of channels from the pack's first one to the tap's last one; 0 or less if the pack is out of bounds.
  TILERY_SIMT int left(int i, const pixel_panel<T>& from) const {
    return (mask_[i] & bits_) == bits_ ? from.channels - at_.channel - k_[i] : 0;
  }
  /// The address of the pack's first element, which must be in bounds.
  TILERY_SIMT gmem_ptr<const T> at(int i, const pixel_panel<T>&) const {
    return base_ + static_cast<std::int64_t>(offset_[i] + walked_);
  }
  /// The number of pixels from the pack's first one to the panel's last one; 0 or less if the pack is out of bounds.
  TILERY_SIMT int outer_left(int i, const pixel_panel<T>& from) const { return left(i, from) > 0 ? outer_left_[i] : 0; }
  /// As the cursor of a panel_loader (panel.hpp): the k of the loop does not matter, because advance() counts steps.
  TILERY_SIMT bool is_inside(int i, const pixel_panel<T>& from, int) const { return left(i, from) > 0; }
  TILERY_SIMT void step(int, const pixel_panel<T>&) {}
  /// Moves all packs to the next step.
  TILERY_SIMT void advance(const pixel_panel<T>& from) {
    if (at_.advance(from) || at_.left <= 0)
      move(from);
    else
      walked_ += times(K, from.images.channel_stride);
  }

private:
  TILERY_SIMT static bool is_coordinate(int coordinate, int extent) {
    return static_cast<std::uint32_t>(coordinate) < static_cast<std::uint32_t>(extent);
  }
  /// The lowest 32 bits of an offset. Only the sum of a pack's offset and the tap's offset is an address in an image:
  /// this sum fits 32 bits, so its terms are added modulo 2^32, which takes half the registers of 64-bit terms.
  TILERY_SIMT static std::uint32_t times(int count, std::int64_t stride) {
    return static_cast<std::uint32_t>(count) * static_cast<std::uint32_t>(stride);
  }
  /// Computes the bits and the offset of the current tap. After the last step they are bits that no mask has.
  TILERY_SIMT void move(const pixel_panel<T>& from) {
    std::uint32_t walked = times(at_.channel, from.images.channel_stride), bits = 0;
    int first_bit = 0;
    TILERY_UNROLL_ON_GPU
    for (int d = 0; d < 3; ++d) {
      walked += times(at_.tap[d] * from.walk[d].tap_step, from.images.strides[d]);
      bits |= 1u << (first_bit + at_.tap[d]);
      first_bit += from.taps[d];
    }
    walked_ = walked;
    bits_ = at_.left > 0 ? bits : ~0u;
  }

  tap_position<K> at_;
  int first_image_;
  gmem_ptr<const T> base_;  // the image of the tile's first pixel
  std::uint32_t bits_, walked_;
  std::uint32_t offset_[Count], mask_[Count];
  int k_[Count], outer_left_[Count];
};

/// Finds the elements as masked_pixels does, for filters and images of any size: each coordinate is computed anew in
/// each step.
template <class T, int K, int Count>
class computed_pixels {
public:
  TILERY_SIMT computed_pixels(const pixel_panel<T>& from, int) : at_(from), data_(from.images.data) {}
  TILERY_SIMT void set(int i, const pixel_panel<T>& from, int outer, int k, bool exists) {
    outer_[i] = exists ? outer : from.outer;
    k_[i] = k;
  }
  TILERY_SIMT int left(int i, const pixel_panel<T>& from) const {
    if (outer_[i] >= from.outer || at_.left <= 0) return 0;
    const pixel_place p = from.grid.of(outer_[i]);
    bool inside = true;
    TILERY_UNROLL_ON_GPU
    for (int d = 0; d < 3; ++d)
      inside = inside && coordinate(p, d, from) >= 0 && coordinate(p, d, from) < from.images.extents[d];
    return inside ? from.channels - at_.channel - k_[i] : 0;
  }
  TILERY_SIMT gmem_ptr<const T> at(int i, const pixel_panel<T>& from) const {
    const pixel_place p = from.grid.of(outer_[i]);
    std::int64_t offset = p.image * from.images.image_stride + (at_.channel + k_[i]) * from.images.channel_stride;
    TILERY_UNROLL_ON_GPU
    for (int d = 0; d < 3; ++d) offset += coordinate(p, d, from) * from.images.strides[d];
    return data_ + offset;
  }
  /// Loads the channels of pack i one by one. Channels out of bounds are 0.
  template <int Elements, class Lane>
  TILERY_SIMT pack<T, Elements> elements(Lane lane, int i, const pixel_panel<T>& from, where line) const {
    pack<T, Elements> held = splat<Elements>(convert<T>(0.0f));
    const int count = left(i, from);
    if (count <= 0) return held;
    gmem_ptr<const T> next = at(i, from);
    TILERY_UNROLL_ON_GPU
    for (int e = 0; e < Elements; ++e) {
      if (e < count) held.set(e, lane.load(next, line));
      next = next + from.images.channel_stride;
    }
    return held;
  }
  TILERY_SIMT bool is_inside(int i, const pixel_panel<T>& from, int) const { return left(i, from) > 0; }
  TILERY_SIMT void step(int, const pixel_panel<T>&) {}
  TILERY_SIMT void advance(const pixel_panel<T>& from) { at_.advance(from); }

private:
  TILERY_SIMT int coordinate(const pixel_place& p, int d, const pixel_panel<T>& from) const {
    return p.at[d] * from.walk[d].step + from.walk[d].origin + at_.tap[d] * from.walk[d].tap_step;
  }

  tap_position<K> at_;
  gmem_ptr<const T> data_;
  int outer_[Count], k_[Count];
};

/// Packs of several elements are found by masks, single elements by computed coordinates: policies with single elements
/// serve every problem.
template <class T, int K, int Count, int Vector>
struct pack_cursor_of<pixel_panel<T>, K, Count, Vector> {
  using type = std::conditional_t<(Vector > 1), masked_pixels<T, K, Count>, computed_pixels<T, K, Count>>;
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
