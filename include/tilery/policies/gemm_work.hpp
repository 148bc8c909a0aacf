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

  constexpr bool shared() const { return blocks != tiles; }
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

/// Blocks that share a tile of `steps` along k where `tiles` alone would leave multiprocessors without work. Each has at
/// least 256 of k, and the square of their number stays below the steps: one of them adds up what the others leave.
constexpr std::int64_t parts_along_k(std::int64_t tiles, std::int64_t at_a_time, std::int32_t steps, int block_k) {
  std::int64_t parts = lesser<std::int64_t>(at_a_time / tiles, steps / pieces(256, block_k));
  while (parts > 1 && parts * parts > 2 * std::int64_t{steps}) --parts;
  return greater<std::int64_t>(parts, 1);
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
    w.blocks = lesser(at_a_time, all_steps);
  else if (p.k_parts > 1)
    w.blocks = w.tiles * lesser(p.k_parts, w.steps);
  else if (w.tiles < peaks(problem.target).multiprocessors)
    w.blocks = w.tiles * parts_along_k(w.tiles, at_a_time, w.steps, p.block.k);
  return w;
}

}  // namespace tilery::inline TILERY_ABI
