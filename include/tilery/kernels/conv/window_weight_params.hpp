// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The common parts of the two kernels that compute the weight gradient from windows: their parameters, a block's part
// of the work, and the copy of dy's tile to shared memory.
#pragma once
#pragma GCC system_header

#include <tilery/tile/pixel_window.hpp>

namespace tilery::inline TILERY_ABI {

/// Sums (slice, column, filter): for each slice of the tiles, the products of dy and of what the column's tap reads of
/// x. T is the element type of x and dy, and S the accumulation type.
template <class T, class S>
struct window_weight_params {
  window_images<T> x;             // x.step is the number of slices: slice i has the tiles i, i + step, ...
  gmem_images<const T> gradient;  // dy
  std::int32_t filters;
  bool in_packs;  // the channels of dy are whole packs of 16 bytes at aligned addresses
  bool flipped;
  gmem_ptr<S> sums{nullptr};  // (slice, column, filter)
  std::int64_t pitch = 0;     // elements from one column to the next, `filters` rounded up to whole packs

  /// The address of the sum of a filter, and its neighbours.
  TILERY_SIMT gmem_ptr<S> sums_at(int slice, int column, int filter) const {
    return sums + ((std::int64_t{slice} * x.columns() + column) * pitch + filter);
  }
  /// The offset in a window of column k of dw.
  TILERY_SIMT int offset(int k) const {
    window_column c = x.column(k);
    if (flipped) {
      TILERY_UNROLL_ON_GPU
      for (int d = 0; d < 3; ++d) c.tap[d] = x.taps[d] - 1 - c.tap[d];
    }
    return x.offset(c);
  }
};

namespace tile {

/// A block's part of a weight gradient: its slice, and its first filter and column. The blocks of one slice are
/// neighbours.
struct window_share {
  std::int32_t slice, filter, column;

  template <class Params>
  TILERY_SIMT window_share(const conv_window_policy& policy, const Params& p, int block) {
    const int across = pieces(p.x.columns(), policy.columns), down = pieces(p.filters, policy.filters);
    const int row = block / across;
    column = (block - row * across) * policy.columns;
    slice = row / down;
    filter = (row - slice * down) * policy.filters;
  }
};

/// Loads dy for the pixels of a tile and P.filters filters from `first` on, and calls store(pixel, filter, pack) for
/// each pack of Pack elements, where `filter` counts from `first`. Pixels and filters that do not exist are 0.
template <conv_window_policy P, int Pack, int Threads, class Lane, class Params, class Store>
TILERY_SIMT void load_gradient(Lane lane, const Params& p, const window_tile& t, int first, Store store,
                               where at = {}) {
  [[maybe_unused]] const auto step = lane.step("load the gradient", at);
  using T = std::remove_const_t<typename decltype(p.gradient.data)::element_type>;
  constexpr int packs = P.filters / Pack, all = P.pixels * packs;  // packs of a pixel, of the tile
  constexpr int together = pieces(all, Threads) % 4 == 0 ? 4 : 1;  // packs in flight
  const auto& dy = p.gradient;
  const auto from = dy.data + (t.image * dy.image_stride + t.z * dy.strides[0]);
  TILERY_ROLLED
  for (int number = lane.rank(); number < all; number += together * Threads) {
    pack<T, Pack> held[together];
    TILERY_UNROLL
    for (int i = 0; i < together; ++i) {
      held[i] = splat<Pack>(convert<T>(0.0f));
      const int pixel = (number + i * Threads) / packs, filter = first + (number + i * Threads) % packs * Pack;
      const int y = t.y + (pixel >> p.x.width_bits), x = t.x + (pixel & ((1 << p.x.width_bits) - 1));
      if ((all % (together * Threads) != 0 && number + i * Threads >= all) || y >= p.x.out[1] || x >= p.x.out[2])
        continue;
      const auto source = from + (y * dy.strides[1] + x * dy.strides[2] + filter * dy.channel_stride);
      if (p.in_packs) {
        if (filter < p.filters) held[i] = lane.load(source, width<Pack>);
      } else {
        TILERY_UNROLL_ON_GPU
        for (int e = 0; e < Pack; ++e)
          if (filter + e < p.filters) held[i].set(e, lane.load(source + e * dy.channel_stride));
      }
    }
    TILERY_UNROLL
    for (int i = 0; i < together; ++i) {
      const int n = number + i * Threads;
      if (all % (together * Threads) == 0 || n < all) store(n / packs, n % packs * Pack, held[i]);
    }
  }
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
