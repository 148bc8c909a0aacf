// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of the SIMT GEMM (gemm_simt): tiles by element type and arch, with their evidence, and the selector. A row
// is added in the array of its element type (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/element.hpp>
#include <tilery/policies/gemm_simt.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// A block's tile and its lanes' tiles.
struct gemm_simt_cut {
  tile_mnk block;
  tile_mn lane;
};

/// A row of the table: the tiles of an element type from an arch on, and the selector's constants.
struct gemm_simt_row {
  arch from;
  gemm_simt_cut large;             // 16-byte accesses; a kernel for each layout
  int large_k_parts[3];            // k_parts of the large tile for NN (and TT), NT, TN
  gemm_simt_cut small;             // 16-byte accesses, any layout; for float only
  gemm_simt_cut strided;           // any strides and alignment
  int small_slowdown_percent = 0;  // time of a multiply-add in a small tile, as a percentage of that in a large one
  int sharing_cost_k = 0;          // sharing large tiles along k takes an SM as long as this much k
  int enough_large_percent = 0;    // large tiles are enough if there are so many, as a percentage of the SMs
  evidence measured;
};

// The large tile of float: the code for sharing costs it 5 % of its speed, and 10 % for row-major A and column-major B.
// It is worth that for column-major A and row-major B: gradients of weights, with a long k.
//
// Evidence. float on an H200 (driver 580.159, 2026-11-22, benchmarks/tune_gemm_simt). Ratio: speed at m = n = k = 8192
// by that of the best of cuBLASLt 13.1 in float. Time: geometric mean over 2048 to 8192, as a multiple of the fastest.
//
//   block, lane             ratio   time
//   256 x 128 x 16, 16 x 8  0.909   1.000   each loaded element of A serves 8 multiply-adds, of B 16
//   128 x 128 x 8, 16 x 8   0.881   1.025
//   128 x 128 x 8, 8 x 8    0.849   1.085   4 warps for each scheduler
//   128 x 128 x 16, 8 x 8   0.839   1.099   153 registers a thread: half as many warps
//   64 x 128 x 16, 8 x 8    0.905   1.147
//
// With few tiles, microseconds at m = n = k = 512, 1024, 2048:
//
//   128 x 128 x 8, 8 x 8    79  154  423
//   64 x 64 x 16, 8 x 4     30   68  448    a kernel for one layout; the candidate for all layouts is not measured
//   64 x 64 x 32, 8 x 4     24   69  477    4-way bank conflicts in its stores to shared memory
//   128 x 64 x 16, 8 x 4    34   64  429
inline constexpr gemm_simt_row gemm_simt_f32_on_h200 =
    {.from = arch::sm_90,
     .large = {{256, 128, 16}, {16, 8}},
     .large_k_parts = {1, 1, k_parts_as_needed},
     .small = {{64, 64, 16}, {8, 4}},
     .strided = {{64, 64, 8}, {4, 4}},
     .small_slowdown_percent = 134,
     .sharing_cost_k = 300,
     .enough_large_percent = 90,
     .measured = {.machine = "H200",
                  .when = "driver 580.159, 2026-11-22",
                  .command = "benchmarks/run.sh --run tune_gemm_simt",
                  .figure = "0.909 of the speed of the best of cuBLASLt 13.1 at m = n = k = 8192"}};

/// The rows of float.
inline constexpr gemm_simt_row gemm_simt_f32_rows[] = {
    taken_from(gemm_simt_f32_on_h200, arch::sm_75, "taken from sm_90's row"),
    gemm_simt_f32_on_h200,
    taken_from(gemm_simt_f32_on_h200, arch::sm_100, "taken from sm_90's row"),
};

/// The rows of double.
inline constexpr gemm_simt_row gemm_simt_f64_rows[] = {
    {.from = arch::sm_75,
     .large = {{64, 64, 8}, {4, 4}},
     .large_k_parts = {k_parts_as_needed, k_parts_as_needed, k_parts_as_needed},
     .strided = {{64, 64, 8}, {4, 4}},
     .measured = not_measured("smaller than float's tile, because an accumulator takes two registers")},
};

/// The rows of half and bf16, which use this kernel on sm_75 only: later archs have mma.sync of 16 x 8 x 16. The large
/// tile has one kernel, for two row-major or two column-major operands.
inline constexpr gemm_simt_row gemm_simt_16_bit_rows[] = {
    {.from = arch::sm_75,
     .large = {{128, 128, 16}, {8, 8}},
     .large_k_parts = {k_parts_as_needed},
     .strided = {{64, 64, 8}, {4, 4}},
     .measured = not_measured("reckoned from float's tiles")},
};

