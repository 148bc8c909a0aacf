// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM, step 4: a lane computes 4 x 4 elements of C in registers.
//
// Step 3 read two words of shared memory for one multiply-add. With 4 words of A and 4 of B a lane can do 16, because
// each word meets four of the other side: half a word for each. The tile of a block grows to 64 x 64 with only 256
// lanes, so that global memory hands out half as much, too. A lane's rows and columns are 16 apart, which keeps the
// words that a warp reads at one time in different banks.
#pragma once

#include "gemm_problem.hpp"

namespace learn {

struct gemm_register_tile {
  static constexpr const char* name = "gemm_4_register_tile";
  static constexpr int tile = 64, depth = 16, side = 16, of_lane = tile / side, threads = side * side;
  static constexpr bool allows_one_lane = false;
  struct shared {
    shared_array<float, tile * depth> a;                     // (row, k)
    shared_array<float, depth * tile> b;                     // (k, column)
    void members(auto name) { name("a", a), name("b", b); }  // for reports
  };
  static index3 blocks(const gemm_params& p) { return {pieces(p.c.columns, tile), pieces(p.c.rows, tile)}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const gemm_params& p, shared& smem) {
    const int first_row = lane.block().y * tile, first_column = lane.block().x * tile;
    float sums[of_lane][of_lane] = {};
    for (int first = 0; first < p.a.columns; first += depth) {
      fetch(lane, p, smem, first_row, first_column, first);
      lane.sync_block();
      multiply(lane, smem, sums);
      lane.sync_block();
    }
    TILERY_UNROLL
    for (int i = 0; i < of_lane; ++i) {
      TILERY_UNROLL
      for (int j = 0; j < of_lane; ++j) {
        const int row = first_row + lane.rank() / side + i * side,
                  column = first_column + lane.rank() % side + j * side;
        if (row < p.c.rows && column < p.c.columns) lane.store(p.c.at(row, column), sums[i][j]);
      }
    }
  }

private:
  template <class Lane>
  TILERY_SIMT static void fetch(Lane lane, const gemm_params& p, shared& smem, int first_row, int first_column,
                                int first, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("fetch the tiles", at);
    TILERY_UNROLL
    for (int i = lane.rank(); i < tile * depth; i += threads) {
      const int row = first_row + i / depth, k = first + i % depth;
      lane.store(smem.a.at(i), row < p.a.rows && k < p.a.columns ? lane.load(p.a.at(row, k)) : 0.0f);
    }
    TILERY_UNROLL
    for (int i = lane.rank(); i < depth * tile; i += threads) {
      const int k = first + i / tile, column = first_column + i % tile;
      lane.store(smem.b.at(i), k < p.b.rows && column < p.b.columns ? lane.load(p.b.at(k, column)) : 0.0f);
    }
  }

  template <class Lane>
  TILERY_SIMT static void multiply(Lane lane, shared& smem, float (&sums)[of_lane][of_lane], where at = {}) {
    [[maybe_unused]] const auto step = lane.step("multiply the tiles", at);
    const int y = lane.rank() / side, x = lane.rank() % side;
    TILERY_UNROLL
    for (int k = 0; k < depth; ++k) {
      float a[of_lane], b[of_lane];
      TILERY_UNROLL
      for (int i = 0; i < of_lane; ++i) a[i] = lane.load(smem.a.at((y + i * side) * depth + k));
      TILERY_UNROLL
      for (int j = 0; j < of_lane; ++j) b[j] = lane.load(smem.b.at(k * tile + x + j * side));
      TILERY_UNROLL
      for (int i = 0; i < of_lane; ++i) {
        TILERY_UNROLL
        for (int j = 0; j < of_lane; ++j) sums[i][j] += a[i] * b[j];
      }
    }
  }
};

}  // namespace learn
