// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The weight gradient of a depthwise convolution: each tap of each filter is a sum over the pixels of all images. The
// strips of pixels are cut into slices. A block adds up one slice, for some channels and some taps: a lane keeps the
// sums of its taps in registers over all its strips, then the block adds the sums of its lanes in a fixed order, and
// stores them. The next kernel (depthwise_totals.hpp) adds up the slices. This is the GPUs' kernel; the CPU's is
// cpu_depthwise_weight.hpp.
#pragma once
#pragma GCC system_header

#include <tilery/core/broken_policy.hpp>
#include <tilery/kernels/conv/depthwise_weight_params.hpp>
#include <tilery/policies/depthwise.hpp>
#include <tilery/simt/kernel.hpp>
#include <tilery/tile/channel_pack.hpp>

namespace tilery::inline TILERY_ABI {

/// T: the elements of x and dy; S: the accumulation type.
template <depthwise_weight_policy P, class T, class S>
struct depthwise_weight {
  static_assert(keeps_rules<P>(), "the policy breaks a rule");
  static constexpr const char* name = "depthwise_weight_gradient";
  static constexpr int threads = P.threads;
  static constexpr bool allows_one_lane = false;
  static constexpr arch lowest = P.lowest;
  using params = depthwise_weight_params<T, S>;
  struct shared {
    shared_array<S, 2 * P.pixel_lanes() * P.channels()> sums;  // (buffer, pixel lane, channel)
  };

  /// Returns the number of blocks. The blocks of all channels and taps of one slice are neighbours.
  static std::int64_t block_count(const params& p) {
    return std::int64_t{pieces(p.filters, P.channels())} * p.tap_groups(P) * p.slices;
  }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const params& p, shared& smem) {
    const int channels = pieces(p.filters, P.channels()), groups = p.tap_groups(P);
    const int number = lane.block().x / channels, slice = number / groups;
    const int column = lane.rank() % P.channel_lanes * vector;
    const int channel = (lane.block().x - number * channels) * P.channels() + column;
    const int pixel_lane = lane.rank() / P.channel_lanes;
    const tile::tap_block<P> taps(p, number - slice * groups);

    pack<S, vector> sums[P.tap_rows][P.width];
    TILERY_UNROLL
    for (int r = 0; r < P.tap_rows; ++r) {
      TILERY_UNROLL
      for (int t = 0; t < P.width; ++t) sums[r][t] = splat<vector>(S(0));
    }
    if (channel < p.filters) {
      const int end = p.slice_end(slice);
      TILERY_ROLLED
      for (int strip = p.slice_begin(slice) + pixel_lane; strip < end; strip += P.pixel_lanes()) {
        const tile::strip_place place = p.grid.at(strip);
        if (place.y < p.gradient.extents[1]) tile::add_strip<P, true>(lane, p, taps, place, channel, vector, sums);
      }
    }
    TILERY_UNROLL
    for (int r = 0; r < P.tap_rows; ++r) {
      TILERY_UNROLL
      for (int t = 0; t < P.width; ++t)
        store_total(lane, p, taps, smem, slice, r, t, channel, column, pixel_lane, sums[r][t]);
    }
  }

private:
  static constexpr int vector = P.vector;

  /// Adds up the block's sums of one tap, in the order of the pixel lanes, and stores the result. Two buffers and one
  /// barrier for each tap: the buffer of the next tap but one is written after everybody has passed the next barrier.
  template <class Lane>
  TILERY_SIMT static void store_total(Lane lane, const params& p, const tile::tap_block<P>& taps, shared& smem,
                                      int slice, int r, int t, int channel, int column, int pixel_lane,
                                      const pack<S, vector>& mine, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("add the lanes' sums", at);
    const int tap = r * P.width + t;
    const int buffer = tap % 2 * P.pixel_lanes() * P.channels();
    lane.store(smem.sums.at(buffer + pixel_lane * P.channels() + column), mine);
    lane.sync_block();
    // Another lane for each tap: while it adds, the others go on.
    if (pixel_lane != tap % P.pixel_lanes() || channel >= p.filters || !taps.has(p, r, t)) return;
    auto total = lane.load(smem.sums.at(buffer + column), width<vector>);
    TILERY_ROLLED
    for (int other = 1; other < P.pixel_lanes(); ++other)
      total = total + lane.load(smem.sums.at(buffer + other * P.channels() + column), width<vector>);
    lane.store(p.sums_at(slice, taps.number(p, r, t), channel), total);
  }
};

}  // namespace tilery::inline TILERY_ABI
