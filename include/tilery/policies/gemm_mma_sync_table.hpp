// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of the GEMM on tensor cores (gemm_mma_sync): tiles by element type and arch, with their evidence, and the
// selector. A row is added in the array of its element type (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/element.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// True if the default gemm multiplies elements of T on tensor cores, on archs that have them. False for float, which
/// would lose 13 bits of fraction.
template <class T>
inline constexpr bool has_mma_sync = std::is_same_v<T, double> || std::is_same_v<T, tf32> || std::is_same_v<T, half> ||
                                     std::is_same_v<T, bf16> || is_fp8<T> || std::is_same_v<T, int8>;

/// A block's tile, its warps' tiles, and the pipeline stages.
struct gemm_mma_sync_cut {
  tile_mnk block;
  tile_mn warp;
  int stages;
  int raster_rows = 8;
};

/// A row of the table: the tiles of an element type from an arch on, and the selector's constants. double has only the
/// large tile.
struct gemm_mma_sync_row {
  arch from;
  gemm_mma_sync_cut large;         // 16-byte copies; a kernel for each layout
  int large_k_parts = 1;           // 1: the accumulators leave no registers for sharing the large tile along k
  gemm_mma_sync_cut small = {};    // 16-byte copies, any layout: for problems with fewer large tiles than SMs
  gemm_mma_sync_cut few = {};      // 16-byte copies, any layout: for a C of at most few.block.m rows or columns
  gemm_mma_sync_cut strided = {};  // any strides and alignment; each copy is one element
  int small_slowdown_percent = 0;  // time of a multiply-add in a small tile, as a percentage of that in a large one
  evidence measured;
};

// Large tile. Two blocks of 128 x 128 on an SM are as fast as one of 128 x 256, and leave less of the last wave empty.
//
// Evidence. bf16 on an H200 (driver 580.159, 2026-11-22, benchmarks/tune_gemm_mma_sync), speed as a ratio to the best
// of cuBLASLt 13.1. A single number is m = n = k; NT: B is column-major.
//
//   block, warp, stages          512   1024   2048  4096 NT   8192   8192 x 768 x 768   shared memory
//   128 x 128 x 64, 64 x 64, 3   0.63         0.55  0.57      0.57   0.56                96 KiB: every arch
//   128 x 256 x 64, 64 x 64, 3   0.44         0.58  0.56      0.57   0.46               144 KiB
//   128 x 256 x 32, 64 x 64, 6   0.45         0.60  0.56      0.59   0.46               144 KiB
//   64 x 64 x 64, 32 x 32, 4     1.07   0.60        0.35      0.37   0.40                64 KiB
//
// Small tile. A multiply-add takes 1.54 times as long as in a large one, by these ratios. bf16, 3072 x 768
// (2026-11-23): 144 large tiles took 78 us with k = 4096, 576 small tiles 140 us with k = 8192.
//
// Few rows or columns. 16 rows are those of one instruction. A block has 64 KiB of the long operand in flight; 25 KB
// would keep an H200's memory busy. Its shared memory fits every arch. bf16 on an H200 (2026-11-23), 16 x 4096 x 4096:
// such a tile, with 6 stages and for one layout only, took 10 us with 4 blocks for each tile; the small tile took 15 us
// and cuBLASLt 13.5 us.
//
// Strided tile. With twice the block.k, a lane's chunks would spill on sm_80 to sm_89.
inline constexpr gemm_mma_sync_row gemm_mma_sync_16_bit_on_h200 =
    {.from = arch::sm_90,
     .large = {{128, 128, 64}, {64, 64}, 3},
     .small = {{64, 64, 64}, {32, 32}, 4},
     .few = {{16, 128, 64}, {16, 32}, 5},
     .strided = {{64, 64, 32}, {32, 32}, 3},
     .small_slowdown_percent = 154,
     .measured = {.machine = "H200",
                  .when = "driver 580.159, 2026-11-22",
                  .command = "benchmarks/run.sh --run tune_gemm_mma_sync",
                  .figure = "bf16: 0.55 to 0.63 of the speed of the best of cuBLASLt 13.1"}};

