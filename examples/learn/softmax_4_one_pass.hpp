// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Softmax, step 4: the row stays in registers.
//
// 256 lanes with 16 floats each hold a row of 4096. It is read once, four floats an instruction; maximum, sum and
// results come from the registers, and it is written once. No kernel can move less: the bound is DRAM, and the rest of
// the profile hardly matters. The price is a limit on the length of a row. Loops over registers have to be unrolled,
// because a register has no address: an index that is known only at run time would send the array to memory.
#pragma once

#include "block_reduction.hpp"
#include "four_floats.hpp"
#include "softmax_problem.hpp"

namespace learn {

struct softmax_one_pass {
  static constexpr const char* name = "softmax_4_one_pass";
  static constexpr int threads = 256, packs = 4, most_columns = threads * packs * 4;
  static constexpr bool allows_one_lane = false;
  struct shared {
    of_warps maxima, sums;
    void members(auto name) { name("maxima", maxima), name("sums", sums); }  // for reports
  };
  static index3 blocks(const softmax_params& p) {
    if (p.x.columns > most_columns) throw error("softmax_4_one_pass keeps a row in registers: at most 4096 columns");
    return {p.x.rows};
  }

  template <class Lane>
  TILERY_SIMT static void run(Lane lane, const softmax_params& p, shared& smem) {
    const int row = lane.block().x;
    const auto column = [&](int i) { return (i * threads + lane.rank()) * 4; };

    pack<float, 4> x[packs];  // minus infinity past the row's end: e^x is zero there
    float most = -__builtin_inff();
    TILERY_UNROLL
    for (int i = 0; i < packs; ++i) {
      x[i] = load_four(lane, p.x.at(row, column(i)), p.x.columns - column(i), -__builtin_inff());
      most = larger{}(most, largest(x[i]));
    }
    most = reduce_block(lane, smem.maxima, larger{}, most);

    float sum = 0;
    TILERY_UNROLL
    for (int i = 0; i < packs; ++i) {
      x[i] = exp(x[i] - most);
      sum += tilery::sum(x[i]);
    }
    sum = reduce_block(lane, smem.sums, plus{}, sum);

    TILERY_UNROLL
    for (int i = 0; i < packs; ++i) store_four(lane, p.y.at(row, column(i)), p.x.columns - column(i), x[i] / sum);
  }
};

}  // namespace learn
