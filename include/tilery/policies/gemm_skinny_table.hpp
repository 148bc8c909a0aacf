// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The candidate of gemm_skinny, the GEMM for a C with few rows or few columns, for each element type, and the
// selector's condition for it.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/element.hpp>
#include <tilery/policies/choice.hpp>
#include <tilery/policies/gemm_skinny.hpp>

namespace tilery::inline TILERY_ABI {

/// One candidate for each T.
///
/// Evidence. Computed for an H200, not measured. To keep 4.8 TB/s busy during the 0.7 us of a load, an SM must have
/// 25 KB in flight; 256 lanes with 128 bytes each have 32 KB. With 16 columns, float uses two thirds of the
/// multiply-adds that an SM can do in this time; half and bf16 use as many with 8 columns. They use this kernel where
/// there are no tensor cores, or where the long operand is not aligned for 16-byte copies (gemm_mma_sync_table.hpp).
template <class T>
struct gemm_skinny_table {
  static constexpr gemm_skinny_policy candidates[1] = {
      sizeof(T) == 8   ? gemm_skinny_policy{.block = {32, 8, 128}, .lane_k = 4}
      : sizeof(T) == 4 ? gemm_skinny_policy{.block = {32, 16, 256}, .lane_k = 8}
                       : gemm_skinny_policy{.block = {32, 8, 512}, .lane_k = 16}};

  /// True if this kernel should serve the problem: one tile holds C's shorter dimension, and k is long enough. If no SM
  /// has a second tile, half of a block's warps must have work. If SMs run several tiles in turn, all warps must have
  /// work; for 16-bit elements, which tensor cores would serve otherwise, the k loop must have 4 iterations, so that
  /// prologue and epilogue are short in comparison.
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
