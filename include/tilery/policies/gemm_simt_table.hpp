// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The candidates of the SIMT GEMM (gemm_simt) for each element type, and the selector.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/element.hpp>
#include <tilery/policies/choice.hpp>
#include <tilery/policies/gemm_simt.hpp>

namespace tilery::inline TILERY_ABI {

/// The large tile for elements of T.
///
/// Evidence. float on an H200 (driver 580.159, 2026-11-22, benchmarks/tune_gemm_simt). Ratio: speed at m = n = k = 8192
/// by that of the best of cuBLASLt 13.1 in float. Time: geometric mean over 2048 to 8192, as a multiple of the fastest.
///
///   block, lane             ratio   time
///   256 x 128 x 16, 16 x 8  0.909   1.000   each loaded element of A serves 8 multiply-adds, of B 16
///   128 x 128 x 8, 16 x 8   0.881   1.025
///   128 x 128 x 8, 8 x 8    0.849   1.085   4 warps for each scheduler
///   128 x 128 x 16, 8 x 8   0.839   1.099   153 registers a thread: half as many warps
///   64 x 128 x 16, 8 x 8    0.905   1.147
///
/// With few tiles, microseconds at m = n = k = 512, 1024, 2048:
///
///   128 x 128 x 8, 8 x 8    79  154  423
///   64 x 64 x 16, 8 x 4     30   68  448    a kernel for one layout; the candidate for all layouts is not measured
///   64 x 64 x 32, 8 x 4     24   69  477    4-way bank conflicts in its stores to shared memory
///   128 x 64 x 16, 8 x 4    34   64  429
///
/// Other types, not measured. double has a smaller tile, because an accumulator takes two registers. half and bf16 use
/// this kernel on sm_75 only.
template <class T>
struct simt_cut {
  static constexpr bool is_double = sizeof(T) == 8;
  static constexpr tile_mnk big = is_double        ? tile_mnk{64, 64, 8}
                                  : sizeof(T) == 4 ? tile_mnk{256, 128, 16}
                                                   : tile_mnk{128, 128, 16};
  static constexpr tile_mn lane = is_double ? tile_mn{4, 4} : sizeof(T) == 4 ? tile_mn{16, 8} : tile_mn{8, 8};
};

/// A candidate with 16-byte accesses.
template <class T>
constexpr gemm_simt_policy aligned_simt(along a, along b, tile_mnk block = simt_cut<T>::big,
                                        tile_mn lane = simt_cut<T>::lane) {
  return {.block = block,
          .lane = lane,
          .a = a,
          .b = b,
          .vector = static_cast<int>(16 / sizeof(T)),
          .c_vector = static_cast<int>(16 / sizeof(accumulator_t<T>)),
          // The code for sharing costs the large tile of float 5 % of its speed, and 10 % for row-major A and
          // column-major B. It is worth that for column-major A and row-major B: gradients of weights, with a long k.
          .k_parts = sizeof(T) == 4 && block.m > 64 && (a == along::k || b == along::k) ? 1 : k_parts_as_needed};
}

/// The candidate for any strides and alignment. Its tile of 64 x 64 spreads a small problem over more SMs.
inline constexpr gemm_simt_policy strided_simt =
    {.block = {64, 64, 8}, .lane = {4, 4}, .a = along::any, .b = along::any, .vector = 1, .c_vector = 1};

/// Returns the reason why only strided_simt can serve a problem, or serves it best; null if there is none. `tile` is
/// the smallest extent of the other candidates' tiles.
constexpr const char* why_strided_simt(const gemm_problem& p, int vector, int quad, int tile) {
  if (p.a.has_no_way() || p.b.has_no_way()) return "an operand has no contiguous dimension";
  if (p.a.vector < vector || p.b.vector < vector) return "an operand is not aligned for 16-byte loads";
  if (p.c_vector < quad) return "C is not aligned for 16-byte stores";
  if (p.m <= tile / 2 || p.n <= tile / 2) return "m or n is small: a larger tile would be mostly empty";
  return nullptr;
}

/// Candidates for elements of T: a large tile for each layout with 16-byte accesses, and one for any strides. float
/// also has a small tile for all layouts, for problems with fewer large tiles than SMs.
template <class T>
struct gemm_simt_table {
  static constexpr gemm_simt_policy candidates[4] =
      {aligned_simt<T>(along::k, along::outer),      // A row-major, B row-major; both column-major
       aligned_simt<T>(along::k, along::k),          // A row-major, B column-major
       aligned_simt<T>(along::outer, along::outer),  // A column-major, B row-major
       strided_simt};

