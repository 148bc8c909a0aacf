// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of the SIMT GEMM (gemm_simt): tiles by element type and arch, with their evidence (the measurements that
// they come from). To tune an arch, add a row to the array of the element type (policy_table.hpp). To share a tile
// along k means that several blocks compute the tile, each for a part of k.
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/gemm_simt.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// A block's tile and the tile of each of its lanes (fields of gemm_simt_policy, gemm_simt.hpp).
struct gemm_simt_cut {
  tile_mnk block;
  tile_mn lane;
};

/// A row of the table: the tiles of an element type from the arch `from` on, and the selector's constants.
struct gemm_simt_row {
  arch from;
  gemm_simt_cut large;  // 16-byte accesses; a kernel for each of three layouts (half and bf16: one kernel)
  // k_parts of the large tile for the layouts NN (and TT), NT, TN (A, then B; N: row-major, T: column-major).
  int large_k_parts[3];
  gemm_simt_cut small = {};        // 16-byte accesses, any layout; for float only
  gemm_simt_cut strided = {};      // any strides and alignment
  int small_slowdown_percent = 0;  // time of a multiply-add in a small tile, as a percentage of that in a large one
  int sharing_cost_k = 0;          // cost of sharing large tiles along k: each SM could multiply this extent
                                   // of k (in elements) of a large tile in the same time
  int enough_large_percent = 0;    // there are enough large tiles if their number is at least this % of the SMs' number
  evidence measured;
};

// The large tile of float. The code for sharing tiles along k costs 5 % of the speed, and 10 % for row-major A and
// column-major B, even if no tile is shared. So only the kernel for column-major A and row-major B has this code: it
// computes gradients of weights, which have a long k.
//
// Evidence. float on an H200 (driver 580.159, 2026-11-22, benchmarks/tune_gemm_simt). Ratio: speed at m = n = k = 8192,
// divided by that of the best of cuBLASLt 13.1 in float. Time: geometric mean over several m = n = k from 2048 to 8192,
// as a multiple of the time in the first line.
//
//   block, lane             ratio   time
//   256 x 128 x 16, 16 x 8  0.909   1.000   each loaded element of A serves 8 multiply-adds, of B 16
//   128 x 128 x 8, 16 x 8   0.881   1.025
//   128 x 128 x 8, 8 x 8    0.849   1.085   2 blocks on an SM: 4 warps for each scheduler
//   128 x 128 x 16, 8 x 8   0.839   1.099   153 registers a thread: 1 block on an SM
//   64 x 128 x 16, 8 x 8    0.905   1.147
//
// With few tiles, microseconds:
//
//   block, lane             m = n = k = 512   1024   2048
//   128 x 128 x 8, 8 x 8                 79    154    423
//   64 x 64 x 16, 8 x 4                  30     68    448   one layout only (`small` serves all: not measured)
//   64 x 64 x 32, 8 x 4                  24     69    477   4-way bank conflicts in stores to shared memory
//   128 x 64 x 16, 8 x 4                 34     64    429
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
                  .figure = "large tile: 0.909 of the speed of the best of cuBLASLt 13.1 at m = n = k = 8192"}};

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

/// The rows of half and bf16. `gemm` selects this kernel for them on sm_75 only: later archs have mma.sync of
/// 16 x 8 x 16. The large tile has one kernel, for two row-major or two column-major operands.
inline constexpr gemm_simt_row gemm_simt_16_bit_rows[] = {
    {.from = arch::sm_75,
     .large = {{128, 128, 16}, {8, 8}},
     .large_k_parts = {k_parts_as_needed},
     .strided = {{64, 64, 8}, {4, 4}},
     .measured = not_measured("derived from float's tiles")},
};

/// The rows of T.
template <class T>
constexpr const auto& gemm_simt_rows_of() {
  if constexpr (sizeof(T) == 2)
    return gemm_simt_16_bit_rows;
  else if constexpr (sizeof(T) == 4)
    return gemm_simt_f32_rows;
  else
    return gemm_simt_f64_rows;
}

}  // namespace tilery::inline TILERY_ABI
