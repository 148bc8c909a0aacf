// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A group of lanes that shares a row: it finds its rows, and reduces one value of each lane to one value that all its
// lanes receive. Reductions run in a fixed order, so that results have the same bits each time.
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The group to which a lane belongs under row_policy P.
template <auto P, class Lane>
struct row_group {
  static constexpr int lanes = Lane::is_whole_block ? 1 : P.lanes_a_row;
  static constexpr int groups = Lane::is_whole_block ? 1 : P.threads / P.lanes_a_row;

  Lane lane;

  TILERY_SIMT int rank() const { return lane.rank() % lanes; }
  /// The group has row first_row(), then every `groups`-th row below end_row(rows).
  TILERY_SIMT int first_row() const { return lane.block().x * P.rows + lane.rank() / lanes; }
  TILERY_SIMT int end_row(int rows) const {
    const int end = (lane.block().x + 1) * P.rows;
    return end < rows ? end : rows;
  }

  /// Reduces the values of all lanes of the group with f; all its lanes receive the result. `slots` must have one value
  /// for each warp.
  template <class T, class F, int N>
  TILERY_SIMT T reduce(T value, F f, shared_array<T, N>& slots, where at = {}) const {
    [[maybe_unused]] const auto step = lane.step("reduce over lanes", at);
    TILERY_UNROLL
    for (int mask = Lane::warp_size / 2; mask > 0; mask /= 2) value = f(value, lane.shuffle_xor(value, mask));
    if constexpr (lanes > Lane::warp_size) {
      if (lane.warp_rank() == 0) lane.store(slots.at(lane.warp()), value);
      lane.sync_block();
      value = lane.load(slots.at(0));
      for (int warp = 1; warp < lanes / Lane::warp_size; ++warp) value = f(value, lane.load(slots.at(warp)));
      lane.sync_block();  // all lanes have read the slots, which may be reused
    }
    return value;
  }
};

/// Shared memory for the reductions under row_policy P.
template <auto P, class T>
struct row_slots {
  static constexpr int warps = P.threads > 32 ? P.threads / 32 : 1;
  shared_array<T, warps> values;
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
