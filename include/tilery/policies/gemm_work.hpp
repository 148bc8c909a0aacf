// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many blocks a GEMM's tiles are given to. Where tiles are fewer than multiprocessors, several blocks share each
// along k (split-K); a policy may also ask for as many blocks as run at a time, each with as many steps (stream-K).
#pragma once

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/extent.hpp>
#include <tilery/policies/gemm_problem.hpp>

namespace tilery::inline TILERY_ABI {

/// A policy's `k_parts`: blocks that share a tile along k.
inline constexpr int k_parts_as_needed = 0;  ///< what the problem needs
inline constexpr int stream_k = -1;          ///< no number of them: all tiles' steps are one row, cut into even pieces

/// What becomes of a problem with a policy.
struct gemm_work {
  std::int64_t tiles = 0, blocks = 0;
  std::int32_t steps = 0;  // of a tile along k
  std::int32_t parts = 1;  // blocks that share each tile; 0: the blocks share the steps of all tiles

  constexpr bool shared() const { return parts != 1; }
};

/// Blocks of a policy that run at a time on the product that stands for an arch, from their threads, shared memory and
/// sums; a lane is taken to need 64 registers besides its sums. `staged_bytes` are those of an element in shared memory.
template <class Policy>
constexpr std::int64_t blocks_at_a_time(const Policy& p, arch target, int staged_bytes, int sum_bytes) {
  const arch_limits& has = limits(target);
  const int registers = p.threads() * 64 + p.block.m * p.block.n * (sum_bytes / 4);
  int blocks = has.shared_bytes_per_multiprocessor / (p.shared_bytes(staged_bytes) + 1024);
  blocks = lesser(blocks, has.threads_per_multiprocessor / p.threads());
  blocks = lesser(blocks, has.registers_per_multiprocessor / registers);
  return std::int64_t{greater(blocks, 1)} * peaks(target).multiprocessors;
}

/// Blocks that share each of so few tiles: `wanted` in all, each with at least `least_k` of k. The square of their number
/// stays below twice the steps, because one of them adds up what the others leave.
constexpr std::int32_t parts_along_k(std::int64_t tiles, std::int64_t wanted, std::int32_t steps, int block_k,
                                     int least_k) {
  auto parts = static_cast<std::int32_t>(lesser<std::int64_t>(wanted / tiles, steps / pieces(least_k, block_k)));
  while (parts > 1 && std::int64_t{parts} * parts > 2 * std::int64_t{steps}) --parts;
  return greater(parts, 1);
}

/// The selector's choice of `parts`. Measured on an H200 (2026-11-23): a multiprocessor wants 4 warps on tensor cores and 8 without
/// them; to share tiles costs what 512 (1024 if more than one block then has two parts of tiles) of k cost on tensor
/// cores, 192 without them.
///
///   bf16, 64 x 64 tiles, us, by parts  1      2      4      8     16     32   stream-K
///   16 x 4096 x 4096, 64 tiles        20   15.0   15.6   20.7   29.7   41.4   18.4
///   128 x 784 x 8192, 26 tiles        38   23.7   15.7   16.6   20.9   28.5   19.6
///   128 x 128 x 65536, 4 tiles       255  132.5   69.7   39.8   27.0   24.7   47.2
///   768 x 768 x 8192, 144 tiles       58   49.1   44.7   49.9   59.8   85.7   43.7
///   1024 x 1024 x 1024, 256 tiles     12   19.2   23.1   34.6   56.1   56.0   17.6
///   f32, 64 x 64 tiles
///   16 x 4096 x 4096                 204  108.1   69.8   84.2   77.4   84.6   76.6
///   128 x 128 x 65536               3198 1606.6  806.6  406.7  209.7  113.5  106.7
///   768 x 768 x 8192                 482  339.1  343.6  283.1  262.3  268.8  299.7
template <class Policy>
constexpr std::int32_t parts_as_needed(const Policy& p, const gemm_work& w, arch target, std::int64_t at_a_time) {
  const std::int64_t multiprocessors = peaks(target).multiprocessors;
  const std::int64_t wanted = multiprocessors * greater(p.warps_wanted * 32 / p.threads(), 1);
  if (w.tiles < wanted) {
    const std::int32_t parts = parts_along_k(w.tiles, wanted, w.steps, p.block.k, p.least_k);
    if (10 * w.tiles * parts >= 8 * wanted || w.tiles * 3 <= wanted) return parts;
  }
  // What the last wave of whole tiles leaves empty is worth it from a tenth of all on.
  const std::int64_t waves = (w.tiles + at_a_time - 1) / at_a_time, k_a_block = w.tiles * w.steps * p.block.k / at_a_time;
  return 10 * w.tiles < 9 * waves * at_a_time && k_a_block >= p.least_k_of_stream ? 0 : 1;
}

/// The blocks of `batches` problems of this shape. Row numbers of steps are 32 bits wide: what exceeds them is not
/// shared.
template <class Policy>
constexpr gemm_work work_of(const Policy& p, const gemm_problem& problem, int staged_bytes, int sum_bytes) {
  gemm_work w;
  w.tiles = std::int64_t{pieces(problem.m, p.block.m)} * pieces(problem.n, p.block.n) * problem.batches;
  w.steps = pieces(problem.k, p.block.k);
  w.blocks = w.tiles;
  const std::int64_t all_steps = w.tiles * w.steps;
  if (w.steps < 2 || p.k_parts == 1 || all_steps > largest_extent) return w;
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
