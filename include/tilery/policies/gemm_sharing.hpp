// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The measured constants that decide how many blocks share a GEMM's tile along k, by kernel and arch, with their
// evidence (the measurements that they come from). If blocks share a tile, each multiplies a part of k, and the last
// block adds up their sums (split-K). With stream-K, the blocks that run at once share the k loops of all tiles as one
// sequence. Used in gemm_work.hpp. To tune an arch, add a row to gemm_sharing_rows (policy_table.hpp).
#pragma once
#pragma GCC system_header

#include <tilery/policies/policy_table.hpp>

namespace tilery::inline TILERY_ABI {

/// The constants of one kernel.
struct gemm_sharing_costs {
  /// The smallest extent along k, in elements, of a block's part of a shared tile. Sharing a tile costs as much time as
  /// a block takes to multiply over this extent.
  int least_k;
  int least_k_of_stream;  // with stream-K: smallest extent along k of all parts of a block together (of several tiles)
  int warps;              // warps that keep an SM busy, if an access has several elements
  int warps_of_singles;   // warps that keep an SM busy if each access is one element
};

/// A row of the table. The "wanted" number of blocks keeps all SMs busy: it is computed from `warps` or
/// `warps_of_singles` (parts_as_needed() in gemm_work.hpp). A wave is the wanted number of tiles.
struct gemm_sharing_row {
  arch from;
  gemm_sharing_costs simt, mma_sync, skinny;
  // If there are fewer tiles than wanted blocks, the tiles are shared (split-K, as far as k is long enough) if one of
  // two conditions holds: the blocks are then at least enough_percent % of the wanted number, or the wanted number is
  // at least always_from_parts times the number of tiles.
  int enough_percent;
  int always_from_parts;
  // Otherwise stream-K is used if the tiles make at most most_waves_of_stream waves, fill less than
  // full_percent_of_stream % of these waves, and give each block at least least_k_of_stream elements along k.
  int most_waves_of_stream;
  int full_percent_of_stream;
  evidence measured;
};

// An SM needs 4 warps with tensor cores (mma_sync) and 8 without (simt), and 20 if the warps wait for accesses of one
// element. Sharing a tile costs as much time as a block takes for 512 elements along k with tensor cores (1024 with
// stream-K), and for 192 without. For gemm_skinny, an SM needs one block, and sharing a tile costs about 4 us, in which
// an SM reads 1000 elements along k of its tile. With stream-K, blocks that run at once work on tiles that are far
// apart, and hit the L2 cache less often: stream-K pays only if there are at most two waves. Since this measurement,
// the last block of a shared tile adds up the blocks' sums in registers if the tile is a small one on tensor cores
// (combined_in_registers in tile/mma_tile.hpp). The cost of this addition is not measured; sharing with more blocks may
// pay.
//
// Evidence. H200, 2026-11-23. Time in microseconds of a GEMM of m x n x k, by the number of blocks that share a tile:
//
//                                      1      2      4      8     16     32   stream-K
//   bf16, 64 x 64 tiles
//   16 x 4096 x 4096, 64 tiles        20   15.3   16.4   21.8   29.7   39.2   19.5
//   128 x 784 x 8192, 26 tiles        38   23.7   15.7   16.6   20.9   28.5   19.6
//   128 x 128 x 65536, 4 tiles       250  130.0   69.6   40.6   25.8   21.7   34.7
//   768 x 768 x 8192, 144 tiles       59   49.7   45.6   50.3   59.1   81.8   45.4
//   768 x 3072 x 8192, 576 tiles     140  137.1  148.8  160.1  193.2  274.9  144.6
//   1024 x 1024 x 1024, 256 tiles     11   19.8   24.4   35.7   55.9   56.1   18.7
//   f32, 64 x 64 tiles
//   16 x 4096 x 4096                 207  109.8   71.5   84.8   76.3   85.9   78.7
//   128 x 128 x 65536               3100 1556.8  791.1  399.5  206.4  112.1  106.9
//   f32, 256 x 128 tiles
//   768 x 768 x 8192, 18 tiles      1494  773.1  398.6  395.5  315.5  294.2  232.3
//   768 x 3072 x 8192, 72 tiles     1531 1495.8 1134.4  964.8  917.8  956.5  853.4
//   8192 x 768 x 768, 192 tiles      293  251.4  275.8  310.3  401.8  612.4  235.9
inline constexpr gemm_sharing_row gemm_sharing_on_h200 =
    {.from = arch::sm_90,
     .simt = {192, 192, 8, 20},
     .mma_sync = {512, 1024, 4, 20},
     .skinny = {1024, 1024, 1, 1},
     .enough_percent = 80,
     .always_from_parts = 3,
     .most_waves_of_stream = 2,
     .full_percent_of_stream = 75,
     .measured = {.machine = "H200",
                  .when = "2026-11-23",
                  .command =
                      "benchmarks/run.sh --run gemm_gpu -- --policies, with policies of each k_parts in gemm_gpu.cu",
                  .figure = "bf16, 128 x 128 x 65536, 64 x 64 tiles: 250 us by 1 block a tile, 21.7 us by 32"}};

inline constexpr gemm_sharing_row gemm_sharing_rows[] = {
    taken_from(gemm_sharing_on_h200, arch::sm_75, "taken from sm_90's row"),
    gemm_sharing_on_h200,
    taken_from(gemm_sharing_on_h200, arch::sm_100, "taken from sm_90's row"),
};

/// Returns the row for a device of the arch `target`; the first row if that is for a later arch than `target`.
constexpr const gemm_sharing_row& sharing_on(arch target) {
  const int row = row_for(gemm_sharing_rows, target);
  return gemm_sharing_rows[row < 0 ? 0 : row];
}

}  // namespace tilery::inline TILERY_ABI
