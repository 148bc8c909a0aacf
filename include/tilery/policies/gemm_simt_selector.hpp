// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The selector of the SIMT GEMM (gemm_simt): it makes candidates from a row of gemm_simt_table.hpp, and chooses one for
// a problem. A row has up to three tile sizes: large; small (float only); strided (for any strides and alignment). A
// group is a grouped GEMM, whose members may differ in shape and layout. To share a tile along k means that several
// blocks compute the tile, each for a part of k.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/element.hpp>
#include <tilery/policies/gemm_simt_table.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// Returns the policy with the tile sizes of `cut` (gemm_simt_table.hpp) and 16-byte accesses.
template <class T>
constexpr gemm_simt_policy aligned_simt(const gemm_simt_cut& cut, along a, along b, int k_parts) {
  return {.block = cut.block,
          .lane = cut.lane,
          .a = a,
          .b = b,
          .vector = static_cast<int>(16 / sizeof(T)),
          .c_vector = static_cast<int>(16 / sizeof(accumulator_t<T>)),
          .k_parts = k_parts};
}
/// Returns the candidate for any strides and alignment.
constexpr gemm_simt_policy strided_simt(const gemm_simt_cut& cut) {
  return {.block = cut.block, .lane = cut.lane, .a = along::any, .b = along::any, .vector = 1, .c_vector = 1};
}

/// Returns the reason why the strided candidate must serve the problem, or serves it best; null if another candidate
/// can serve the problem and is better. `vector` is the number of elements of A or B in 16 bytes, `quad` that of
/// elements of the accumulation type. `tile` is the smallest extent of the other candidates' tiles along m and n; 0:
/// never prefer the strided candidate because of a small m or n.
constexpr const char* why_strided_simt(const gemm_problem& p, int vector, int quad, int tile) {
  if (p.a.is_strided() || p.b.is_strided()) return "an operand has no contiguous dimension";
  if (p.a.vector < vector || p.b.vector < vector) return "an operand is not aligned for 16-byte loads";
  if (p.c_vector < quad) return "C is not aligned for 16-byte stores";
  if (p.m <= tile / 2 || p.n <= tile / 2) return "m or n is small: a larger tile would be mostly empty";
  return nullptr;
}

/// True if `large` large tiles are faster than `small` small tiles, although there are fewer large tiles than SMs.
///
/// Cost model. A cost is time multiplied by the number of SMs; its unit is 1/100 of the time that an SM needs for one
/// element along k of a large tile. A small tile has 1 / `ratio` of the multiply-adds of a large tile, and a
/// multiply-add of a small tile takes small_slowdown_percent % of the time of a multiply-add of a large tile. If there
/// are fewer small tiles than SMs, they are shared along k by all SMs, at no extra cost; otherwise the SMs compute them
/// in whole rounds of one tile for each SM. If large tiles are shared along k (`are_shared`), this costs each SM as
/// much time as sharing_cost_k elements along k of a large tile. If not, a large tile takes the time of its whole k,
/// and SMs without a tile wait.
constexpr bool large_in_spite_of_few(const gemm_simt_row& row, std::int64_t large, std::int64_t small, std::int64_t k,
                                     std::int64_t multiprocessors, int ratio, bool are_shared) {
  const std::int64_t rounds = pieces(small, static_cast<int>(multiprocessors)) * multiprocessors;
  const std::int64_t of_small = row.small_slowdown_percent * k * (small < multiprocessors ? small : rounds) / ratio;
  const std::int64_t of_large =
      are_shared ? 100 * (k * large + row.sharing_cost_k * multiprocessors) : 100 * k * multiprocessors;
  return of_large < of_small;
}

/// Rows, candidates and selector for elements of T; this primary template serves double. There is a large tile for each
/// of three layouts, and the strided tile.
template <class T>
struct gemm_simt_rows {
  static constexpr const auto& rows = gemm_simt_rows_of<T>();

