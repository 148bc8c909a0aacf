// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many blocks compute a GEMM's tiles. One block computes a tile, unless there are few tiles: then several blocks
// share each tile along k (split-K), or as many blocks as run at once share the k steps of all tiles (stream-K).
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/extent.hpp>
#include <tilery/policies/gemm_problem.hpp>

namespace tilery::inline TILERY_ABI {

/// A policy's `k_parts`: blocks that share a tile along k.
inline constexpr int k_parts_as_needed = 0;  ///< chosen for the problem
inline constexpr int stream_k = -1;          ///< the k steps of all tiles form one sequence, cut into equal pieces

/// How a policy's blocks divide a problem.
struct gemm_work {
  std::int64_t tiles = 0, blocks = 0;
  std::int32_t steps = 0;  // k steps of a tile
  std::int32_t parts = 1;  // blocks that share each tile; 0: stream-K

  constexpr bool shared() const { return parts != 1; }
};

/// Number of a policy's blocks that run at once on the product that stands for an arch (arch_peaks.hpp). Computed from
/// threads, shared memory and registers; unless the policy has registers_a_lane(), a thread is assumed to need 64
/// registers besides its accumulators. `staged_bytes` are the bytes of an element in shared memory.
template <class Policy>
constexpr std::int64_t blocks_at_a_time(const Policy& p, arch target, int staged_bytes, int sum_bytes) {
  const arch_limits& has = limits(target);
  int registers = p.threads() * 64 + p.block.m * p.block.n * (sum_bytes / 4);
  if constexpr (requires { p.registers_a_lane(staged_bytes); })
    registers = p.threads() * p.registers_a_lane(staged_bytes);
  int blocks = has.shared_bytes_per_multiprocessor / (p.shared_bytes(staged_bytes) + 1024);
  blocks = lesser(blocks, has.threads_per_multiprocessor / p.threads());
  blocks = lesser(blocks, has.registers_per_multiprocessor / registers);
  return std::int64_t{greater(blocks, 1)} * peaks(target).multiprocessors;
}

/// Number of blocks that share each of a few tiles: `wanted` blocks in all, each with at least `least_k` of k. The
/// square of the number is at most 2 * steps, because the last block of a tile adds up the sums of all its blocks.
constexpr std::int32_t parts_along_k(std::int64_t tiles, std::int64_t wanted, std::int32_t steps, int block_k,
                                     int least_k) {
  auto parts = static_cast<std::int32_t>(lesser<std::int64_t>(wanted / tiles, steps / pieces(least_k, block_k)));
  while (parts > 1 && std::int64_t{parts} * parts > 2 * std::int64_t{steps}) --parts;
  return greater(parts, 1);
}

/// Chooses `parts` of gemm_work for a policy with k_parts_as_needed.
///
/// Evidence, H200, 2026-11-23. An SM needs 4 warps on tensor cores and 8 without, and more where they wait for single
/// elements. Sharing tiles costs as much as 512 of k on tensor cores (1024 with stream-K, where a block has parts of
/// two tiles), and as much as 192 of k without. With stream-K, blocks that run at once work on tiles that are far
/// apart, and hit the L2 cache less often: it pays only if there are at most two waves. Since this measurement, small
/// tensor-core tiles are combined in registers. That is not measured; more parts may pay.
///
///   microseconds, by parts             1      2      4      8     16     32   stream-K
///   bf16, 64 x 64 tiles
///   16 x 4096 x 4096, 64 tiles        20   15.3   16.4   21.8   29.7   39.2   19.5
///   128 x 784 x 8192, 26 tiles        38   23.7   15.7   16.6   20.9   28.5   19.6
///   128 x 128 x 65536, 4 tiles       250  130.0   69.6   40.6   25.8   21.7   34.7
///   768 x 768 x 8192, 144 tiles       59   49.7   45.6   50.3   59.1   81.8   45.4
///   768 x 3072 x 8192, 576 tiles     140  137.1  148.8  160.1  193.2  274.9  144.6
///   1024 x 1024 x 1024, 256 tiles     11   19.8   24.4   35.7   55.9   56.1   18.7
///   f32, 64 x 64 tiles
///   16 x 4096 x 4096                 207  109.8   71.5   84.8   76.3   85.9   78.7
///   128 x 128 x 65536               3100 1556.8  791.1  399.5  206.4  112.1  106.9
///   f32, 256 x 128 tiles
///   768 x 768 x 8192, 18 tiles      1494  773.1  398.6  395.5  315.5  294.2  232.3
///   768 x 3072 x 8192, 72 tiles     1531 1495.8 1134.4  964.8  917.8  956.5  853.4
///   8192 x 768 x 768, 192 tiles      293  251.4  275.8  310.3  401.8  612.4  235.9
template <class Policy>
constexpr std::int32_t parts_as_needed(const Policy& p, const gemm_work& w, arch target, std::int64_t at_a_time) {
  const std::int64_t wanted =
      std::int64_t{peaks(target).multiprocessors} * greater(p.warps_wanted() * 32 / p.threads(), 1);
  if (w.tiles < wanted) {
    const std::int32_t parts = parts_along_k(w.tiles, wanted, w.steps, p.block.k, p.least_k);
    if (10 * w.tiles * parts >= 8 * wanted || w.tiles * 3 <= wanted) return parts;
  }
  const std::int64_t waves = (w.tiles + wanted - 1) / wanted, k_a_block = w.tiles * w.steps * p.block.k / at_a_time;
  return waves <= 2 && 4 * w.tiles < 3 * waves * wanted && k_a_block >= p.least_k_of_stream ? 0 : 1;
}

/// Divides the `batches` problems of this shape among blocks. Steps have 32-bit numbers: problems with more steps in
/// all are not shared.
template <class Policy>
constexpr gemm_work work_of(const Policy& p, const gemm_problem& asked, int staged_bytes, int sum_bytes) {
  const gemm_problem problem = transposed_if_needed(p, asked);
  gemm_work w;
  w.tiles = tiles_of(p, problem.m, problem.n) * problem.batches;
  w.steps = pieces(problem.k, p.block.k);
  w.blocks = w.tiles;
  const std::int64_t all_steps = w.tiles * w.steps;
  if (w.tiles == 0 || w.steps < 2 || p.k_parts == 1 || all_steps > largest_extent) return w;
  const std::int64_t at_a_time = blocks_at_a_time(p, problem.target, staged_bytes, sum_bytes);
  if (p.k_parts == stream_k)
    w.parts = 0;
  else if (p.k_parts > 1)
    w.parts = lesser(p.k_parts, w.steps);
  else
    w.parts = parts_as_needed(p, w, problem.target, at_a_time);
  w.blocks = w.parts == 0 ? lesser(at_a_time, all_steps) : w.tiles * w.parts;
  return w;
}

}  // namespace tilery::inline TILERY_ABI
