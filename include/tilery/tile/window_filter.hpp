// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Copies the filters of a block of a window kernel (policies/conv_window.hpp) to shared memory. Shared memory holds
// every column of them (a tap and a channel) for as long as the block runs.
#pragma once
#pragma GCC system_header

#include <tilery/tile/pixel_panel.hpp>
#include <tilery/tile/pixel_window.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// Calls store(k, n, value) for column k < `columns` of filter `first` + n, n < P.filters. Columns that pad a row of
/// taps, columns from from.columns() on, and filters that do not exist are 0. KLanes lanes with neighbouring ranks load
/// neighbouring columns, which are neighbours in memory.
template <conv_window_policy P, int KLanes, int Threads, class Lane, class T, class Store>
TILERY_SIMT void stage_filter(Lane lane, const window_images<T>& from, const pixel_panel<T>& filters, int first,
                              int columns, Store store, where at = {}) {
  [[maybe_unused]] const auto step = lane.step("load the filters", at);
  constexpr int n_lanes = Threads / KLanes;
  const auto& w = filters.images;
  TILERY_ROLLED
  for (int k = lane.rank() % KLanes; k < columns; k += KLanes) {
    const window_column c = from.column(k);
    const bool exists = c.exists && k < from.columns();
    std::int64_t offset = c.channel * w.channel_stride;
    TILERY_UNROLL_ON_GPU
    for (int d = 0; d < 3; ++d) offset += (filters.walk[d].origin + c.tap[d] * filters.walk[d].tap_step) * w.strides[d];
    TILERY_UNROLL_ON_GPU
    for (int i = 0; i < pieces(P.filters, n_lanes); ++i) {
      const int n = lane.rank() / KLanes + i * n_lanes;
      if (P.filters % n_lanes != 0 && n >= P.filters) break;
      T value = convert<T>(0.0f);
      if (exists && first + n < filters.outer) value = lane.load(w.data + ((first + n) * w.image_stride + offset));
      store(k, n, value);
    }
  }
}

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
