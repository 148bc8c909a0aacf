// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The walk of a depthwise convolution over its images: the coordinates of the input that the taps of an output pixel
// read (depthwise_walk), the strips into which the output pixels are cut (strip_grid), and the operands of its kernels
// as parameters (depthwise_images, depthwise_filter).
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/policies/conv_geometry.hpp>
#include <tilery/tile/pixel_grid.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The taps of a residue class in one dimension: output coordinates that are equal modulo `classes`, for which the same
/// taps of the filter are used. For the i-th coordinate of the class, tap j < taps of the class reads the input
/// coordinate i in_step + origin + j tap_step, and is tap first_tap + j tap_stride of the filter.
struct depthwise_class {
  std::int32_t taps, origin, first_tap;
};

/// The walk in one dimension. The output coordinate h belongs to class h mod classes, and is its coordinate number
/// h / classes. A forward pass has one class, a data gradient `stride` classes. tap_step is never negative:
/// neighbouring taps are taken in the order of the coordinates that they read.
struct depthwise_walk {
  static constexpr int most_classes = 8;
  fast_divisor classes;
  std::int32_t in_step, tap_step, tap_stride;
  depthwise_class of[most_classes];
};

/// The first output pixel of a strip. Pixel i of the strip is pixel number first + i of the residue class `width_class`
/// along the width: its width coordinate is (first + i) classes + width_class.
struct strip_place {
  std::int32_t image, z, y, width_class, first;
};

/// The strips of all images. A band is `rows` neighbouring rows of an image. Strips are numbered down the rows of a
/// band first, then along the width, then over the bands, the depth and the images. The last band may have rows out of
/// bounds, whose strips are empty.
struct strip_grid {
  fast_divisor rows, strips_x, bands, depth, classes;
  std::int32_t strips;        // of all images
  std::int32_t strip_pixels;  // pixels of a strip

  strip_grid() = default;
  /// `classes_x` is the number of residue classes along the width: a strip has pixels of one class.
  strip_grid(const spatial<3>& extents, std::int32_t images, std::int32_t classes_x, int strip, int most_rows)
      : rows(lesser(most_rows, extents[1])), classes(classes_x), strip_pixels(strip) {
    const int a_class = pieces(extents[2], classes_x);
    strips_x = fast_divisor(classes_x * pieces(a_class, strip));
    bands = fast_divisor(pieces(extents[1], rows.value));
    depth = fast_divisor(extents[0]);
    strips = static_cast<std::int32_t>(count(extents, images, classes_x, strip, most_rows));
  }
  /// The number of strips of a grid with these arguments. A grid must have at most largest_extent.
  static std::int64_t count(const spatial<3>& extents, std::int32_t images, std::int32_t classes_x, int strip,
                            int most_rows) {
    const std::int64_t rows = lesser(most_rows, extents[1]);
    return std::int64_t{images} * extents[0] * pieces(extents[1], static_cast<int>(rows)) * rows * classes_x *
           pieces(pieces(extents[2], classes_x), strip);
  }

  TILERY_SIMT strip_place at(int number) const {
    strip_place p;
    int rest = rows.quotient(number);
    const int row = number - rest * rows.value;
    number = rest, rest = strips_x.quotient(number);
    const int strip = number - rest * strips_x.value;
    number = rest, rest = bands.quotient(number);
    p.y = (number - rest * bands.value) * rows.value + row;
    p.image = depth.quotient(rest);
    p.z = rest - p.image * depth.value;
    const int of_class = classes.quotient(strip);
    p.width_class = strip - of_class * classes.value;
    p.first = of_class * strip_pixels;
    return p;
  }
};

/// The taps that reach one output coordinate, and the coordinate of the input that the first of them reads.
struct tap_range {
  depthwise_class taps;
  std::int32_t first;  // input coordinate of tap 0

  /// For output coordinate `at` of a dimension with several classes.
  TILERY_SIMT tap_range(const depthwise_walk& walk, int at) {
    const int number = walk.classes.quotient(at);
    taps = walk.of[at - number * walk.classes.value];
    first = number * walk.in_step + taps.origin;
  }
};

}  // namespace tile

/// The images that a depthwise convolution reads, as operand A of product_params (kernels/gemm/params.hpp).
template <class T>
struct depthwise_images {
  using value_type = T;

  gmem_images<const T> images;
  tile::strip_grid grid;         // of the pixels that are written, or summed up by a weight gradient
  tile::depthwise_walk walk[3];  // along depth, height and width
  fast_divisor multiplier;       // filters of a channel
  bool is_gradient;              // data gradient: output channel c reads channels c multiplier + m, m < multiplier

  /// The operand without taps: each sum is 0.
  depthwise_images without_k() const {
    depthwise_images none = *this;
    for (auto& one : none.walk)
      for (auto& c : one.of) c.taps = 0;
    return none;
  }
  /// The number of input channels that an output channel reads.
  TILERY_SIMT int inputs() const { return is_gradient ? multiplier.value : 1; }
  /// The first input channel that output channel `channel` reads.
  TILERY_SIMT int input(int channel) const {
    return is_gradient ? channel * multiplier.value : multiplier.quotient(channel);
  }
};

/// The filter of a depthwise convolution, as operand B of product_params: one filter for each channel of y. S is the
/// accumulation type.
template <class T, class S>
struct depthwise_filter {
  using value_type = T;

  gmem_images<const T> filters;       // (filter, taps, one channel)
  tile::pixel_grid taps;              // of a filter
  bool is_staged = false;             // a GPU's block copies the filters of its channels to shared memory
  std::int64_t pitch = 0;             // of `packed`, in elements
  gmem_ptr<const S> packed{nullptr};  // (tap, filter), on the CPU only

  const depthwise_filter& without_k() const { return *this; }
};

/// The images that a depthwise convolution writes as a matrix: row = pixel, column = channel.
template <class T>
struct channel_matrix {
  using value_type = T;

  gmem_images<T> images;
  std::int32_t rows, columns;  // pixels of all images, channels

  TILERY_SIMT static int whole_row(int row) { return row; }
  TILERY_SIMT static int whole_column(int column) { return column; }
};

}  // namespace tilery::inline TILERY_ABI