/// The rows of half and bf16.
inline constexpr gemm_mma_sync_row gemm_mma_sync_16_bit_rows[] = {
    taken_from(gemm_mma_sync_16_bit_on_h200, arch::sm_80, "taken from sm_90's row"),
    gemm_mma_sync_16_bit_on_h200,
    taken_from(gemm_mma_sync_16_bit_on_h200, arch::sm_100, "taken from sm_90's row"),
};

/// The rows of tf32. Warps of 64 x 32: operands that are not contiguous along k are read from shared memory element by
/// element, and 64 x 64 would spill.
inline constexpr gemm_mma_sync_row gemm_mma_sync_tf32_rows[] = {
    {.from = arch::sm_80,
     .large = {{128, 128, 32}, {64, 32}, 3},
     .small = {{64, 64, 32}, {32, 32}, 4},
     .few = {{16, 128, 32}, {16, 32}, 5},
     .strided = {{64, 64, 16}, {32, 32}, 3},
     .small_slowdown_percent = 154,
     .measured = not_measured("reckoned from bf16's row for sm_90")},
};

/// The rows of int8. Warps as tf32's; the strided tile has warps of half the size, because 32 x 32 would spill on sm_80
/// to sm_89.
inline constexpr gemm_mma_sync_row gemm_mma_sync_s8_rows[] = {
    {.from = arch::sm_80,
     .large = {{128, 128, 128}, {64, 32}, 3},
     .small = {{64, 64, 128}, {32, 32}, 4},
     .few = {{16, 128, 128}, {16, 32}, 5},
     .strided = {{64, 64, 64}, {32, 16}, 3},
     .small_slowdown_percent = 154,
     .measured = not_measured("reckoned from bf16's row for sm_90")},
};

/// The rows of fp8. Half of int8's large tile, with warps of 32 x 32: sm_90 has no mma.sync for fp8, and nvcc's
/// replacement converts each fragment to half.
inline constexpr gemm_mma_sync_row gemm_mma_sync_fp8_rows[] = {
    {.from = arch::sm_89,
     .large = {{64, 128, 128}, {32, 32}, 4},
     .large_k_parts = k_parts_as_needed,
     .small = {{64, 64, 128}, {32, 32}, 4},
     .few = {{16, 128, 128}, {16, 32}, 5},
     .strided = {{64, 64, 64}, {32, 16}, 3},
     .small_slowdown_percent = 154,
     .measured = not_measured("reckoned from bf16's row for sm_90")},
};

/// The rows of double. A smaller tile, because an accumulator takes two registers.
inline constexpr gemm_mma_sync_row gemm_mma_sync_f64_rows[] = {
    {.from = arch::sm_80,
     .large = {{64, 64, 16}, {32, 32}, 4},
     .large_k_parts = k_parts_as_needed,
     .measured = not_measured("reckoned from bf16's row for sm_90")},
};

/// The candidate of a cut with 16-byte copies.
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
/// The candidate for few rows or columns: the short operand, and C, may have any strides and alignment.
template <class T>
constexpr gemm_mma_sync_policy few_mma_sync(const gemm_mma_sync_cut& cut) {
  gemm_mma_sync_policy p = aligned_mma_sync<T>(cut, along::any, along::any, k_parts_as_needed);
  p.few = true, p.c_vector = 1;
  return p;
}
/// The candidate for any strides and alignment.
template <class T>
constexpr gemm_mma_sync_policy strided_mma_sync(const gemm_mma_sync_cut& cut) {
  gemm_mma_sync_policy p = aligned_mma_sync<T>(cut, along::any, along::any, k_parts_as_needed);
  p.vector = p.c_vector = 1;
  return p;
}

/// Places of a row's candidates after the large tile's three layouts.
struct gemm_mma_sync_places {
  static constexpr int small = 3, few = 4, strided = 5;
};

