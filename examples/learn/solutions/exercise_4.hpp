// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Solution 4: the next round's store must not come before the neighbour has read this round's value. Within a warp,
// sync_warp is enough, and cheaper than a barrier of the block.
#pragma once

#include "learn/exercise.hpp"

namespace learn::solutions {

struct exercise_4 {
  static constexpr const char* name = "prefix_sums";
  static constexpr int threads = 64;
  static constexpr bool allows_one_lane = false;
  static constexpr int warps = threads / 32;
  struct shared {
    shared_array<float, threads> values;
    void members(auto name) { name("values", values); }  // for reports
  };
  static index3 blocks(const exercise_params& p) { return {pieces(p.x.rows, warps)}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const exercise_params& p, shared& smem) {
    const int row = lane.block().x * warps + lane.warp(), column = lane.warp_rank();
    if (row >= p.x.rows) return;  // the whole warp
    float value = lane.load(p.x.at(row, column));
    for (int distance = 1; distance < 32; distance *= 2) {
      lane.store(smem.values.at(lane.rank()), value);
      lane.sync_warp();
      if (column >= distance) value += lane.load(smem.values.at(lane.rank() - distance));
      lane.sync_warp();
    }
    lane.store(p.y.at(row, column), value);
  }
};

}  // namespace learn::solutions
