// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM, step 2: neighbouring lanes read neighbouring elements.
//
// One change: rank % 32 is the column now, not the row. The lanes of a warp stand beside each other in C. They read one
// element of A, which is one sector for all of them, and 32 neighbours in B, which are four sectors used to the last
// byte. What is left to do: each element of A and B is still loaded once for every element of C that needs it.
#pragma once

#include "gemm_problem.hpp"

namespace learn {

struct gemm_coalesced {
  static constexpr const char* name = "gemm_2_coalesced";
  static constexpr int tile = 32, threads = tile * tile;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;
  static index3 blocks(const gemm_params& p) { return {pieces(p.c.columns, tile), pieces(p.c.rows, tile)}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const gemm_params& p, shared&) {
    const int row = lane.block().y * tile + lane.rank() / tile;
    const int column = lane.block().x * tile + lane.rank() % tile;
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
