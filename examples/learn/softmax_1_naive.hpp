// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Softmax, step 1: a lane computes one row.
//
// Three walks along the row: the maximum (so that no e^x overflows), the sum, the results. A lane is alone with its
// row, which makes it simple, and slow: the 32 lanes of a warp stand in 32 rows, so each load touches 32 sectors of 32
// bytes for 32 floats, and a GPU with thousands of lanes idles where there are a hundred rows.
#pragma once

#include "softmax_problem.hpp"

namespace learn {

struct softmax_naive {
  static constexpr const char* name = "softmax_1_naive";
  static constexpr int threads = 32;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;
  static index3 blocks(const softmax_params& p) { return {pieces(p.x.rows, threads)}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const softmax_params& p, shared&) {
    const int row = lane.block().x * threads + lane.rank();
    if (row >= p.x.rows) return;

    float most = -__builtin_inff();
    for (int c = 0; c < p.x.columns; ++c) most = larger{}(most, lane.load(p.x.at(row, c)));

    float sum = 0;
    for (int c = 0; c < p.x.columns; ++c) sum += math::exp{}(lane.load(p.x.at(row, c)) - most);

    for (int c = 0; c < p.x.columns; ++c) {
      const float x = lane.load(p.x.at(row, c));
      lane.store(p.y.at(row, c), math::exp{}(x - most) / sum);
    }
  }
};

}  // namespace learn
