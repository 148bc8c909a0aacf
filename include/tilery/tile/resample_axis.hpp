// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The source coordinates of upsampling along one dimension, as exact fractions of integers. Output o samples the input
// at (o * factor + offset) / divisor. Nearest takes the element at or before this coordinate; linear weighs the two
// elements beside it. Forward passes need the elements of an output, backward passes the outputs of an element.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/tile/pixels.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The coordinates of nearest sampling: floor(o in / out). The outputs of element i begin at ceil(i out / in).
struct nearest_axis {
  static constexpr const char* forward_name = "upsample_nearest";
  static constexpr const char* gradient_name = "upsample_nearest_gradient";
  std::int32_t in, out;
  wide_divisor by_in, by_out;

  nearest_axis() = default;
  nearest_axis(std::int32_t in_extent, std::int32_t out_extent)
      : in(in_extent),
        out(out_extent),
        by_in(in_extent, std::int64_t{in_extent} * out_extent + in_extent),
        by_out(out_extent, std::int64_t{in_extent} * out_extent) {}

  TILERY_SIMT pixel_range elements(int o) const {
    return {static_cast<std::int32_t>(by_out.quotient(std::int64_t{o} * in)), 1, 1};
  }
  TILERY_SIMT pixel_range outputs_at(int i) const {
    const std::int32_t first = first_of(i);
    return {first, 1, first_of(i + 1) - first};
  }

private:
  TILERY_SIMT std::int32_t first_of(int i) const {
    return static_cast<std::int32_t>(by_in.quotient(std::int64_t{i} * out + in - 1));
  }
};

/// The position of a linear sample, between element `lower` and the next one. `upper_weight` is the weight of the next
/// one; it is 0 if the sample is on `lower`, or at or beyond the last element.
template <class S>
struct linear_sample {
  std::int32_t lower;
  S upper_weight;

  /// The number of elements with a weight: `lower` and, if its weight is not 0, the next one.
  TILERY_SIMT int count() const { return upper_weight == S(0) ? 1 : 2; }
  /// The weight of `lower` (i = 0) or of the next element (i = 1).
  TILERY_SIMT S weight(int i) const { return i == 0 ? S(1) - upper_weight : upper_weight; }
};

/// The coordinates of linear sampling. Half-pixel: pixel o covers [o, o + 1), and centres correspond, so the coordinate
/// is (o + 1/2) in / out - 1/2 = ((2 o + 1) in - out) / (2 out), at least 0. Aligned corners: the centres of the first
/// and last pixels correspond, so it is o (in - 1) / (out - 1), or 0 if there is one output.
struct linear_axis {
  std::int32_t in, out;
  std::int64_t factor, offset;
  wide_divisor divisor, by_factor;

  linear_axis() = default;
  linear_axis(std::int32_t in_extent, std::int32_t out_extent, bool align_corners)
      : in(in_extent),
        out(out_extent),
        factor(align_corners ? in_extent - 1 : std::int64_t{2} * in_extent),
        offset(align_corners ? 0 : std::int64_t{in_extent} - out_extent) {
    const std::int64_t d = align_corners ? (out_extent > 1 ? out_extent - 1 : 1) : std::int64_t{2} * out_extent;
    const std::int64_t largest = (std::int64_t{in_extent} + 1) * d + out_extent;
    divisor = wide_divisor(d, largest);
    by_factor = wide_divisor(factor > 0 ? factor : 1, largest);
  }

  template <class S>
  TILERY_SIMT linear_sample<S> sample(int o) const {
    const std::int64_t numerator = greater(o * factor + offset, std::int64_t{0});
    const std::int64_t lower = divisor.quotient(numerator);
    if (lower >= in - 1) return {in - 1, S(0)};
    return {static_cast<std::int32_t>(lower),
            static_cast<S>(numerator - lower * divisor.value) / static_cast<S>(divisor.value)};
  }

  /// The outputs whose coordinate is above i - 1 and below i + 1. For the first element also the outputs before these,
  /// for the last element also the outputs after them.
  TILERY_SIMT pixel_range outputs_at(int i) const {
    if (factor == 0) return {0, 1, out};
    const std::int64_t below = (i - 1) * divisor.value - offset, above = (i + 1) * divisor.value - offset;
    const std::int32_t first = i == 0 || below < 0 ? 0 : static_cast<std::int32_t>(by_factor.quotient(below)) + 1;
    std::int32_t end = out;
    if (i < in - 1) {
      if (above <= 0) return {0, 1, 0};
      const std::int64_t last = by_factor.quotient(above - 1);
      if (last < out - 1) end = static_cast<std::int32_t>(last) + 1;
    }
    return {first, 1, greater(end - first, 0)};
  }

  /// The weight of element i in output o.
  template <class S>
  TILERY_SIMT S weight(int o, int i) const {
    const linear_sample<S> s = sample<S>(o);
    return s.lower == i ? s.weight(0) : s.lower + 1 == i ? s.upper_weight : S(0);
  }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
