// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GEMM, step 5: one instruction moves four floats.
//
// A lane may load and store 16 bytes at once. The bytes are the same; the instructions that ask for them are a quarter,
// and those have to be issued, too, in the same slots as the multiply-adds. So a lane's elements lie side by side now:
// four columns of C, read from B as one pack, and four steps of k, read from A as one pack. A row must begin at a
// multiple of 16 bytes for this, which is why matrices are padded to such rows.
#pragma once

#include "four_floats.hpp"
#include "gemm_problem.hpp"

namespace learn {

struct gemm_vector_loads {
  static constexpr const char* name = "gemm_5_vector_loads";
  static constexpr int tile = 64, depth = 16, side = 16, of_lane = tile / side, threads = side * side;
  static constexpr bool allows_one_lane = false;
  using four = pack<float, 4>;
  struct shared {
    shared_array<float, tile * depth> a;                     // (row, k)
    shared_array<float, depth * tile> b;                     // (k, column)
    void members(auto name) { name("a", a), name("b", b); }  // for reports
  };
  static index3 blocks(const gemm_params& p) { return {pieces(p.c.columns, tile), pieces(p.c.rows, tile)}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const gemm_params& p, shared& smem) {
    const int first_row = lane.block().y * tile, first_column = lane.block().x * tile;
    four sums[of_lane];  // (row), of four columns each
    TILERY_UNROLL
    for (int i = 0; i < of_lane; ++i) sums[i] = splat<4>(0.0f);
    for (int first = 0; first < p.a.columns; first += depth) {
      fetch(lane, p, smem, first_row, first_column, first);
      lane.sync_block();
      multiply(lane, smem, sums);
      lane.sync_block();
    }
    const int column = first_column + lane.rank() % side * 4;
    TILERY_UNROLL
    for (int i = 0; i < of_lane; ++i) {
      const int row = first_row + lane.rank() / side + i * side;
      if (row < p.c.rows) store_four(lane, p.c.at(row, column), p.c.columns - column, sums[i]);
    }
  }

  /// A lane brings four floats of each.
  template <class Lane>
  TILERY_SIMT static void fetch(Lane lane, const gemm_params& p, shared& smem, int first_row, int first_column,
                                int first, where at = {}) {
    [[maybe_unused]] const auto step = lane.step("fetch the tiles", at);
    const int i = lane.rank() * 4;
    const int row = first_row + i / depth, k_of_a = first + i % depth;
    const int k_of_b = first + i / tile, column = first_column + i % tile;
    const four a = load_four(lane, p.a.at(row, k_of_a), row < p.a.rows ? p.a.columns - k_of_a : 0, 0.0f);
    const four b = load_four(lane, p.b.at(k_of_b, column), k_of_b < p.b.rows ? p.b.columns - column : 0, 0.0f);
    lane.store(smem.a.at(i), a);
    lane.store(smem.b.at(i), b);
  }

  template <class Lane>
  TILERY_SIMT static void multiply(Lane lane, shared& smem, four (&sums)[of_lane], where at = {}) {
    [[maybe_unused]] const auto step = lane.step("multiply the tiles", at);
    const int y = lane.rank() / side, x = lane.rank() % side;
    TILERY_UNROLL
    for (int first = 0; first < depth; first += 4) {
      four a[of_lane], b[4];  // (row), of four k each; (k), of four columns each
      TILERY_UNROLL
      for (int i = 0; i < of_lane; ++i) a[i] = lane.load(smem.a.at((y + i * side) * depth + first), width<4>);
      TILERY_UNROLL
      for (int k = 0; k < 4; ++k) b[k] = lane.load(smem.b.at((first + k) * tile + x * 4), width<4>);
      TILERY_UNROLL
      for (int i = 0; i < of_lane; ++i) {
        TILERY_UNROLL
        for (int k = 0; k < 4; ++k) sums[i] = fma(splat<4>(a[i][k]), b[k], sums[i]);
      }
    }
  }
};

}  // namespace learn
