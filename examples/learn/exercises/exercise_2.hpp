// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Exercise 2: smooth each row.
//
// Each element becomes the mean of itself and its neighbours to the left and the right; beyond the ends there are
// zeros. On a GPU the results look right on most days: what a read beyond a row finds is often a zero, and sometimes
// the next tensor. One character is too many.
#pragma once

#include "learn/exercise.hpp"

namespace learn::exercises {

struct exercise_2 {
  static constexpr const char* name = "smooth_rows";
  static constexpr int threads = 128;
  static constexpr bool allows_one_lane = false;
  using shared = no_shared;
  static index3 blocks(const exercise_params& p) { return {pieces(p.x.columns, threads), p.x.rows}; }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const exercise_params& p, shared&) {
    const int row = lane.block().y, column = lane.block().x * threads + lane.rank();
    if (column >= p.x.columns) return;
    float left = 0, right = 0;
    if (column > 0) left = lane.load(p.x.at(row, column - 1));
    if (column + 1 <= p.x.columns) right = lane.load(p.x.at(row, column + 1));
    const float middle = lane.load(p.x.at(row, column));
    lane.store(p.y.at(row, column), (left + middle + right) / 3.0f);
  }
};

}  // namespace learn::exercises
