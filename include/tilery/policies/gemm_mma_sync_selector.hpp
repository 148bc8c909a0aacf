// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The selector of the GEMM on tensor cores (gemm_mma_sync): it makes candidates from a row of gemm_mma_sync_table.hpp,
// and chooses one for a problem. A row has up to four tile sizes: large; small; few (for a C of few rows or columns);
// strided (for any strides and alignment). A group is a grouped GEMM, whose members may differ in shape and layout.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/element.hpp>
#include <tilery/policies/gemm_mma_sync_table.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// True if `gemm`, if the caller passes no policy, multiplies elements of T on tensor cores, on archs that have tensor
/// cores for T. False for float: tf32 would lose 13 bits of the fraction of a float.
template <class T>
inline constexpr bool has_mma_sync = std::is_same_v<T, double> || std::is_same_v<T, tf32> || std::is_same_v<T, half> ||
                                     std::is_same_v<T, bf16> || is_fp8<T> || std::is_same_v<T, int8>;

/// Returns the policy with the tile sizes of `cut` (gemm_mma_sync_table.hpp) and 16-byte copies.
template <class T>
constexpr gemm_mma_sync_policy aligned_mma_sync(const gemm_mma_sync_cut& cut, along a, along b, int k_parts) {
  return {.block = cut.block,
          .warp = cut.warp,
          .stages = cut.stages,
          .a = a,
          .b = b,
          .vector = static_cast<int>(16 / sizeof(T)),
          .c_vector = sizeof(T) == 8 ? 2 : 4,
          .math = sizeof(T) == 4 ? multiply_as::tf32 : multiply_as::itself,
          .k_parts = k_parts,
          .raster_rows = cut.raster_rows};
}
/// Returns the candidate for a C of few rows or columns. C and the short operand, the operand of C's shorter dimension,
/// may have any strides and alignment.
template <class T>
constexpr gemm_mma_sync_policy few_mma_sync(const gemm_mma_sync_cut& cut) {
  gemm_mma_sync_policy p = aligned_mma_sync<T>(cut, along::any, along::any, k_parts_as_needed);
  p.few = true, p.c_vector = 1;
  return p;
}
/// Returns the candidate for any strides and alignment.
template <class T>
constexpr gemm_mma_sync_policy strided_mma_sync(const gemm_mma_sync_cut& cut) {
  gemm_mma_sync_policy p = aligned_mma_sync<T>(cut, along::any, along::any, k_parts_as_needed);
  p.vector = p.c_vector = 1;
  return p;
}

/// Indices in the list of a row's candidates. Indices 0 to 2 are the large tile for the layouts NN, NT and TN (A, then
/// B; N: row-major, T: column-major; numbered by layout_of() in gemm_problem.hpp).
struct gemm_mma_sync_places {
  static constexpr int small = 3, few = 4, strided = 5;
};

/// Rows, candidates and selector for elements of T. The large tile has a kernel for each of three layouts. Two
/// column-major operands of one type are served as the transposed problem C^T = B^T A^T, which has two row-major
/// operands; two column-major operands of different types are served by the small tile.
template <class T>
struct gemm_mma_sync_rows : gemm_mma_sync_places {
  static constexpr const auto& rows = gemm_mma_sync_rows_of<T>();
  static constexpr candidate_list<gemm_mma_sync_policy, 6> candidates(const gemm_mma_sync_row& row) {
    return {{aligned_mma_sync<T>(row.large, along::k, along::outer, row.large_k_parts),
             aligned_mma_sync<T>(row.large, along::k, along::k, row.large_k_parts),
             aligned_mma_sync<T>(row.large, along::outer, along::outer, row.large_k_parts),
             aligned_mma_sync<T>(row.small, along::any, along::any, k_parts_as_needed), few_mma_sync<T>(row.few),
             strided_mma_sync<T>(row.strided)}};
  }

  /// True if one tile of `candidate`, the candidate `few`, holds all rows (or all columns) of C, and the policy can run
  /// the problem: the long operand, the operand of C's longer dimension, must be aligned for 16-byte copies.
  static constexpr bool is_few(const gemm_mma_sync_policy& candidate, const gemm_problem& p) {
    return transposed_if_needed(candidate, p).m <= candidate.block.m && misfit(candidate, p) == nullptr;
  }

