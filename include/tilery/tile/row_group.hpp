// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A group of lanes that shares a row of a matrix. It gives the group's rows, and reduces one value of each lane to one
// value that all lanes of the group receive. Reductions run in a fixed order, so that results have the same bits each
// time.
#pragma once
#pragma GCC system_header

#include <tilery/core/convert.hpp>
#include <tilery/simt/memory.hpp>

namespace tilery::inline TILERY_ABI {

namespace tile {

/// The group to which `lane` belongs under row_policy P: P.lanes_a_row lanes on a GPU, the only lane of the block on
/// the CPU.
template <auto P, class Lane>
struct row_group {
  static constexpr int lanes = Lane::is_whole_block ? 1 : P.lanes_a_row;
  static constexpr int groups = Lane::is_whole_block ? 1 : P.threads / P.lanes_a_row;  // of a block

  Lane lane;

  /// The rank of the lane in its group.
  TILERY_SIMT int rank() const { return lane.rank() % lanes; }
  /// The group has row first_row(), then every `groups`-th row below end_row(rows). `rows` is the number of rows of the
  /// matrix. A block computes P.rows of them, the last block perhaps fewer.
  TILERY_SIMT int first_row() const { return lane.block().x * P.rows + lane.rank() / lanes; }
  TILERY_SIMT int end_row(int rows) const {
    const int end = (lane.block().x + 1) * P.rows;
    return end < rows ? end : rows;
  }

  /// Reduces the values of all lanes of the group with f. All lanes of the group call this function and receive the
  /// result. `slots` is shared memory with one element for each warp (row_slots); it is used only if a group has more
  /// than one warp.
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
      lane.sync_block();  // all lanes have read the slots: they may be reused
    }
    return value;
  }
};

/// Shared memory for the reductions of a block under row_policy P: one value for each warp.
template <auto P, class T>
struct row_slots {
  static constexpr int warps = P.threads > 32 ? P.threads / 32 : 1;
  shared_array<T, warps> values;
};

}  // namespace tile

}  // namespace tilery::inline TILERY_ABI
