// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The windows of a pooling along one dimension. Window o begins at element o * stride - padding of the input; its taps
// are `dilation` elements apart. Forward passes need the elements of a window, backward passes the windows of an
// element.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/tile/pixels.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// All numbers are below 2^31, and so is extent + padding before + padding after (ops/pool_shape.hpp checks it).
struct pool_axis {
  std::int32_t extent;       // elements of the input
  std::int32_t windows;      // elements of the output
  std::int32_t window;       // taps of a window
  std::int32_t before;       // elements of padding before the input
  std::int32_t counted_end;  // the end of the elements that an average counts: extent, or extent + padding after
  bool counts_padding;       // true if an average counts the padding
  divisor stride, dilation;

  /// The first tap of window o; negative in the padding.
  TILERY_SIMT std::int32_t begin(int o) const { return o * stride.value() - before; }

  /// The elements of window o, without those in the padding. A window with dilation may have none.
  TILERY_SIMT pixel_range elements(int o) const {
    const std::int32_t start = begin(o);
    const std::int32_t skipped = start < 0 ? dilation.quotient(-start - 1) + 1 : 0;  // taps before the first element
    const std::int32_t first = start + skipped * dilation.value();
    if (first >= extent || skipped >= window) return {0, 0, 0};
    return {first, dilation.value(), lesser(window - skipped, dilation.quotient(extent - 1 - first) + 1)};
  }

  /// The windows whose span contains element i. With dilation some of them have no tap at i.
  TILERY_SIMT pixel_range windows_at(int i) const {
    const std::int32_t place = i + before, reach = (window - 1) * dilation.value();
    const std::int32_t first = place > reach ? stride.quotient(place - reach - 1) + 1 : 0;
    const std::int32_t last = lesser(stride.quotient(place), windows - 1);
    return {first, 1, last < first ? 0 : last - first + 1};
  }

  /// The number of elements that an average over window o counts, without dilation.
  TILERY_SIMT std::int32_t counted(int o) const {
    const std::int32_t start = begin(o);
    const std::int32_t outside = start < 0 && !counts_padding ? -start : 0;
    return lesser(window, counted_end - start) - outside;
  }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