/// A candidate with 16-byte accesses.
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
/// The candidate for any strides and alignment.
constexpr gemm_simt_policy strided_simt(const gemm_simt_cut& cut) {
  return {.block = cut.block, .lane = cut.lane, .a = along::any, .b = along::any, .vector = 1, .c_vector = 1};
}

/// Returns the reason why only the strided candidate can serve a problem, or serves it best; null if there is none.
/// `tile` is the smallest extent of the other candidates' tiles.
constexpr const char* why_strided_simt(const gemm_problem& p, int vector, int quad, int tile) {
  if (p.a.has_no_way() || p.b.has_no_way()) return "an operand has no contiguous dimension";
  if (p.a.vector < vector || p.b.vector < vector) return "an operand is not aligned for 16-byte loads";
  if (p.c_vector < quad) return "C is not aligned for 16-byte stores";
  if (p.m <= tile / 2 || p.n <= tile / 2) return "m or n is small: a larger tile would be mostly empty";
  return nullptr;
}

/// True if `large` large tiles are faster than `small` small tiles, although there are fewer large tiles than SMs.
///
/// Cost model. A cost is time multiplied by the number of SMs; its unit is 1/100 of the time that an SM needs for one k
/// of a large tile. A small tile has 1 / `ratio` of the multiply-adds, and each takes small_slowdown_percent of the
/// time. Small tiles are shared along k if there are fewer of them than SMs. Sharing large tiles costs each SM as much
/// as sharing_cost_k of k. A large tile that is not shared occupies an SM for its whole k.
constexpr bool large_in_spite_of_few(const gemm_simt_row& row, std::int64_t large, std::int64_t small, std::int64_t k,
                                     std::int64_t multiprocessors, int ratio, bool are_shared) {
  const std::int64_t rounds = pieces(small, static_cast<int>(multiprocessors)) * multiprocessors;
  const std::int64_t of_small = row.small_slowdown_percent * k * (small < multiprocessors ? small : rounds) / ratio;
  const std::int64_t of_large =
      are_shared ? 100 * (k * large + row.sharing_cost_k * multiprocessors) : 100 * k * multiprocessors;
  return of_large < of_small;
}

/// Rows, candidates and selector for elements of T. double has a large tile for each layout, and the strided one.
template <class T>
struct gemm_simt_rows {
  static constexpr const auto& rows = gemm_simt_f64_rows;

  static constexpr candidate_list<gemm_simt_policy, 4> candidates(const gemm_simt_row& row) {
    return {{aligned_simt<T>(row.large, along::k, along::outer, row.large_k_parts[0]),
             aligned_simt<T>(row.large, along::k, along::k, row.large_k_parts[1]),
             aligned_simt<T>(row.large, along::outer, along::outer, row.large_k_parts[2]), strided_simt(row.strided)}};
  }

  static constexpr choice select(const gemm_simt_row&, const gemm_simt_policy (&candidates)[4], const gemm_problem& p) {
    if (const char* why = why_strided_simt(p, candidates[0].vector, candidates[0].c_vector, candidates[0].block.m))
      return {3, why};
    if (!is_of_one_layout(p)) return {3, "the operands of the group lie both ways"};
    return {layout_of(p) % 3, "aligned operands: 16-byte accesses"};
  }
};

/// float also has a small tile for all layouts, for problems with fewer large tiles than SMs.
template <>
struct gemm_simt_rows<float> {
  static constexpr const auto& rows = gemm_simt_f32_rows;

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
    if (!is_of_one_layout(p)) return {3, "aligned operands; those of the group lie both ways"};
    const int layout = layout_of(p) % 3;
    const gemm_problem q = transposed_if_needed(large, p);
    const std::int64_t large_tiles = tiles_of(large, q.m, q.n) * p.batches;
    const std::int64_t small_tiles = tiles_of(small, q.m, q.n) * p.batches;
    const int ratio = large.block.m * large.block.n / (small.block.m * small.block.n);
    const std::int64_t multiprocessors = peaks(p.target).multiprocessors;
    if (row.small_slowdown_percent * small_tiles < 100 * ratio * large_tiles)
      return {3, "aligned operands; larger tiles would be emptier than they are fast"};
    if (100 * large_tiles < row.enough_large_percent * multiprocessors &&
        !large_in_spite_of_few(row, large_tiles, small_tiles, p.k, multiprocessors, ratio,
                               candidates[layout].k_parts != 1))
      return {3, "aligned operands; few tiles: smaller ones reach more multiprocessors"};
    return {layout, "aligned operands: 16-byte accesses"};
  }
};

template <class T>
requires(sizeof(T) == 2) struct gemm_simt_rows<T> {
  static constexpr const auto& rows = gemm_simt_16_bit_rows;

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
