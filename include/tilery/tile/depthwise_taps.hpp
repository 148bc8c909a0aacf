// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The taps of a depthwise filter as a kernel reads them: a pack of channels for each tap. In memory the taps of a
// filter are usually neighbours, so the elements of a pack are far apart. A GPU's block copies the filters of its
// channels to shared memory, tap after tap; the CPU reads a filter that the op has packed in this order.
#pragma once
#pragma GCC system_header

#include <tilery/policies/depthwise.hpp>
#include <tilery/simt/kernel.hpp>
#include <tilery/simt/step.hpp>
#include <tilery/tile/depthwise_walk.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// One row of a filter's taps along the width: the number of its first tap, and that tap's offset in memory.
struct tap_row {
  std::int32_t number;
  std::int64_t offset;
};

/// The shared memory of a block: (tap, channel). Empty on the CPU.
template <depthwise_policy P, class T>
struct staged_taps {
  shared_array<T, P.shared_bytes(sizeof(T)) / static_cast<int>(sizeof(T))> filter;
};
template <depthwise_policy P, class T>
requires(P.lowest == arch::cpu || P.staged_taps == 0) struct staged_taps<P, T> {
};

/// Copies the filters `first` to first + P.channels() - 1 to shared memory, if the op has asked for it (is_staged), and
/// waits for them. All lanes of a block call it. Neighbouring lanes read neighbouring taps of a filter.
template <depthwise_policy P, class Lane, class T, class S>
TILERY_SIMT void stage_taps(Lane lane, const depthwise_filter<T, S>& from, int first, int filters,
                            staged_taps<P, T>& to, where at = {}) {
  if constexpr (P.lowest != arch::cpu && P.staged_taps > 0) {
    if (!from.is_staged) return;
    [[maybe_unused]] const auto step = lane.step("stage the filter", at);
    const int taps = from.taps.volume.value;
    const int count = lesser(P.channels(), filters - first) * taps;
    for (int i = lane.rank(); i < count; i += P.threads) {
      const pixel_place tap = from.taps.of(i);  // its image is the filter
      const std::int64_t offset = (first + tap.image) * from.filters.image_stride +
                                  tap.at[0] * from.filters.strides[0] + tap.at[1] * from.filters.strides[1] +
                                  tap.at[2] * from.filters.strides[2];
      lane.store(to.filter.at((i - tap.image * taps) * P.tap_pitch() + tap.image),
                 lane.load(from.filters.data + offset));
    }
    lane.sync_block();
  }
}

/// Loads tap number `x` of a row for N filters from `filter` on; `column` is the number of `filter` among the block's
/// filters.
template <depthwise_policy P, int N, class Lane, class T, class S>
TILERY_SIMT pack<S, N> load_tap(Lane lane, const depthwise_filter<T, S>& from, [[maybe_unused]] staged_taps<P, T>& smem,
                                const tap_row& row, int x, int filter, [[maybe_unused]] int column) {
  if constexpr (P.lowest == arch::cpu) {
    return lane.load(from.packed + ((row.number + x) * from.pitch + filter), width<N>);
  } else {
    if constexpr (P.staged_taps > 0)
      if (from.is_staged)
        return convert<S>(lane.load(smem.filter.at((row.number + x) * P.tap_pitch() + column), width<N>));
    pack<S, N> taps;
    const auto first =
        from.filters.data + (filter * from.filters.image_stride + row.offset + x * from.filters.strides[2]);
    TILERY_UNROLL_ON_GPU
    for (int e = 0; e < N; ++e) taps.set(e, convert<S>(lane.load(first + e * from.filters.image_stride)));
    return taps;
  }
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
