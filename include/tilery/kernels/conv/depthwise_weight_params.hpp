// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of the kernels that compute the weight gradient of a depthwise convolution, and the step that they
// have in common: the products of one strip of pixels with a block of taps.
#pragma once
#pragma GCC system_header

#include <tilery/policies/depthwise.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/tile/channel_pack.hpp>
#include <tilery/tile/depthwise_walk.hpp>

namespace tilery::inline TILERY_ABI {

/// Sums (slice, tap, filter): for each slice of the strips, the products of x and dy for each tap of each filter.
template <class T, class S>
struct depthwise_weight_params {
  gmem_images<const T> x, gradient;  // `gradient` is dy
  tile::strip_grid grid;             // of the pixels of dy
  conv_walk walk[3];                 // from a pixel of dy and a tap to a coordinate of x
  spatial<3> taps;
  std::int32_t filters;  // of all channels
  divisor multiplier;    // filters of a channel
  std::int32_t slices;
  gmem_ptr<S> sums{nullptr};  // (slice, tap, filter)
  std::int64_t pitch = 0;     // elements from one tap to the next, `filters` rounded up to whole packs

  TILERY_SIMT int all_taps() const { return taps[0] * taps[1] * taps[2]; }
  TILERY_SIMT gmem_ptr<S> sums_at(int slice, int tap, int filter) const {
    return sums + ((std::int64_t{slice} * all_taps() + tap) * pitch + filter);
  }
  /// The strips [slice_begin, slice_end) of a slice.
  TILERY_SIMT int slice_begin(int slice) const { return static_cast<int>(std::int64_t{grid.strips} * slice / slices); }
  TILERY_SIMT int slice_end(int slice) const { return slice_begin(slice + 1); }
  /// The number of pieces of P.tap_rows rows and P.width columns that the taps are cut into. The rows of all depths
  /// are counted as one sequence.
  TILERY_SIMT int tap_groups(const depthwise_weight_policy& p) const {
    return pieces(taps[0] * taps[1], p.tap_rows) * pieces(taps[2], p.width);
  }
};

namespace tile {

/// Piece `group` of the taps: P.tap_rows rows of P.width taps, of which the last ones may not exist.
template <depthwise_weight_policy P>
struct tap_block {
  std::int32_t first_row, first_tap;

  template <class T, class S>
  TILERY_SIMT tap_block(const depthwise_weight_params<T, S>& p, int group) {
    const int across = pieces(p.taps[2], P.width), row = across == 1 ? group : group / across;
    first_row = row * P.tap_rows;
    first_tap = (group - row * across) * P.width;
  }
  /// True if tap t of row r of the block exists.
  template <class Params>
  TILERY_SIMT bool has(const Params& p, int r, int t) const {
    return first_row + r < p.taps[0] * p.taps[1] && first_tap + t < p.taps[2];
  }
  /// The number of this tap in the filter.
  template <class Params>
  TILERY_SIMT int number(const Params& p, int r, int t) const {
    return (first_row + r) * p.taps[2] + first_tap + t;
  }
};

/// Adds the products of a strip of pixels of dy with the pixels of x that a block of taps reads, for N channels from
/// `channel` on. If Whole is false, only the first `inside` channels exist.
///
/// Unused sums. Taps of the block that do not exist read pixels, too, and are never stored.
template <depthwise_weight_policy P, bool Whole, class Lane, class T, class S, int N>
TILERY_SIMT void add_strip(Lane lane, const depthwise_weight_params<T, S>& p, const tap_block<P>& taps,
                           const strip_place& place, int channel, int inside, pack<S, N> (&sums)[P.tap_rows][P.width],
                           where at = {}) {
  [[maybe_unused]] const auto step = lane.step("multiply a strip", at);
  constexpr int strip = P.strip;
  constexpr bool on_cpu = P.lowest == arch::cpu;
  const auto& dy = p.gradient;
  const auto from = dy.data + (place.image * dy.image_stride + place.z * dy.strides[0] + place.y * dy.strides[1] +
                               place.first * dy.strides[2] + channel * dy.channel_stride);
  const int pixels = dy.extents[2] - place.first;  // of the strip; strip or more: all
  pack<S, N> gradients[strip];
  TILERY_UNROLL
  for (int i = 0; i < strip; ++i) {
    gradients[i] = splat<N>(S(0));
    if (i < pixels) gradients[i] = load_channels<S, N, Whole>(lane, from + i * dy.strides[2], inside);
  }
  const int input = N == 1 ? p.multiplier.quotient(channel) : channel;
  const auto image = p.x.data + (place.image * p.x.image_stride + input * p.x.channel_stride);
  const bool neighbours = p.walk[2].step == 1 && p.walk[2].tap_step == 1 && pixels >= strip;
  const int begin = place.first * p.walk[2].step + p.walk[2].origin + taps.first_tap * p.walk[2].tap_step;
  TILERY_UNROLL
  for (int r = 0; r < P.tap_rows; ++r) {
    const int row = taps.first_row + r;
    if (row >= p.taps[0] * p.taps[1]) continue;
    const int tap_z = p.taps[0] == 1 ? 0 : row / p.taps[1], tap_y = row - tap_z * p.taps[1];
    const int z = place.z * p.walk[0].step + p.walk[0].origin + tap_z * p.walk[0].tap_step;
    const int y = place.y * p.walk[1].step + p.walk[1].origin + tap_y * p.walk[1].tap_step;
    if (!is_inside(z, p.x.extents[0]) || !is_inside(y, p.x.extents[1])) continue;
    const auto x = image + (z * p.x.strides[0] + y * p.x.strides[1] + begin * p.x.strides[2]);
    if (neighbours) lane.operations(fma_unit<S>, strip * P.width * N);
    const auto add = [&](const pack<S, N>& pixel, int j) {
      TILERY_UNROLL
      for (int t = 0; t < P.width; ++t)
        if (j - t >= 0 && j - t < strip) sums[r][t] = fma(pixel, gradients[j - t], sums[r][t]);
    };
    if (on_cpu && neighbours && begin >= 0 && begin + strip + P.width - 1 <= p.x.extents[2]) {
      TILERY_UNROLL
      for (int j = 0; j < strip + P.width - 1; ++j)
        add(load_channels<S, N, Whole>(lane, x + j * p.x.strides[2], inside), j);
    } else if (neighbours) {
      TILERY_UNROLL
      for (int j = 0; j < strip + P.width - 1; ++j) {
        auto pixel = splat<N>(S(0));
        if (is_inside(begin + j, p.x.extents[2]))
          pixel = load_channels<S, N, Whole>(lane, x + j * p.x.strides[2], inside);
        add(pixel, j);
      }
    } else {
      // Any stride and dilation, and the last strip of a row: a product with a pixel of dy that does not exist would
      // make a NaN of an infinite pixel of x.
      TILERY_UNROLL
      for (int i = 0; i < strip; ++i) {
        if (i >= pixels) break;
        TILERY_UNROLL
        for (int t = 0; t < P.width; ++t) {
          const int offset = i * p.walk[2].step + t * p.walk[2].tap_step;
          if (!is_inside(begin + offset, p.x.extents[2])) continue;
          sums[r][t] =
              fma(load_channels<S, N, Whole>(lane, x + offset * p.x.strides[2], inside), gradients[i], sums[r][t]);
          lane.operations(fma_unit<S>, N);
        }
      }
    }
  }
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
