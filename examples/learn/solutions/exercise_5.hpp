// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Solution 5: with rows of 33 words the 32 words of a column lie in 32 banks: (33 r + c) % 32 = (r + c) % 32.
#pragma once

#include "learn/exercise.hpp"

namespace learn::solutions {

struct exercise_5 {
  static constexpr const char* name = "transpose";
  static constexpr int threads = 256;
  static constexpr bool allows_one_lane = false;
  static constexpr int tile = 32, rows_at_once = threads / tile;
  static constexpr int stride = 33;  // words from one row of the tile to the next
  struct shared {
    shared_array<float, tile * stride> words;
    void members(auto name) { name("words", words); }  // for reports
  };
  static index3 blocks(const exercise_params& p) { return {pieces(p.x.columns, tile), pieces(p.x.rows, tile)}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const exercise_params& p, shared& smem) {
    const int first_row = lane.block().y * tile, first_column = lane.block().x * tile;
    const int inner = lane.rank() % tile;
    for (int r = lane.rank() / tile; r < tile; r += rows_at_once)
      if (first_row + r < p.x.rows && first_column + inner < p.x.columns)
        lane.store(smem.words.at(r * stride + inner), lane.load(p.x.at(first_row + r, first_column + inner)));
    lane.sync_block();
    for (int c = lane.rank() / tile; c < tile; c += rows_at_once)
      if (first_column + c < p.x.columns && first_row + inner < p.x.rows)
        lane.store(p.y.at(first_column + c, first_row + inner), lane.load(smem.words.at(inner * stride + c)));
  }
};

}  // namespace learn::solutions