/// Rows, candidates and selector for elements of T. Two column-major operands are the transposed problem of two
/// row-major ones.
template <class T>
struct gemm_mma_sync_rows : gemm_mma_sync_places {
  static constexpr const auto& rows = []() -> const auto& {
    if constexpr (is_fp8<T>)
      return gemm_mma_sync_fp8_rows;
    else if constexpr (sizeof(T) == 1)
      return gemm_mma_sync_s8_rows;
    else if constexpr (sizeof(T) == 4)
      return gemm_mma_sync_tf32_rows;
    else
      return gemm_mma_sync_16_bit_rows;
  }
  ();
  static constexpr candidate_list<gemm_mma_sync_policy, 6> candidates(const gemm_mma_sync_row& row) {
    return {{aligned_mma_sync<T>(row.large, along::k, along::outer, row.large_k_parts),
             aligned_mma_sync<T>(row.large, along::k, along::k, row.large_k_parts),
             aligned_mma_sync<T>(row.large, along::outer, along::outer, row.large_k_parts),
             aligned_mma_sync<T>(row.small, along::any, along::any, k_parts_as_needed), few_mma_sync<T>(row.few),
             strided_mma_sync<T>(row.strided)}};
  }

  /// True if one tile of the candidate for few holds all rows, or all columns, of C, and the long operand is aligned
  /// for 16-byte copies.
  static constexpr bool is_few(const gemm_mma_sync_policy& candidate, const gemm_problem& p) {
    return transposed_if_needed(candidate, p).m <= candidate.block.m && misfit(candidate, p) == nullptr;
  }

  static constexpr choice select(const gemm_mma_sync_row& row, const gemm_mma_sync_policy (&candidates)[6],
                                 const gemm_problem& p) {
    if (is_few(candidates[few], p)) return {few, "tensor cores; few rows or columns: the long operand is read once"};
    const int vector = candidates[0].vector;
    if (p.a.has_no_way() || p.b.has_no_way()) return {strided, "an operand has no contiguous dimension"};
    if (p.a.vector < vector || p.b.vector < vector) return {strided, "an operand is not aligned for 16-byte copies"};
    if (p.c_vector < candidates[0].c_vector) return {strided, "C is not aligned for stores of 16 bytes of sums"};
    if (!is_of_one_layout(p)) return {small, "tensor cores; the operands of the group lie both ways"};
    const int layout = layout_of(p) % 3;
    const gemm_mma_sync_policy &large = candidates[layout], &quarter = candidates[small];
    const gemm_problem q = transposed_if_needed(large, p);
    const std::int64_t tiles = tiles_of(large, q.m, q.n) * p.batches;
    const std::int64_t small_tiles = tiles_of(quarter, p.m, p.n) * p.batches;
    const int multiprocessors = peaks(p.target).multiprocessors;
    if (tiles < multiprocessors) return {small, "tensor cores; few tiles: smaller ones reach more multiprocessors"};
    // Elements of C on the SM with the most tiles.
    const std::int64_t in_large = std::int64_t{pieces(tiles, multiprocessors)} * large.block.m * large.block.n;
    const std::int64_t in_small =
        std::int64_t{pieces(small_tiles, multiprocessors)} * quarter.block.m * quarter.block.n;
    if (row.small_slowdown_percent * in_small < 100 * in_large)
      return {small, "tensor cores; larger tiles would be emptier, or fall less evenly, than they are fast"};
    if (layout_of(p) == 3 && !p.one_type) return {small, "two types, both column-major"};
    return {layout, "tensor cores; aligned operands: 16-byte copies"};
  }
};

template <>
struct gemm_mma_sync_rows<double> {
  static constexpr const auto& rows = gemm_mma_sync_f64_rows;

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

/// True if the table for T should serve the problem. False on archs without the instructions. For double also false on
/// archs whose tensor cores are no faster than their FMA units, for operands that are not aligned for packs of 2, and
/// for a group of several layouts.
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

/// True if tensor cores, not gemm_skinny, should serve a C of few rows or columns. This is so for 16-bit elements: 16
/// rows on tensor cores cost as much as 8 rows in gemm_skinny, and asynchronous copies need no registers.
template <class T>
constexpr bool serves_few_mma_sync(const gemm_problem& p) {
  if constexpr (sizeof(T) == 2) {
    using table = gemm_mma_sync_table<T>;
    return gemm_mma_sync_rows<T>::is_few(table::candidates_for(p.target)[table::few], p);
  } else
    return false;
}

}  // namespace tilery::inline TILERY_ABI
