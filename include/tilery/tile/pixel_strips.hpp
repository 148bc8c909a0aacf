// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The strips of a gathered operand on the CPU. A strip is a box of a product's pixels (images, depth, height, width);
// its copy (strip_axis.hpp) holds all elements of the images that the taps of these pixels read, in the type in which
// they are multiplied, with zeros out of the images. The copy is small enough for the L2 cache. Each element is copied
// once, however many taps and filters read it: the copy takes a few percent of the time of the products.
//
// The channels are cut into blocks. The copy of a block is (image, depth, height, width, channel), contiguous.
#pragma once
#pragma GCC system_header

#include <tilery/tile/cpu_copy_exact.hpp>
#include <tilery/tile/even_split.hpp>
#include <tilery/tile/pixel_grid.hpp>
#include <tilery/tile/prefetch_images.hpp>
#include <tilery/tile/strip_axis.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The pixels of a strip: images, depth, height, width.
struct pixel_box {
  std::int64_t begin[4], count[4];

  std::int64_t pixels() const { return count[0] * count[1] * count[2] * count[3]; }
};

/// The layout of a strip's copy. Steps are in elements.
struct strip_layout {
  strip_slots of[3];            // depth, height, width
  std::int64_t image_step;      // from one image to the next
  std::int64_t pixel_steps[3];  // from one pixel to the next
  std::int64_t tap_steps[3];    // from one tap to the next
  std::int64_t block_step;      // from one block of channels to the next
};

/// Upper bounds for the strips of a problem: `pixels` for the pixels of a strip, `bytes` for its copy. But a strip may
/// have `width` pixels along the width, even if its copy is then larger than `bytes`.
struct strip_limits {
  std::int64_t bytes, pixels, width;
};

/// All strips of a gathered operand with elements T, which are multiplied as F. N is the number of elements of F in a
/// vector register.
template <class T, class F, int N>
class pixel_strips {
public:
  /// `grid`: extents of the product's pixels in one image; `walk` and `taps` are those of the operand.
  pixel_strips(const gmem_images<const T>& from, std::int64_t images, const spatial<3>& grid,
               const conv_walk (&walk)[3], const spatial<3>& taps, std::int32_t channels, std::int32_t channel_block,
               const strip_limits& most)
      : from_(from), channels_(channels), grid_{images, grid[0], grid[1], grid[2]} {
    for (int d = 0; d < 3; ++d) axes_[d] = strip_axis(walk[d], taps[d], from.extents[d]);
    blocks_ = greater(pieces(channels, channel_block), 1);
    // Several blocks have the same size, rounded up to a cache line of float.
    block_ = blocks_ == 1 ? channels : pieces(pieces(channels, blocks_), 16) * 16;
    blocks_ = channels == 0 ? 0 : pieces(channels, block_);
    cut(most);
  }

  const strip_axis& axis(int d) const { return axes_[d]; }
  int taps() const { return axes_[0].taps * axes_[1].taps * axes_[2].taps; }
  int blocks() const { return blocks_; }
  /// The number of channels from one block to the next, which is also the distance of neighbouring slots
  /// (strip_axis.hpp) in elements; and the number of channels of a block.
  int block() const { return block_; }
  int channels_of(int block) const { return lesser(channels_ - block * block_, block_); }

  /// The number of strips, and the pixels of strip `index`.
  std::int64_t size() const { return cut_[0].parts() * cut_[1].parts() * cut_[2].parts() * cut_[3].parts(); }
  pixel_box strip(std::int64_t index) const {
    pixel_box box;
    for (int d = 3; d >= 0; --d) {
      const std::int64_t part = index % cut_[d].parts();
      index /= cut_[d].parts();
      box.begin[d] = cut_[d].begin(part), box.count[d] = cut_[d].size(part);
    }
    return box;
  }
  /// The largest number of pixels of a strip, and the largest number of elements of a copy.
  std::int64_t most_pixels() const { return most_box().pixels(); }
  std::int64_t most_elements() const { return elements(most_box()); }

  strip_layout layout(const pixel_box& box) const {
    strip_layout l;
    for (int d = 0; d < 3; ++d) l.of[d] = axes_[d].slots_of(box.count[d + 1]);
    std::int64_t step = block_;
    for (int d = 2; d >= 0; --d) {
      l.pixel_steps[d] = l.of[d].pixel_step * step, l.tap_steps[d] = l.of[d].tap_step * step;
      step *= l.of[d].slots;
    }
    l.image_step = step;
    l.block_step = step * box.count[0];
    return l;
  }
  /// True if, for each tap of depth and height, the taps along the width and the channels of a block are contiguous in
  /// the copy, in this order.
  bool is_run(const strip_layout& l, int block) const {
    return axes_[2].taps <= 1 || (l.of[2].tap_step == 1 && channels_of(block) == block_);
  }

