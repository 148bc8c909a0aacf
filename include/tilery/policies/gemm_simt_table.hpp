// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The SIMT GEMM's candidates for each element type, and the selector. The tile sizes follow from counting (see each
// line); none of them has been tuned on a GPU yet.
#pragma once

#include <tilery/core/element.hpp>
#include <tilery/policies/choice.hpp>
#include <tilery/policies/gemm_simt.hpp>

namespace tilery::inline TILERY_ABI {

/// Candidates for elements of T: one a layout with 16-byte accesses, and one that serves any strides. For half and bf16
/// this is the way of sm_75 alone, and of A row-major: later archs have gemm_mma_sync.
template <class T>
struct gemm_simt_table {
  static constexpr int vector = static_cast<int>(16 / sizeof(T));
  static constexpr int quad = static_cast<int>(16 / sizeof(accumulator_t<T>));
  // 128 x 128: 32 multiply-adds for each element read from shared memory a lane, 64 sums in registers. Each of the 256
  // lanes loads one pack of A and one of B a step, hence the depth. double: half of the tile, the sums are twice as
  // wide.
  static constexpr tile_mnk big = sizeof(T) == 8 ? tile_mnk{64, 64, 8} : tile_mnk{128, 128, 2 * vector};
  static constexpr tile_mn lane = sizeof(T) == 8 ? tile_mn{4, 4} : tile_mn{8, 8};

  static constexpr gemm_simt_policy aligned(along a, along b) {
    return {.block = big, .lane = lane, .a = a, .b = b, .vector = vector, .c_vector = quad};
  }

  static constexpr gemm_simt_policy candidates[5] = {
      aligned(along::k, along::outer),      // A row-major, B row-major
      aligned(along::k, along::k),          // A row-major, B column-major
      aligned(along::outer, along::outer),  // A column-major, B row-major
      aligned(along::outer, along::k),      // A column-major, B column-major
      // 64 x 64: four times the blocks of the others, so that a small problem still spreads
      {.block = {64, 64, 8}, .lane = {4, 4}, .a = along::any, .b = along::any, .vector = 1, .c_vector = 1},
  };

  static constexpr choice choose(const gemm_problem& p) {
    constexpr int strided = 4;
    if (p.a.contiguous == along::any || p.b.contiguous == along::any)
      return {strided, "an operand has no contiguous dimension"};
    if (p.a.vector < vector || p.b.vector < vector) return {strided, "an operand is not aligned for 16-byte loads"};
    if (p.c_vector < quad) return {strided, "C is not aligned for 16-byte stores"};
    if (p.m <= 64 || p.n <= 64) return {strided, "m or n fits a tile of 64: a larger one would be mostly empty"};
    const int index = (p.a.contiguous == along::k ? 0 : 2) + (p.b.contiguous == along::outer ? 0 : 1);
    return {index, "aligned operands: 16-byte accesses"};
  }
};

}  // namespace tilery::inline TILERY_ABI
