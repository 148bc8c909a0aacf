// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Padding along one dimension, in three modes: from an output element to the input element that it copies, and from an
// input element to all of its copies.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

/// The values of padding. For an input a b c d and 2 elements of padding at either side:
/// zero: 0 0 a b c d 0 0; reflect: c b a b c d c b; replicate: a a a b c d d d.
enum class pad_mode : int { zero, reflect, replicate };

namespace tile {

/// The first `count` of the numbers first, second, third, third + 1, third + 2, ...
struct padding_sources {
  std::int32_t first, second, third, count;

  TILERY_SIMT std::int32_t at(int i) const { return i == 0 ? first : i == 1 ? second : third + (i - 2); }
};

/// Padding of one dimension of `extent` elements, by `before` elements before the first and `after` after the last one.
/// In the mode reflect, both are below `extent`.
struct padding_axis {
  static constexpr const char* forward_name = "pad";
  static constexpr const char* gradient_name = "pad_gradient";
  std::int32_t extent, before, after;
  pad_mode mode;

  /// The input element of which output o is a copy; no element if output o is a zero.
  TILERY_SIMT padding_sources elements(int o) const {
    std::int32_t i = o - before;
    if (i < 0 || i >= extent) {
      if (mode == pad_mode::zero) return {0, 0, 0, 0};
      if (mode == pad_mode::replicate)
        i = i < 0 ? 0 : extent - 1;
      else
        i = i < 0 ? -i : 2 * (extent - 1) - i;
    }
    return {i, 0, 0, 1};
  }

  /// The outputs that are copies of element i, in rising order.
  TILERY_SIMT padding_sources outputs_at(int i) const {
    const std::int32_t own = before + i, last = extent - 1;
    if (mode == pad_mode::zero) return {own, 0, 0, 1};
    if (mode == pad_mode::replicate) {
      const std::int32_t first = i == 0 ? 0 : own, end = i == last ? own + after + 1 : own + 1;
      return {first, first + 1, first + 2, end - first};
    }
    const bool has_lower = i > 0 && i <= before, has_upper = i < last && last - i <= after;
    const std::int32_t lower = before - i, upper = own + 2 * (last - i);  // mirrored at the first and the last element
    if (has_lower) return {lower, own, upper, has_upper ? 3 : 2};
    return {own, upper, 0, has_upper ? 2 : 1};
  }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