  static constexpr choice choose(const gemm_problem& p) {
    if (const char* why = why_strided_simt(p, candidates[0].vector, candidates[0].c_vector, candidates[0].block.m))
      return {3, why};
    if (!is_of_one_layout(p)) return {3, "the operands of the group lie both ways"};
    return {layout_of(p) % 3, "aligned operands: 16-byte accesses"};
  }
};

/// True if `large` large tiles are faster than `small` small tiles, although there are fewer large tiles than SMs.
///
/// Cost model. A cost is time multiplied by the number of SMs; its unit is 1/100 of the time that an SM needs for one k
/// of a large tile. A small tile has an eighth of the multiply-adds, and each takes 1.34 times as long (measured at
/// m = n = k = 8192). Small tiles are shared along k if there are fewer of them than SMs. Sharing large tiles costs
/// each SM as much as 300 of k. A large tile that is not shared occupies an SM for its whole k.
constexpr bool large_in_spite_of_few(std::int64_t large, std::int64_t small, std::int64_t k,
                                     std::int64_t multiprocessors, bool are_shared) {
  const std::int64_t rounds = pieces(small, static_cast<int>(multiprocessors)) * multiprocessors;
  const std::int64_t of_small = 134 * k * (small < multiprocessors ? small : rounds) / 8;
  const std::int64_t of_large = are_shared ? 100 * k * large + 30000 * multiprocessors : 100 * k * multiprocessors;
  return of_large < of_small;
}

template <>
struct gemm_simt_table<float> {
  static constexpr tile_mnk small = {64, 64, 16};
  static constexpr tile_mn lane = {8, 4};
  static constexpr gemm_simt_policy candidates[5] = {aligned_simt<float>(along::k, along::outer),
                                                     aligned_simt<float>(along::k, along::k),
                                                     aligned_simt<float>(along::outer, along::outer),
                                                     aligned_simt<float>(along::any, along::any, small, lane),
                                                     strided_simt};

  static constexpr choice choose(const gemm_problem& p) {
    if (const char* why = why_strided_simt(p, candidates[0].vector, candidates[0].c_vector, 0)) return {4, why};
    if (!is_of_one_layout(p)) return {3, "aligned operands; those of the group lie both ways"};
    const int layout = layout_of(p) % 3;
    const gemm_problem q = transposed_if_needed(candidates[0], p);
    const std::int64_t tiles = tiles_of(candidates[0], q.m, q.n) * p.batches;
    const std::int64_t tiles_of_64 = tiles_of(candidates[3], q.m, q.n) * p.batches;
    const std::int64_t multiprocessors = peaks(p.target).multiprocessors;
    if (134 * tiles_of_64 < 800 * tiles)
      return {3, "aligned operands; larger tiles would be emptier than they are fast"};
    const bool few = 10 * tiles < 9 * multiprocessors;
    if (few && !large_in_spite_of_few(tiles, tiles_of_64, p.k, multiprocessors, layout == 2))
      return {3, "aligned operands; few tiles: smaller ones reach more multiprocessors"};
    return {layout, "aligned operands: 16-byte accesses"};
  }
};

/// half and bf16 use this kernel on sm_75 only, which has no mma.sync of 16 x 8 x 16: two candidates are enough.
template <class T>
requires(sizeof(T) == 2) struct gemm_simt_table<T> {
  static constexpr gemm_simt_policy candidates[2] = {aligned_simt<T>(along::k, along::outer), strided_simt};

  static constexpr choice choose(const gemm_problem& p) {
    if (const char* why = why_strided_simt(p, candidates[0].vector, candidates[0].c_vector, candidates[0].block.m))
      return {1, why};
    if (!is_of_one_layout(p) || layout_of(p) % 3 != 0) return {1, "one of A and B is column-major"};
    return {0, "aligned operands: 16-byte accesses"};
  }
};

}  // namespace tilery::inline TILERY_ABI
