// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Softmax, step 3: the maximum and the sum in one walk.
//
// The sum needs the maximum, but not from the start: a lane adds e^(x - m) for the largest m that it has met, and when
// it meets a larger one, it scales its sum by e^(old - new). At the end each lane scales once more, to the maximum of
// the row. One walk less: two reads of the row instead of three, for one more e^x an element. Arithmetic is cheap where
// memory is the bound.
#pragma once

#include "block_reduction.hpp"
#include "softmax_problem.hpp"

namespace learn {

struct softmax_online {
  static constexpr const char* name = "softmax_3_online";
  static constexpr int threads = 256;
  static constexpr bool allows_one_lane = false;
  struct shared {
    of_warps maxima, sums;
    void members(auto name) { name("maxima", maxima), name("sums", sums); }  // for reports
  };
  static index3 blocks(const softmax_params& p) { return {p.x.rows}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const softmax_params& p, shared& smem) {
    const int row = lane.block().x;

    float mine = -__builtin_inff(), sum = 0;
    for (int c = lane.rank(); c < p.x.columns; c += threads) {
      const float x = lane.load(p.x.at(row, c));
      const float before = mine;
      mine = larger{}(mine, x);
      sum = sum * math::exp{}(before - mine) + math::exp{}(x - mine);
    }
    const float most = reduce_block(lane, smem.maxima, larger{}, mine);
    sum = reduce_block(lane, smem.sums, plus{}, sum * math::exp{}(mine - most));

    for (int c = lane.rank(); c < p.x.columns; c += threads) {
      const float x = lane.load(p.x.at(row, c));
      lane.store(p.y.at(row, c), math::exp{}(x - most) / sum);
    }
  }
};

}  // namespace learn
