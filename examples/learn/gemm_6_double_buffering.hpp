// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM, step 6: the next tiles are on their way while these are multiplied.
//
// Global memory answers after some 500 clocks, and until now everybody waited for it between two barriers. With two
// stages of shared memory, the loads of the next tiles begin before the multiplication and their values are put into
// the other stage after it. One barrier a tile is enough: a stage is overwritten only after all have left it. The bytes
// are those of step 5; what the profile shows is half the barriers, and what a GPU shows is the hidden wait.
#pragma once

#include "gemm_5_vector_loads.hpp"

namespace learn {

struct gemm_double_buffering {
  static constexpr const char* name = "gemm_6_double_buffering";
  static constexpr int tile = 64, depth = 16, side = 16, of_lane = tile / side, threads = side * side;
  static constexpr bool allows_one_lane = false;
  using four = pack<float, 4>;
  struct shared {
    gemm_vector_loads::shared stage[2];
  };
  static index3 blocks(const gemm_params& p) { return {pieces(p.c.columns, tile), pieces(p.c.rows, tile)}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const gemm_params& p, shared& smem) {
    const int first_row = lane.block().y * tile, first_column = lane.block().x * tile;
    four sums[of_lane];
    TILERY_UNROLL
    for (int i = 0; i < of_lane; ++i) sums[i] = splat<4>(0.0f);

    on_the_way next = request(lane, p, first_row, first_column, 0);
    put(lane, smem.stage[0], next);
    lane.sync_block();
    int now = 0;
    for (int first = 0; first < p.a.columns; first += depth, now = 1 - now) {
      next = request(lane, p, first_row, first_column, first + depth);  // past the last: nothing but zeros
      gemm_vector_loads::multiply(lane, smem.stage[now], sums);
      put(lane, smem.stage[1 - now], next);
      lane.sync_block();  // the other stage is complete, and this one is free
    }

    const int column = first_column + lane.rank() % side * 4;
    TILERY_UNROLL
    for (int i = 0; i < of_lane; ++i) {
      const int row = first_row + lane.rank() / side + i * side;
      if (row < p.c.rows) store_four(lane, p.c.at(row, column), p.c.columns - column, sums[i]);
    }
  }

private:
  struct on_the_way {
    four a, b;
  };

  template <class Lane>
  TILERY_SIMT static on_the_way request(Lane lane, const gemm_params& p, int first_row, int first_column, int first,
                                        where at = {}) {
    [[maybe_unused]] const auto step = lane.step("request the next tiles", at);
    const int i = lane.rank() * 4;
    const int row = first_row + i / depth, k_of_a = first + i % depth;
    const int k_of_b = first + i / tile, column = first_column + i % tile;
    return {load_four(lane, p.a.at(row, k_of_a), row < p.a.rows ? p.a.columns - k_of_a : 0, 0.0f),
            load_four(lane, p.b.at(k_of_b, column), k_of_b < p.b.rows ? p.b.columns - column : 0, 0.0f)};
  }
  template <class Lane>
  TILERY_SIMT static void put(Lane lane, gemm_vector_loads::shared& stage, const on_the_way& next, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("put them into a stage", at);
    lane.store(stage.a.at(lane.rank() * 4), next.a);
    lane.store(stage.b.at(lane.rank() * 4), next.b);
  }
};

}  // namespace learn
