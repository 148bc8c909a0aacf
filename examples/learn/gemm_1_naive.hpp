// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM, step 1: a lane computes one element of C.
//
// C[row, column] is the sum over k of A[row, k] B[k, column], and nothing else needs to be known. But watch the lanes
// of one warp, 32 neighbours that load at the same time: here they stand below each other, so that each reads another
// row of A. Memory moves in sectors of 32 bytes. Of each sector, the load uses one float of eight: 32 sectors a
// request.
#pragma once

#include "gemm_problem.hpp"

namespace learn {

struct gemm_naive {
  static constexpr const char* name = "gemm_1_naive";
  static constexpr int tile = 32, threads = tile * tile;  // a block computes a tile of C
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;
  static index3 blocks(const gemm_params& p) { return {pieces(p.c.columns, tile), pieces(p.c.rows, tile)}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const gemm_params& p, shared&) {
    const int row = lane.block().y * tile + lane.rank() % tile;
    const int column = lane.block().x * tile + lane.rank() / tile;
    if (row >= p.c.rows || column >= p.c.columns) return;

    float sum = 0;
    for (int k = 0; k < p.a.columns; ++k) {
      const float a = lane.load(p.a.at(row, k));
      const float b = lane.load(p.b.at(k, column));
      sum += a * b;
    }
    lane.store(p.c.at(row, column), sum);
  }
};

}  // namespace learn