  static constexpr choice select(const gemm_mma_sync_row& row, const gemm_mma_sync_policy (&candidates)[6],
                                 const gemm_problem& p) {
    if (is_few(candidates[few], p)) return {few, "tensor cores; few rows or columns: the long operand is read once"};
    const int vector = candidates[0].vector;
    if (p.a.is_strided() || p.b.is_strided()) return {strided, "an operand has no contiguous dimension"};
    if (p.a.vector < vector || p.b.vector < vector) return {strided, "an operand is not aligned for 16-byte copies"};
    if (p.c_vector < candidates[0].c_vector)
      return {strided, "C is not aligned for stores of 16 bytes of accumulators"};
    if (!is_of_one_layout(p)) return {small, "tensor cores; the operands of the group have different layouts"};
    const int layout = layout_of(p) % 3;
    const gemm_mma_sync_policy &large = candidates[layout], &quarter = candidates[small];
    const gemm_problem q = transposed_if_needed(large, p);
    const std::int64_t tiles = tiles_of(large, q.m, q.n) * p.batches;
    const std::int64_t small_tiles = tiles_of(quarter, p.m, p.n) * p.batches;
    const int multiprocessors = peaks(p.target).multiprocessors;
    if (tiles < multiprocessors) return {small, "tensor cores; few tiles: smaller tiles use more SMs"};
    // Elements that the SM with the most tiles computes, including the elements of its tiles that are outside of C.
    const std::int64_t in_large = std::int64_t{pieces(tiles, multiprocessors)} * large.block.m * large.block.n;
    const std::int64_t in_small =
        std::int64_t{pieces(small_tiles, multiprocessors)} * quarter.block.m * quarter.block.n;
    if (row.small_slowdown_percent * in_small < 100 * in_large)
      return {small,
              "tensor cores; larger tiles would lose more time in partial tiles or in uneven load of the SMs "
              "than they save"};
    if (layout_of(p) == 3 && !p.one_type) return {small, "two types, both column-major"};
    return {layout, "tensor cores; aligned operands: 16-byte copies"};
  }
};

/// For double there is only the large tile, for three layouts. serves_mma_sync() is false for all problems that this
/// tile cannot serve: kernels without tensor cores serve them.
template <>
struct gemm_mma_sync_rows<double> {
  static constexpr const auto& rows = gemm_mma_sync_rows_of<double>();

  static constexpr candidate_list<gemm_mma_sync_policy, 3> candidates(const gemm_mma_sync_row& row) {
    return {{aligned_mma_sync<double>(row.large, along::k, along::outer, row.large_k_parts),
             aligned_mma_sync<double>(row.large, along::k, along::k, row.large_k_parts),
             aligned_mma_sync<double>(row.large, along::outer, along::outer, row.large_k_parts)}};
  }
  static constexpr choice select(const gemm_mma_sync_row&, const gemm_mma_sync_policy (&)[3], const gemm_problem& p) {
    return {layout_of(p) % 3, "tensor cores; aligned operands: 16-byte copies"};
  }
};

/// The table of the GEMM on tensor cores for elements of T.
template <class T>
struct gemm_mma_sync_table : policy_table<gemm_mma_sync_rows<T>>, gemm_mma_sync_places {};

/// True if the table for T, not the SIMT kernel, should serve a problem that gemm_skinny does not serve. False on archs
/// without the mma.sync instruction `Shape`. For double also false on archs whose tensor cores are no faster than their
/// FMA units, if A, B or C is not aligned for packs of 2 elements, and for a group whose members have different
/// layouts.
template <class T, class Shape>
constexpr bool serves_mma_sync(const gemm_problem& p) {
  if (!has_features(p.target, Shape::needs)) return false;
  if constexpr (std::is_same_v<T, double>) {
    const unit_rates rates = peaks(p.target).a_clock;
    return rates.tensor_f64 > rates.fma_f64 && is_of_one_layout(p) && p.a.vector >= 2 && p.b.vector >= 2 &&
           p.c_vector >= 2;
  }
  return true;
}

/// True if tensor cores, not the kernel gemm_skinny, should serve a C of few rows or columns: for 16-bit elements, if
/// the candidate `few` can serve the problem. Reasons: 16 rows on tensor cores take as much time as 8 rows in
/// gemm_skinny, and cp.async needs no registers for the data in flight.
template <class T>
constexpr bool serves_few_mma_sync(const gemm_problem& p) {
  if constexpr (sizeof(T) == 2) {
    using table = gemm_mma_sync_table<T>;
    return gemm_mma_sync_rows<T>::is_few(table::candidates_for(p.target)[table::few], p);
  } else
    return false;
}

}  // namespace tilery::inline TILERY_ABI
