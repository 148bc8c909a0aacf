// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Softmax, step 2: a block computes one row.
//
// Neighbouring lanes read neighbouring elements, so a request of a warp is four sectors instead of 32. The price: the
// maximum and the sum are spread over 256 lanes now and have to be brought together. `reduce_block` does it in two
// steps: five shuffles combine the 32 lanes of a warp (each exchanges with the lane 16, 8, 4, 2, 1 away), and a word of
// shared memory for each warp, with one barrier, combines the eight warps.
#pragma once

#include "block_reduction.hpp"
#include "softmax_problem.hpp"

namespace learn {

struct softmax_row_per_block {
  static constexpr const char* name = "softmax_2_row_per_block";
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

    float most = -__builtin_inff();
    for (int c = lane.rank(); c < p.x.columns; c += threads) most = larger{}(most, lane.load(p.x.at(row, c)));
    most = reduce_block(lane, smem.maxima, larger{}, most);

    float sum = 0;
    for (int c = lane.rank(); c < p.x.columns; c += threads) sum += math::exp{}(lane.load(p.x.at(row, c)) - most);
    sum = reduce_block(lane, smem.sums, plus{}, sum);

    for (int c = lane.rank(); c < p.x.columns; c += threads) {
      const float x = lane.load(p.x.at(row, c));
      lane.store(p.y.at(row, c), math::exp{}(x - most) / sum);
    }
  }
};

}  // namespace learn
