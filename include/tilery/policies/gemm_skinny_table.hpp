// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which problems are for the GEMM with a short dimension, and its policy for each element type.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/element.hpp>
#include <tilery/policies/choice.hpp>
#include <tilery/policies/gemm_skinny.hpp>

namespace tilery::inline TILERY_ABI {

/// One candidate. Reckoned for an H200, not yet measured: to keep 4.8 TB/s busy for the 0.7 us of a load, a
/// multiprocessor must have 25 KB under way; 256 lanes with 128 bytes each have 32 KB. By 16 columns, float needs two
/// thirds of the arithmetic that goes by meanwhile; half and bf16 need as much by 8, and come here where there are no
/// tensor cores or the long operand is not aligned for 16-byte copies (gemm_mma_sync_table.hpp).
template <class T>
struct gemm_skinny_table {
  static constexpr gemm_skinny_policy candidates[1] = {
      sizeof(T) == 8   ? gemm_skinny_policy{.block = {32, 8, 128}, .lane_k = 4}
      : sizeof(T) == 4 ? gemm_skinny_policy{.block = {32, 16, 256}, .lane_k = 8}
                       : gemm_skinny_policy{.block = {32, 8, 512}, .lane_k = 16}};

  /// One tile has all of the short side, and each block enough of k: half of its warps have something to do; where
  /// multiprocessors have several blocks, one after the other, all of them, and beside tensor cores their beginnings
  /// and ends must be short.
  static constexpr bool serves(const gemm_problem& p) {
    const gemm_skinny_policy& policy = candidates[0];
    const bool several = tiles_of(policy, p.m, p.n) * p.batches > peaks(p.target).multiprocessors;
    const int least_of_several = sizeof(T) == 2 ? 4 * policy.block.k : policy.block.k;
    return lesser(p.m, p.n) <= policy.block.n && p.k >= (several ? least_of_several : policy.block.k / 2);
  }
  static constexpr choice choose(const gemm_problem&) {
    return {0, "few rows or columns: the long operand is read once"};
  }
};

}  // namespace tilery::inline TILERY_ABI
