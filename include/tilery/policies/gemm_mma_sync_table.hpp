// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of the GEMM on tensor cores (gemm_mma_sync): tiles by element type and arch, with their evidence (the
// measurements that they come from). To tune an arch, add a row to the array of the element type (policy_table.hpp). To
// share a tile along k means that several blocks compute the tile, each for a part of k.
#pragma once
#pragma GCC system_header

#include <tilery/core/element.hpp>
#include <tilery/policies/gemm_mma_sync.hpp>
#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// How a policy cuts C: the tile of a block, the tiles of its warps, the pipeline stages, and the rows of tiles in a
/// band (fields of gemm_mma_sync_policy, gemm_mma_sync.hpp).
struct gemm_mma_sync_cut {
  tile_mnk block;
  tile_mn warp;
  int stages;
  int raster_rows = 8;
};

/// A row of the table: the tiles of an element type from the arch `from` on, and the selector's constants. The row of
/// double has only the large tile.
struct gemm_mma_sync_row {
  arch from;
  gemm_mma_sync_cut large;  // 16-byte copies; a kernel for each of three layouts (NN, NT, TN)
  // k_parts of the large tile. 1: the accumulators leave no registers for the code that shares a tile along k.
  int large_k_parts = 1;
  gemm_mma_sync_cut small = {};    // 16-byte copies, any layout: above all for fewer large tiles than SMs
  gemm_mma_sync_cut few = {};      // 16-byte copies of the long operand: for at most few.block.m rows or columns of C
  gemm_mma_sync_cut strided = {};  // any strides and alignment; each copy is one element
  int small_slowdown_percent = 0;  // time of a multiply-add in a small tile, as a percentage of that in a large one
  evidence measured;
};

// Large tile. Two blocks of 128 x 128 on an SM are as fast as one block of 128 x 256, and leave fewer SMs idle in the
// last wave.
//
// Evidence. bf16 on an H200 (driver 580.159, 2026-11-22, benchmarks/tune_gemm_mma_sync), speed as a ratio to the best
// of cuBLASLt 13.1. Columns: the shape m x n x k; a single number is m = n = k; NT: B is column-major. No number: not
// measured.
//
//   block, warp, stages          512   1024   2048  4096 NT   8192   8192 x 768 x 768   shared memory
//   128 x 128 x 64, 64 x 64, 3   0.63         0.55  0.57      0.57   0.56                96 KiB: sm_80 on
//   128 x 256 x 64, 64 x 64, 3   0.44         0.58  0.56      0.57   0.46               144 KiB
//   128 x 256 x 32, 64 x 64, 6   0.45         0.60  0.56      0.59   0.46               144 KiB
//   64 x 64 x 64, 32 x 32, 4     1.07   0.60        0.35      0.37   0.40                64 KiB
//
// Small tile. By these ratios (0.57 / 0.37 for 8192), a multiply-add takes 1.54 times as long in a small tile as in a
// large one. bf16, C of 3072 x 768 (2026-11-23): 144 large tiles took 78 us with k = 4096, which is about 156 us with k
// = 8192; 576 small tiles took 140 us with k = 8192. Small tiles are faster here, because some of the 132 SMs compute
// two large tiles, and the other SMs wait.
//
// Few rows or columns. The tile has 16 rows, those of one mma.sync instruction. A block has 64 KiB of the long operand
// (the operand of C's longer dimension) in flight; 25 KB for each SM would keep an H200's memory busy. The block's
// shared memory fits every arch from sm_80 on. bf16 on an H200 (2026-11-23), 16 x 4096 x 4096: such a tile, but with 6
// stages and in a kernel for one layout only, took 10 us with 4 blocks for each tile; the small tile took 15 us and
// cuBLASLt 13.5 us.
//
// Strided tile. With twice this block.k, the elements that a lane loads at once would spill on sm_80 to sm_89.
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
                  .figure = "bf16, large tile: 0.55 to 0.63 of the speed of the best of cuBLASLt 13.1"}};

/// The rows of half and bf16.
inline constexpr gemm_mma_sync_row gemm_mma_sync_16_bit_rows[] = {
    taken_from(gemm_mma_sync_16_bit_on_h200, arch::sm_80, "taken from sm_90's row"),
    gemm_mma_sync_16_bit_on_h200,
    taken_from(gemm_mma_sync_16_bit_on_h200, arch::sm_100, "taken from sm_90's row"),
};

/// The rows of tf32. The large tile's warps are 64 x 32, not 64 x 64: operands that are not contiguous along k are read
/// from shared memory element by element, and 64 x 64 would spill.
inline constexpr gemm_mma_sync_row gemm_mma_sync_tf32_rows[] = {
    {.from = arch::sm_80,
     .large = {{128, 128, 32}, {64, 32}, 3},
     .small = {{64, 64, 32}, {32, 32}, 4},
     .few = {{16, 128, 32}, {16, 32}, 5},
     .strided = {{64, 64, 16}, {32, 32}, 3},
     .small_slowdown_percent = 154,
     .measured = not_measured("derived from bf16's row for sm_90")},
};

/// The rows of int8. The tiles of the warps are those of tf32, except in the strided tile: there a warp has 32 x 16,
/// because 32 x 32 would spill on sm_80 to sm_89.
inline constexpr gemm_mma_sync_row gemm_mma_sync_s8_rows[] = {
    {.from = arch::sm_80,
     .large = {{128, 128, 128}, {64, 32}, 3},
     .small = {{64, 64, 128}, {32, 32}, 4},
     .few = {{16, 128, 128}, {16, 32}, 5},
     .strided = {{64, 64, 64}, {32, 16}, 3},
     .small_slowdown_percent = 154,
     .measured = not_measured("derived from bf16's row for sm_90")},
};

/// The rows of fp8. The large tile is half of int8's, with warps of 32 x 32, because sm_90 has no mma.sync for fp8:
/// nvcc's replacement converts each fragment to half, which takes registers.
inline constexpr gemm_mma_sync_row gemm_mma_sync_fp8_rows[] = {
    {.from = arch::sm_80,  // fp8 needs sm_89: on earlier archs the op throws an error before it selects
     .large = {{64, 128, 128}, {32, 32}, 4},
     .large_k_parts = k_parts_as_needed,
     .small = {{64, 64, 128}, {32, 32}, 4},
     .few = {{16, 128, 128}, {16, 32}, 5},
     .strided = {{64, 64, 64}, {32, 16}, 3},
     .small_slowdown_percent = 154,
     .measured = not_measured("derived from bf16's row for sm_90")},
};

/// The rows of double. The tile is smaller than bf16's, because an accumulator takes two registers.
inline constexpr gemm_mma_sync_row gemm_mma_sync_f64_rows[] = {
    {.from = arch::sm_80,
     .large = {{64, 64, 16}, {32, 32}, 4},
     .large_k_parts = k_parts_as_needed,
     .measured = not_measured("derived from bf16's row for sm_90")},
};

/// The rows of T.
template <class T>
constexpr const auto& gemm_mma_sync_rows_of() {
  if constexpr (is_fp8<T>)
    return gemm_mma_sync_fp8_rows;
  else if constexpr (sizeof(T) == 1)
    return gemm_mma_sync_s8_rows;
  else if constexpr (sizeof(T) == 2)
    return gemm_mma_sync_16_bit_rows;
  else if constexpr (sizeof(T) == 4)
    return gemm_mma_sync_tf32_rows;
  else
    return gemm_mma_sync_f64_rows;
}

}  // namespace tilery::inline TILERY_ABI
