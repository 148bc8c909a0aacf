// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which problems are for the GEMM with a short dimension, and its policy for each element type.
#pragma once

#include <tilery/core/element.hpp>
#include <tilery/policies/choice.hpp>
#include <tilery/policies/gemm_skinny.hpp>

namespace tilery::inline TILERY_ABI {

/// One candidate. Reckoned for an H200, not yet measured: to keep 4.8 TB/s busy for the 0.7 us of a load, a
/// multiprocessor must have 25 KB under way; 256 lanes with 128 bytes each have 32 KB. Against 16 rows, float needs two
/// thirds of the arithmetic that goes by meanwhile, half and bf16 all of it. Twice the lanes with half as much each would
/// spill.
template <class T>
struct gemm_skinny_table {
  static constexpr gemm_skinny_policy candidates[1] = {
      sizeof(T) == 8   ? gemm_skinny_policy{.block = {32, 8, 128}, .lane_k = 4}
      : sizeof(T) == 4 ? gemm_skinny_policy{.block = {32, 16, 256}, .lane_k = 8}
                       : gemm_skinny_policy{.block = {32, 16, 512}, .lane_k = 16}};

  /// A tile of the short side is enough, and at least half of a block's warps have something to do.
  static constexpr bool serves(const gemm_problem& p) {
    return lesser(p.m, p.n) <= candidates[0].block.n && 2 * p.k >= candidates[0].block.k;
  }
  static constexpr choice choose(const gemm_problem&) {
    return {0, "few rows or columns: the long operand is read once, and memory bounds it"};
  }
};

}  // namespace tilery::inline TILERY_ABI
