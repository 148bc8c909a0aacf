// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CPU's kernel for the weight gradient of a depthwise convolution. A share of the work is one slice of the strips
// for a few packs of channels. For each row of pixels and each block of taps, the sums are loaded from the workspace,
// kept in registers along the row, and stored again: the rows of x that the taps reach stay in the L1 cache.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/conv/depthwise_weight_params.hpp>
#include <tilery/simt/cpu_lane.hpp>

namespace tilery::inline TILERY_ABI {

/// T: the elements of x and dy; S: the accumulation type.
template <depthwise_weight_policy P, class T, class S>
class cpu_depthwise_weight {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  static_assert(P.rows == 1, "the strips of a row of pixels must have consecutive numbers");

public:
  using params = depthwise_weight_params<T, S>;

  /// The number of shares. Their sums do not depend on the number of threads.
  static std::int64_t shares(const params& p) { return std::int64_t{pieces(p.filters, P.channels())} * p.slices; }

  static void run(const params& given, std::int64_t share) {
    const params p = given;  // a copy that no store can alias: its members stay in registers
    const int tiles = pieces(p.filters, P.channels()), slice = static_cast<int>(share / tiles);
    const int first = static_cast<int>(share % tiles) * P.channels();
    const int channels = lesser(P.channels(), p.filters - first), whole = channels / vector * vector;
    for (int tap = 0; tap < p.all_taps(); ++tap)
      for (int channel = first; channel < first + channels; channel += vector)
        lane.store(p.sums_at(slice, tap, channel), splat<vector>(S(0)));
    // Row after row, so that memory is read from end to end.
    const int strips = p.grid.strips_x.value, groups = p.tap_groups(P), end = p.slice_end(slice);
    for (int strip = p.slice_begin(slice), row_end; strip < end; strip = row_end) {
      row_end = lesser((strip / strips + 1) * strips, end);
      for (int channel = first; channel < first + whole; channel += vector)
        for (int group = 0; group < groups; ++group) add_row<true>(p, slice, channel, group, strip, row_end);
      if (whole < channels)
        for (int group = 0; group < groups; ++group) add_row<false>(p, slice, first + whole, group, strip, row_end);
    }
  }

private:
  static constexpr int vector = P.vector;
  static constexpr cpu_lane lane{{0, 0, 0}, {1, 1, 1}};

  /// Adds the products of the strips [begin, end) of a row to the sums of a block of taps.
  template <bool Whole>
  static void add_row(const params& p, int slice, int channel, int group, int begin, int end) {
    const tile::tap_block<P> taps(p, group);
    pack<S, vector> sums[P.tap_rows][P.width];
    TILERY_UNROLL
    for (int r = 0; r < P.tap_rows; ++r) {
      TILERY_UNROLL
      for (int t = 0; t < P.width; ++t)
        sums[r][t] = taps.has(p, r, t) ? lane.load(p.sums_at(slice, taps.number(p, r, t), channel), width<vector>)
                                       : splat<vector>(S(0));
    }
    tile::strip_place place = p.grid.at(begin);
    for (int strip = begin; strip < end; ++strip, place.first += P.strip) {
      if (group == 0) prefetch_below(p, place, channel);
      tile::add_strip<P, Whole>(lane, p, taps, place, channel, p.filters - channel, sums);
    }
    TILERY_UNROLL
    for (int r = 0; r < P.tap_rows; ++r) {
      TILERY_UNROLL
      for (int t = 0; t < P.width; ++t)
        if (taps.has(p, r, t)) lane.store(p.sums_at(slice, taps.number(p, r, t), channel), sums[r][t]);
    }
  }

  /// Prefetches what the strip below this one reads first, as the kernel of the forward pass does (depthwise.hpp).
  TILERY_SIMT static void prefetch_below(const params& p, const tile::strip_place& place, int channel) {
    const auto &x = p.x, &dy = p.gradient;
    if (place.y + 1 >= dy.extents[1]) return;
    const auto of_dy = dy.data + (place.image * dy.image_stride + place.z * dy.strides[0] +
                                  (place.y + 1) * dy.strides[1] + channel * dy.channel_stride);
    TILERY_UNROLL
    for (int i = 0; i < P.strip; ++i)
      if (place.first + i < dy.extents[2]) __builtin_prefetch((of_dy + (place.first + i) * dy.strides[2]).raw());
    const int input = vector == 1 ? p.multiplier.quotient(channel) : channel;
    const int z = place.z * p.walk[0].step + p.walk[0].origin, first = place.first * p.walk[2].step + p.walk[2].origin;
    const int y = place.y * p.walk[1].step + p.walk[1].origin + p.taps[1] * p.walk[1].tap_step;
    if (!tile::is_inside(z, x.extents[0])) return;
    for (int row = y; row < y + p.walk[1].step && row < x.extents[1]; ++row) {
      if (row < 0) continue;
      const auto of_x =
          x.data + (place.image * x.image_stride + z * x.strides[0] + row * x.strides[1] + input * x.channel_stride);
      for (int i = first; i < first + P.strip * p.walk[2].step && i < x.extents[2]; ++i)
        if (i >= 0) __builtin_prefetch((of_x + i * x.strides[2]).raw());
    }
  }
};

}  // namespace tilery::inline TILERY_ABI
