// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One spatial dimension of a strip (tile/pixel_strips.hpp). The CPU computes a convolution as a product of matrices,
// whose rows (in a weight gradient: whose k) are pixels (policies/conv_problem.hpp). A strip is a box of these pixels,
// with a copy of all elements of the images that the taps read for them. A slot is a position in the copy. Each slot of
// a dimension has one coordinate of the images, and the slot of a pixel and a tap is pixel * pixel_step + tap *
// tap_step: two constant steps lead to all taps of all pixels. Slots out of the images hold zeros.
#pragma once
#pragma GCC system_header

#include <tilery/core/extent.hpp>
#include <tilery/policies/conv_geometry.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The greatest common divisor of two numbers that are not negative; one of them may be 0.
constexpr std::int64_t common_divisor(std::int64_t a, std::int64_t b) {
  while (b != 0) {
    const std::int64_t rest = a % b;
    a = b, b = rest;
  }
  return a;
}

/// The slots of one dimension for `count` pixels. If `apart`, each pair of a pixel and a tap has a slot of its own,
/// even where two pairs read the same coordinate. Otherwise slot i + 1 holds the coordinate of slot i plus `unit`, and
/// pairs that read the same coordinate share its slot. The steps are in slots.
struct strip_slots {
  std::int64_t count, slots, unit, pixel_step, tap_step;
  bool apart;
};

/// One dimension of a gathered operand. The taps are numbered in the order of growing coordinates: if the operand's own
/// tap step is negative, its taps are reversed.
struct strip_axis {
  std::int64_t step = 1, origin = 0, tap_step = 0;  // pixel i and tap t read i step + origin + t tap_step
  std::int32_t taps = 0, extent = 0;                // extent: of the images
  bool reversed = false;

  strip_axis() = default;
  strip_axis(const conv_walk& walk, std::int32_t number_of_taps, std::int32_t of_images)
      : step(walk.step), origin(walk.origin), taps(number_of_taps), extent(of_images) {
    if (taps <= 1) return;
    tap_step = walk.tap_step;
    reversed = tap_step < 0;
    if (reversed) origin += (taps - 1) * tap_step, tap_step = -tap_step;
  }

  /// The number that tap t has in the operand.
  std::int32_t tap_in_operand(std::int32_t t) const { return reversed ? taps - 1 - t : t; }

  /// Cuts the dimension into as few slots as possible for `count` consecutive pixels.
  strip_slots slots_of(std::int64_t count) const {
    const std::int64_t of_pixels = count > 1 ? step : 0;
    const std::int64_t unit = greater<std::int64_t>(common_divisor(of_pixels, tap_step), 1);
    const std::int64_t together = ((count - 1) * of_pixels + greater(taps - 1, 0) * tap_step) / unit + 1;
    if (together <= count * taps) return {count, together, unit, of_pixels / unit, tap_step / unit, false};
    return {count, count * taps, unit, 1, count, true};
  }
  /// The coordinate of a slot, for pixels from `begin` on.
  std::int64_t coordinate(const strip_slots& s, std::int64_t begin, std::int64_t slot) const {
    if (!s.apart) return origin + begin * step + slot * s.unit;
    return origin + (begin + slot % s.count) * step + slot / s.count * tap_step;
  }

  /// Of the taps of a pixel, [first_tap(), end_tap()) read coordinates in [0, extent): first_tap() is the first tap
  /// whose coordinate is at least 0, or `taps` if there is none; end_tap() is one past the last tap whose coordinate is
  /// below `extent`, or 0 if there is none.
  std::int32_t first_tap(std::int64_t pixel) const {
    const std::int64_t at = pixel * step + origin;
    if (at >= 0) return 0;
    return tap_step == 0 ? taps : static_cast<std::int32_t>(lesser<std::int64_t>((tap_step - 1 - at) / tap_step, taps));
  }
  std::int32_t end_tap(std::int64_t pixel) const {
    const std::int64_t room = extent - (pixel * step + origin);
    if (room <= 0) return 0;
    return tap_step == 0 ? taps
                         : static_cast<std::int32_t>(lesser<std::int64_t>((room + tap_step - 1) / tap_step, taps));
  }
  /// True if all taps of the pixels [begin, begin + count) are in bounds.
  bool is_inside(std::int64_t begin, std::int64_t count) const {
    return begin * step + origin >= 0 && (begin + count - 1) * step + origin + (taps - 1) * tap_step < extent;
  }
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
