// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exercise 3: add up each row.
//
// A block of three warps has one row. Each warp adds its lanes' sums by shuffles and puts the result into shared
// memory, from where one load of four words brings all of them. There are three warps. Make it right, and keep the one
// load.
#pragma once

#include "learn/exercise.hpp"

namespace learn::exercises {

struct exercise_3 {
  static constexpr const char* name = "row_sums";
  static constexpr int threads = 96;
  static constexpr bool allows_one_lane = false;
  struct shared {
    shared_array<float, 4> of_warps;
    void members(auto name) { name("of_warps", of_warps); }  // for reports
  };
  static index3 blocks(const exercise_params& p) { return {p.x.rows}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const exercise_params& p, shared& smem) {
    const int row = lane.block().x;
    float mine = 0;
    for (int c = lane.rank(); c < p.x.columns; c += threads) mine += lane.load(p.x.at(row, c));
    for (int mask = Lane::warp_size / 2; mask > 0; mask /= 2) mine += lane.shuffle_xor(mine, mask);
    if (lane.warp_rank() == 0) lane.store(smem.of_warps.at(lane.warp()), mine);
    lane.sync_block();
    if (lane.rank() == 0) lane.store(p.y.at(row, 0), sum(lane.load(smem.of_warps.at(0), width<4>)));
  }
};

}  // namespace learn::exercises
