// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exercise 1: mirror each row.
//
// A block has one row of 256 elements, a lane one element. The row goes through shared memory and comes back in the
// other order. The virtual GPU names two lanes, two lines, and what is missing between them. One line is to be added.
#pragma once

#include "learn/exercise.hpp"

namespace learn::exercises {

struct exercise_1 {
  static constexpr const char* name = "mirror_rows";
  static constexpr int threads = 256;
  static constexpr bool allows_one_lane = false;
  struct shared {
    shared_array<float, threads> row;
    void members(auto name) { name("row", row); }  // for reports
  };
  static index3 blocks(const exercise_params& p) { return {p.x.rows}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const exercise_params& p, shared& smem) {
    const int row = lane.block().x, column = lane.rank();
    const float mine = lane.load(p.x.at(row, column));
    lane.store(smem.row.at(column), mine);
    const float other = lane.load(smem.row.at(threads - 1 - column));
    lane.store(p.y.at(row, column), other);
  }
};

}  // namespace learn::exercises