  static constexpr candidate_list<gemm_simt_policy, 4> candidates(const gemm_simt_row& row) {
    return {{aligned_simt<T>(row.large, along::k, along::outer, row.large_k_parts[0]),
             aligned_simt<T>(row.large, along::k, along::k, row.large_k_parts[1]),
             aligned_simt<T>(row.large, along::outer, along::outer, row.large_k_parts[2]), strided_simt(row.strided)}};
  }

  static constexpr choice select(const gemm_simt_row&, const gemm_simt_policy (&candidates)[4], const gemm_problem& p) {
    if (const char* why = why_strided_simt(p, candidates[0].vector, candidates[0].c_vector, candidates[0].block.m))
      return {3, why};
    if (!is_of_one_layout(p)) return {3, "the operands of the group have different layouts"};
    return {layout_of(p) % 3, "aligned operands: 16-byte accesses"};
  }
};

/// float also has a small tile for all layouts: for problems with fewer large tiles than SMs, problems of which large
/// tiles would be partly empty, and groups whose members have different layouts.
template <>
struct gemm_simt_rows<float> {
  static constexpr const auto& rows = gemm_simt_rows_of<float>();

  static constexpr candidate_list<gemm_simt_policy, 5> candidates(const gemm_simt_row& row) {
    return {{aligned_simt<float>(row.large, along::k, along::outer, row.large_k_parts[0]),
             aligned_simt<float>(row.large, along::k, along::k, row.large_k_parts[1]),
             aligned_simt<float>(row.large, along::outer, along::outer, row.large_k_parts[2]),
             aligned_simt<float>(row.small, along::any, along::any, k_parts_as_needed), strided_simt(row.strided)}};
  }

  static constexpr choice select(const gemm_simt_row& row, const gemm_simt_policy (&candidates)[5],
                                 const gemm_problem& p) {
    const gemm_simt_policy &large = candidates[0], &small = candidates[3];
    if (const char* why = why_strided_simt(p, large.vector, large.c_vector, 0)) return {4, why};
    if (!is_of_one_layout(p)) return {3, "aligned operands; those of the group have different layouts"};
    const int layout = layout_of(p) % 3;
    const gemm_problem q = transposed_if_needed(large, p);
    const std::int64_t large_tiles = tiles_of(large, q.m, q.n) * p.batches;
    const std::int64_t small_tiles = tiles_of(small, q.m, q.n) * p.batches;
    const int ratio = large.block.m * large.block.n / (small.block.m * small.block.n);
    const std::int64_t multiprocessors = peaks(p.target).multiprocessors;
    if (row.small_slowdown_percent * small_tiles < 100 * ratio * large_tiles)
      return {3, "aligned operands; larger tiles would lose more time in partial tiles than they save"};
    if (100 * large_tiles < row.enough_large_percent * multiprocessors &&
        !large_in_spite_of_few(row, large_tiles, small_tiles, p.k, multiprocessors, ratio,
                               candidates[layout].k_parts != 1))
      return {3, "aligned operands; few tiles: smaller tiles use more SMs"};
    return {layout, "aligned operands: 16-byte accesses"};
  }
};

/// half and bf16 have one large tile, for two row-major operands or two column-major operands, and the strided tile.
template <class T>
requires(sizeof(T) == 2) struct gemm_simt_rows<T> {
  static constexpr const auto& rows = gemm_simt_rows_of<T>();

  static constexpr candidate_list<gemm_simt_policy, 2> candidates(const gemm_simt_row& row) {
    return {{aligned_simt<T>(row.large, along::k, along::outer, row.large_k_parts[0]), strided_simt(row.strided)}};
  }

  static constexpr choice select(const gemm_simt_row&, const gemm_simt_policy (&candidates)[2], const gemm_problem& p) {
    if (const char* why = why_strided_simt(p, candidates[0].vector, candidates[0].c_vector, candidates[0].block.m))
      return {1, why};
    if (!is_of_one_layout(p) || layout_of(p) % 3 != 0) return {1, "one of A and B is column-major"};
    return {0, "aligned operands: 16-byte accesses"};
  }
};

/// The SIMT GEMM's table for elements of T.
template <class T>
struct gemm_simt_table : policy_table<gemm_simt_rows<T>> {};

}  // namespace tilery::inline TILERY_ABI
