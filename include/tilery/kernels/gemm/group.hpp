// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of a group of GEMMs of different shapes in one launch. They travel with the launch itself: nothing is
// allocated or copied for them, and a captured graph keeps them.
#pragma once
#pragma GCC system_header

#include <tilery/kernels/gemm/params.hpp>

#include <cstring>

namespace tilery::inline TILERY_ABI {

/// Some GEMMs with parameters `One`, which stand one behind the other in the row of all their tiles.
template <class One>
struct gemm_group {
  using a_type = typename One::a_type;
  using b_type = typename One::b_type;
  using c_type = typename One::c_type;
  using accumulator = typename One::accumulator;
  using epilogue_type = epilogue::none;  // each member has its own, and whoever makes the group its totals

  /// GEMMs of one launch: as many as fit what a launch may carry, and leave room.
  static constexpr int most = 24 * 1024 / sizeof(One) < 64 ? static_cast<int>(24 * 1024 / sizeof(One)) : 64;
  static_assert(most >= 1, "gemm_grouped: the epilogue is too large for a launch");

  std::int32_t size = 0;
  std::int32_t first_tile[most + 1];                   // of each, and the number of all tiles
  alignas(One) std::byte members[most * sizeof(One)];  // an epilogue may have no default
  tile::shared_sums<accumulator_t<a_type>> work = {};  // tiles of a group are not shared

  void set(int i, const One& one) { std::memcpy(members + i * sizeof(One), &one, sizeof(One)); }
  TILERY_SIMT const One& member(int i) const { return reinterpret_cast<const One*>(members)[i]; }

  /// The GEMM that has tile `number` of all.
  template <auto P>
  TILERY_SIMT gemm_tile<One> find(int number) const {
    int low = 0, high = size;  // it is one of [low, high)
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      if (first_tile[middle] <= number)
        low = middle;
      else
        high = middle;
    }
    return {member(low), 0, number - first_tile[low]};
  }
};

}  // namespace tilery::inline TILERY_ABI
