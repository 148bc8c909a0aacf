// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of gemm_skinny, the GEMM for a C with few rows or few columns: a tile by element type and arch, with its
// evidence (where its numbers come from), and the selector. The long operand is the operand of C's longer dimension. To
// tune an arch, add a row to the array of the element type (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/element.hpp>
#include <tilery/policies/gemm_skinny.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// A row of the table: the only tile of an element type from the arch `from` on (fields of gemm_skinny_policy), and the
/// selector's constants.
struct gemm_skinny_row {
  arch from;
  tile_mnk block;
  int lane_k;
  int least_iterations_of_several = 1;  // smallest number of k loop iterations, if there are more tiles than SMs
  evidence measured;
};

// To keep an H200's 4.8 TB/s busy during the 0.7 us of a load, each of its 132 SMs must have 25 KB in flight; a block
// of 256 lanes with 128 bytes each has 32 KB in flight. With block.n = 16, float uses two thirds of the multiply-adds
// that an SM can do in this time; half and bf16 use as many with block.n = 8.
inline constexpr evidence computed_for_h200 = not_measured("computed from the memory bandwidth of an H200");

/// The rows of double.
inline constexpr gemm_skinny_row gemm_skinny_f64_rows[] = {
    {.from = arch::sm_75, .block = {32, 8, 128}, .lane_k = 4, .measured = computed_for_h200},
};
/// The rows of float.
inline constexpr gemm_skinny_row gemm_skinny_f32_rows[] = {
    {.from = arch::sm_75, .block = {32, 16, 256}, .lane_k = 8, .measured = computed_for_h200},
};
/// The rows of half and bf16. `gemm` selects this kernel for them on archs without mma.sync of 16 x 8 x 16 (sm_75), or
/// if the kernel for few rows on tensor cores cannot serve the problem, because the long operand is not aligned for
/// 16-byte copies (gemm_mma_sync_selector.hpp). In the second case, a slower kernel on tensor cores could also serve
/// the problem: gemm_skinny pays only if its prologue and epilogue are short in comparison with the k loop, hence
/// least_iterations_of_several.
inline constexpr gemm_skinny_row gemm_skinny_16_bit_rows[] = {
    {.from = arch::sm_75,
     .block = {32, 8, 512},
     .lane_k = 16,
     .least_iterations_of_several = 4,
     .measured = computed_for_h200},
};

/// Returns the rows of T.
template <class T>
constexpr const auto& gemm_skinny_rows_of() {
  if constexpr (sizeof(T) == 8)
    return gemm_skinny_f64_rows;
  else if constexpr (sizeof(T) == 4)
    return gemm_skinny_f32_rows;
  else
    return gemm_skinny_16_bit_rows;
}

/// Rows, candidate and selector for elements of T.
template <class T>
struct gemm_skinny_rows {
  static constexpr const auto& rows = gemm_skinny_rows_of<T>();

  static constexpr candidate_list<gemm_skinny_policy, 1> candidates(const gemm_skinny_row& row) {
    return {{{.block = row.block, .lane_k = row.lane_k}}};
  }
  static constexpr choice select(const gemm_skinny_row&, const gemm_skinny_policy (&)[1], const gemm_problem&) {
    return {0, "few rows or columns: the long operand is read once"};
  }
};

/// The table of gemm_skinny for elements of T.
template <class T>
struct gemm_skinny_table : policy_table<gemm_skinny_rows<T>> {
  using table = policy_table<gemm_skinny_rows<T>>;

  /// True if this kernel should serve the problem: one tile holds C's shorter dimension, and k is long enough. If there
  /// are at most as many tiles as SMs, at least half of a block's warps must have work. If there are more (`several`),
  /// all warps must have work for least_iterations_of_several iterations.
  static constexpr bool serves(const gemm_problem& p) {
    const gemm_skinny_policy& policy = table::candidates_for(p.target)[0];
    const bool several = tiles_of(policy, p.m, p.n) * p.batches > peaks(p.target).multiprocessors;
    const int least_of_several = table::row(p.target).least_iterations_of_several * policy.block.k;
    return lesser(p.m, p.n) <= policy.block.n && p.k >= (several ? least_of_several : policy.block.k / 2);
  }
};

}  // namespace tilery::inline TILERY_ABI
