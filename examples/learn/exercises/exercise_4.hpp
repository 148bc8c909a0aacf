// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exercise 4: prefix sums of a row of 32.
//
// A warp has one row, a lane one element. In five rounds each lane adds what the lane 1, 2, 4, 8, 16 before it has; the
// values go through shared memory. On old GPUs, where the lanes of a warp marched in step, this was right. Since Volta
// each lane may run ahead, until a sync_warp. One line is to be added.
#pragma once

#include "learn/exercise.hpp"

namespace learn::exercises {

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
    }
    lane.store(p.y.at(row, column), value);
  }
};

}  // namespace learn::exercises
