// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Packs the filters of a depthwise convolution for the CPU's kernels, which load a vector of filters for each tap. In
// memory the taps of a filter are usually neighbours, so packing is a transposition: squares of a vector's length are
// transposed in registers. A filter has fewer taps than a vector has elements, so a row of a square also has taps of
// the next filter, which are not stored.
#pragma once
#pragma GCC system_header

#include <tilery/core/transpose.hpp>
#include <tilery/tile/cpu_copy.hpp>
#include <tilery/tile/depthwise_walk.hpp>

namespace tilery::inline TILERY_ABI {

/// Packs filters [first, last) of `count` filters as (tap, filter). The columns are padded with zeros to a multiple of
/// N. `first` is a multiple of N, and `last` too, if it is not `count`.
template <int N, class T, class S>
void pack_filters(const depthwise_filter<T, S>& from, gmem_ptr<S> to, int first, int last, int count) {
  constexpr cpu_lane lane({0, 0, 0}, {1, 1, 1});
  const auto& filters = from.filters;
  const spatial<3>& taps = from.taps.extents;
  const int volume = from.taps.volume.value;
  const auto follows = [&](int d, int stride) { return taps[d] == 1 || filters.strides[d] == stride; };
  const bool dense = follows(2, 1) && follows(1, taps[2]) && follows(0, taps[1] * taps[2]) &&
                     (count == 1 || filters.image_stride == volume);
  if (dense && N > 1) {
    const std::int64_t end = std::int64_t{count} * volume;
    for (int filter = first; filter < last; filter += N) {
      for (int tap = 0; tap < volume; tap += N) {
        pack<S, N> square[N];
        TILERY_UNROLL
        for (int e = 0; e < N; ++e) {
          const std::int64_t at = std::int64_t{filter + e} * volume + tap;
          if (at + N <= end)
            square[e] = convert<S>(lane.load(filters.data + at, width<N>));
          else if (filter + e < last)
            square[e] = tile::load_some<S, N>(lane, filters.data + at, 1, lesser(N, volume - tap));
          else
            square[e] = splat<N>(S(0));
        }
        transpose(square);
        for (int e = 0; e < lesser(N, volume - tap); ++e) lane.store(to + ((tap + e) * from.pitch + filter), square[e]);
      }
    }
    return;
  }
  for (int z = 0; z < taps[0]; ++z)
    for (int y = 0; y < taps[1]; ++y) {
      const auto row = filters.data + (first * filters.image_stride + z * filters.strides[0] + y * filters.strides[1]);
      tile::copy_block<N>(lane,
                          tile::strided_block<const T>{row, filters.strides[2], filters.image_stride, taps[2],
                                                       last - first},
                          to + ((z * taps[1] + y) * taps[2] * from.pitch + first), from.pitch);
    }
}

}  // namespace tilery::inline TILERY_ABI
