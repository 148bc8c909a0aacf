// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Units of a depthwise convolution with a small filter, in one dimension. A unit is what repeats: one output pixel of a
// forward pass, and the `stride` output pixels of a data gradient that lie between the same input pixels. Which taps
// join an output and an input of neighbouring units is then known when the kernel is compiled.
#pragma once
#pragma GCC system_header

#include <tilery/tile/channel_pack.hpp>
#include <tilery/tile/depthwise_walk.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The units of one dimension, for `Taps` taps that are neighbours. If Upsamples is true, the convolution is a data
/// gradient with this stride, otherwise a walk with one residue class.
///
/// Data gradients. Tap r reaches output h from input (h + before - r) / Stride. With h + before = u Stride + q, unit u
/// has the outputs q = 0 .. Stride - 1, and tap q + j Stride of output q reads input u - j. Unit u reads the inputs
/// u - (span - 1) to u, where span = ceil(Taps / Stride).
template <int Taps, int Stride, bool Upsamples>
struct unit_axis {
  static_assert(!Upsamples || Stride == 2, "the residue classes are told apart by their number of taps: 2 classes");
  static_assert(!Upsamples || Taps % 2 == 1, "the class of q = 0 must have one tap more than the other class");
  static constexpr int in_step = Upsamples ? 1 : Stride;   // inputs from unit to unit
  static constexpr int out_step = Upsamples ? Stride : 1;  // outputs from unit to unit
  static constexpr int span = Upsamples ? pieces(Taps, Stride) : Taps;

  /// Inputs that n neighbouring units read, and outputs that they have.
  static constexpr int inputs(int n) { return (n - 1) * in_step + span; }
  static constexpr int outputs(int n) { return n * out_step; }

  /// Returns the position in `tap` of the tap that joins output number `output` and input number `input` of some
  /// neighbouring units, or -1 if none does.
  TILERY_SIMT static constexpr int position(int output, int input) {
    if constexpr (!Upsamples) {
      const int t = input - output * in_step;
      return t >= 0 && t < Taps ? t : -1;
    } else {
      const int unit = output / Stride, j = unit + span - 1 - input, t = output - unit * Stride + j * Stride;
      return j >= 0 && t < Taps ? t : -1;
    }
  }

  std::int32_t units = 0;                      // that cover the outputs
  std::int32_t in_extent = 0, out_extent = 0;  // pixels; in_extent is 0 for an operand without taps
  std::int32_t tap[Taps] = {};                 // tap[i]: the filter's tap at position i

  unit_axis(const depthwise_walk& walk, std::int32_t inputs_in_bounds, std::int32_t outputs_in_bounds)
      : in_extent(walk.of[0].taps > 0 ? inputs_in_bounds : 0), out_extent(outputs_in_bounds) {
    units = pieces(out_extent, out_step);
    if (in_extent == 0) return;
    if constexpr (!Upsamples) {
      origin_ = walk.of[0].origin;
      for (int t = 0; t < Taps; ++t) tap[t] = walk.of[0].first_tap + t * walk.tap_stride;
    } else {
      shift_ = walk.of[1].taps > walk.of[0].taps;
      origin_ = walk.of[shift_].origin - shift_;  // of[shift_]'s coordinate number 0 belongs to unit `shift_`
      for (int t = 0; t < Taps; ++t) {
        const depthwise_class& c = walk.of[t % Stride == 0 ? shift_ : 1 - shift_];
        tap[t] = c.first_tap + (pieces(Taps - t % Stride, Stride) - 1 - t / Stride) * walk.tap_stride;
      }
      units = pieces(out_extent + shift_, out_step);
    }
  }

  /// The first input that a unit reads, and its first output. They may be out of bounds.
  int first_input(int unit) const { return unit * in_step + origin_; }
  int first_output(int unit) const { return unit * out_step - shift_; }

  /// True if all inputs and outputs of n units from `unit` on are in bounds.
  bool is_inside(int unit, int n) const {
    return first_input(unit) >= 0 && first_input(unit) + inputs(n) <= in_extent && first_output(unit) >= 0 &&
           first_output(unit) + outputs(n) <= out_extent;
  }

private:
  std::int32_t origin_ = 0;  // the first input of unit 0
  std::int32_t shift_ = 0;   // outputs of unit 0 that are before the first one
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
