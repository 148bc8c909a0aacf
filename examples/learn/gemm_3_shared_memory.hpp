// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM, step 3: a block fetches a tile once and keeps it in shared memory.
//
// The 1024 lanes of a block need the same 32 rows of A and 32 columns of B. So they fetch, together, 32 x 32 of each,
// and every element is used 32 times from there: global memory has 32 times less to hand out. Two barriers make it
// right: nobody reads before all have written, and nobody overwrites what another still reads. Edges are predicated: a
// lane outside brings a zero and goes on, because all lanes must come to the barriers.
// Shared memory is the bottleneck now: two passes through its banks for each multiply-add of a warp. The lower bound
// does not fall yet, because it takes L1 for a cache that never misses; step 4 is what turns the saved traffic into
// speed.
#pragma once

#include "gemm_problem.hpp"

namespace learn {

struct gemm_shared_memory {
  static constexpr const char* name = "gemm_3_shared_memory";
  static constexpr int tile = 32, threads = tile * tile;
  static constexpr bool allows_one_lane = false;
  struct shared {
    shared_array<float, tile * tile> a;                      // (row, k)
    shared_array<float, tile * tile> b;                      // (k, column)
    void members(auto name) { name("a", a), name("b", b); }  // for reports
  };
  static index3 blocks(const gemm_params& p) { return {pieces(p.c.columns, tile), pieces(p.c.rows, tile)}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const gemm_params& p, shared& smem) {
    const int y = lane.rank() / tile, x = lane.rank() % tile;
    const int row = lane.block().y * tile + y, column = lane.block().x * tile + x;

    float sum = 0;
    for (int first = 0; first < p.a.columns; first += tile) {
      fetch(lane, p, smem, row, column, first);
      lane.sync_block();  // the tiles are complete
      sum += multiply(lane, smem, y, x);
      lane.sync_block();  // nobody needs them any more
    }
    if (row < p.c.rows && column < p.c.columns) lane.store(p.c.at(row, column), sum);
  }

private:
  /// Columns [first, first + 32) of A and the same rows of B; a lane brings one element of each.
  template <class Lane>
  TILERY_SIMT static void fetch(Lane lane, const gemm_params& p, shared& smem, int row, int column, int first,
                                where at = {}) {
    [[maybe_unused]] const auto step = lane.step("fetch the tiles", at);
    const int k_of_a = first + lane.rank() % tile, k_of_b = first + lane.rank() / tile;
    float a = 0, b = 0;
    if (row < p.a.rows && k_of_a < p.a.columns) a = lane.load(p.a.at(row, k_of_a));
    if (k_of_b < p.b.rows && column < p.b.columns) b = lane.load(p.b.at(k_of_b, column));
    lane.store(smem.a.at(lane.rank()), a);
    lane.store(smem.b.at(lane.rank()), b);
  }

  template <class Lane>
  TILERY_SIMT static float multiply(Lane lane, shared& smem, int y, int x, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("multiply the tiles", at);
    float sum = 0;
    TILERY_UNROLL
    for (int k = 0; k < tile; ++k) {
      const float a = lane.load(smem.a.at(y * tile + k));  // one word for the whole warp: a broadcast
      const float b = lane.load(smem.b.at(k * tile + x));  // 32 neighbours: 32 banks
      sum += a * b;
    }
    return sum;
  }
};

}  // namespace learn