  /// Copies block `block` of image `image` (counted from the strip's first one) of a strip.
  void copy(const pixel_box& box, const strip_layout& l, int block, std::int64_t image, gmem_ptr<F> to) const {
    const auto from = from_.data + ((box.begin[0] + image) * from_.image_stride +
                                    std::int64_t{block} * block_ * from_.channel_stride);
    to = to + (block * l.block_step + image * l.image_step);
    const std::int64_t row = l.of[2].slots * block_;
    for (std::int64_t i = 0; i < l.of[0].slots; ++i) {
      const std::int64_t depth = axes_[0].coordinate(l.of[0], box.begin[1], i);
      for (std::int64_t j = 0; j < l.of[1].slots; ++j, to = to + row) {
        const std::int64_t height = axes_[1].coordinate(l.of[1], box.begin[2], j);
        if (depth < 0 || depth >= from_.extents[0] || height < 0 || height >= from_.extents[1])
          fill_with_zeros(lane, to, row);
        else
          copy_row(from + (depth * from_.strides[0] + height * from_.strides[1]), box.begin[3], l.of[2],
                   channels_of(block), to);
      }
    }
  }

  /// The elements of the images that the copy of strip `index` reads; none if there is no such strip.
  image_box source(std::int64_t index) const {
    image_box result{};
    if (index >= size()) return result;
    const pixel_box box = strip(index);
    result.begin[0] = box.begin[0], result.count[0] = box.count[0], result.step[0] = 1;
    for (int d = 0; d < 3; ++d) {
      const strip_axis& axis = axes_[d];
      const std::int64_t unit = axis.slots_of(box.count[d + 1]).unit;
      const std::int64_t first = axis.origin + box.begin[d + 1] * axis.step;
      const std::int64_t last = first + (box.count[d + 1] - 1) * axis.step + greater(axis.taps - 1, 0) * axis.tap_step;
      result.cut(d + 1, first, (last - first) / unit + 1, unit, from_.extents[d]);
    }
    return result;
  }
  /// Prefetches part `part` of `parts` of what source() returned.
  TILERY_SIMT void prefetch(const image_box& source, std::int64_t part, std::int64_t parts) const {
    prefetch_part(from_, source, channels_, part, parts);
  }

private:
  static constexpr cpu_lane lane{{0, 0, 0}, {1, 1, 1}};  // block 0 of a grid of one block

  /// Copies one row of slots along the width.
  void copy_row(gmem_ptr<const T> from, std::int64_t begin, const strip_slots& s, int channels, gmem_ptr<F> to) const {
    const strip_axis& w = axes_[2];
    if (!s.apart) return copy_slots(from, w.origin + begin * w.step, s.unit, s.slots, channels, to);
    for (std::int64_t t = 0; t < w.taps; ++t)
      copy_slots(from, w.origin + begin * w.step + t * w.tap_step, w.step, s.count, channels,
                 to + t * s.count * block_);
  }
  /// Copies `slots` slots whose coordinates are `unit` apart and begin at `first`.
  void copy_slots(gmem_ptr<const T> from, std::int64_t first, std::int64_t unit, std::int64_t slots, int channels,
                  gmem_ptr<F> to) const {
    // The slots [low, high) are in bounds.
    const std::int64_t extent = from_.extents[2];
    const std::int64_t low = first >= 0 ? 0 : lesser((unit - 1 - first) / unit, slots);
    const std::int64_t high = first >= extent ? low : greater(lesser((extent - first + unit - 1) / unit, slots), low);
    fill_with_zeros(lane, to, low * block_);
    if (high > low)
      copy_exact<N>(lane,
                    strided_block<const T>{from + (first + low * unit) * from_.strides[2], unit * from_.strides[2],
                                           from_.channel_stride, static_cast<std::int32_t>(high - low), channels},
                    to + low * block_, block_);
    fill_with_zeros(lane, to + high * block_, (slots - high) * block_);
  }

  std::int64_t elements(const pixel_box& box) const { return layout(box).block_step * blocks_; }
  pixel_box most_box() const {
    pixel_box box;
    for (int d = 0; d < 4; ++d) box.begin[d] = 0, box.count[d] = cut_[d].size(0);
    return box;
  }
  /// Cuts the grid into strips: as wide as possible, then as high, as deep, and of as many images as possible.
  void cut(const strip_limits& most) {
    pixel_box box{{0, 0, 0, 0}, {1, 1, 1, 1}};
    for (int d = 0; d < 4; ++d) cut_[d] = even_split(grid_[d], greater<std::int64_t>(grid_[d], 1));
    for (int d = 3; d >= 0; --d) {
      const auto fits = [&](std::int64_t count) {
        box.count[d] = count;
        const std::int64_t pixels = box.pixels();
        return pixels <= most.pixels &&
               (elements(box) * static_cast<std::int64_t>(sizeof(F)) <= most.bytes || (d == 3 && count <= most.width));
      };
      std::int64_t low = 1, high = greater<std::int64_t>(grid_[d], 1);  // the largest count that fits, or 1
      while (low < high) {
        const std::int64_t middle = (low + high + 1) / 2;
        fits(middle) ? low = middle : high = middle - 1;
      }
      const std::int64_t parts = (grid_[d] + low - 1) / low;
      cut_[d] = even_split(grid_[d], greater<std::int64_t>(parts, 1));
      box.count[d] = cut_[d].size(0);
      if (parts > 1) break;
    }
  }

  gmem_images<const T> from_;
  std::int32_t channels_, blocks_, block_;
  strip_axis axes_[3];
  std::int64_t grid_[4];
  even_split cut_[4];
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
