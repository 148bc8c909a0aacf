// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many blocks compute a GEMM's tiles. One block computes a tile, unless there are few tiles or the policy's k_parts
// says otherwise. Then either several blocks share each tile along k (split-K), or at most as many blocks as the GPU
// runs at once share the k steps of all tiles (stream-K). A k step is block.k elements along k of one tile.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch_peaks.hpp>
#include <tilery/core/extent.hpp>
#include <tilery/policies/gemm_problem.hpp>
#include <tilery/policies/gemm_sharing.hpp>

namespace tilery::inline TILERY_ABI {

/// Values of a policy's `k_parts`, the number of blocks that share a tile along k.
inline constexpr int k_parts_as_needed = 0;  ///< work_of() chooses the number for the problem
inline constexpr int stream_k = -1;          ///< the k steps of all tiles form one sequence, divided among the blocks

/// How a policy's blocks divide a problem.
struct gemm_work {
  std::int64_t tiles = 0, blocks = 0;  // of the whole problem, all its batches together
  std::int32_t steps = 0;              // k steps of a tile
  std::int32_t parts = 1;              // blocks that share each tile; 0: stream-K

  constexpr bool shared() const { return parts != 1; }
};

/// Returns the number of a policy's blocks that run at once on the GPU model that stands for an arch (arch_peaks.hpp),
/// at least one for each SM. Computed from a block's threads, shared memory and registers; unless the policy has
/// registers_a_lane(), a thread is assumed to need 64 registers besides its accumulators. `staged_bytes` is the element
/// size in bytes that the policy's shared_bytes() and registers_a_lane() take as argument; `sum_bytes` is the size of
/// an accumulator in bytes.
template <class Policy>
constexpr std::int64_t blocks_at_once(const Policy& p, arch target, int staged_bytes, int sum_bytes) {
  constexpr int other_registers = 64, reserved_bytes = 1024;  // CUDA reserves 1 KiB of shared memory for each block
  const arch_limits& has = limits(target);
  int registers = p.threads() * other_registers + p.block.m * p.block.n * (sum_bytes / 4);
  if constexpr (requires { p.registers_a_lane(staged_bytes); })
    registers = p.threads() * p.registers_a_lane(staged_bytes);
  int blocks = has.shared_bytes_per_multiprocessor / (p.shared_bytes(staged_bytes) + reserved_bytes);
  blocks = lesser(blocks, has.threads_per_multiprocessor / p.threads());
  blocks = lesser(blocks, has.registers_per_multiprocessor / registers);
  return std::int64_t{greater(blocks, 1)} * peaks(target).multiprocessors;
}

/// Returns the number of blocks that share each tile, at least 1: as many as give at most `wanted` blocks in all, each
/// with at least `least_k` elements along k. Also, the square of the number is at most 2 * steps: the last block of a
/// tile adds up the sums of all its blocks, and this time grows with the number, while the k steps of a block become
/// fewer.
constexpr std::int32_t parts_along_k(std::int64_t tiles, std::int64_t wanted, std::int32_t steps, int block_k,
                                     int least_k) {
  auto parts = static_cast<std::int32_t>(lesser<std::int64_t>(wanted / tiles, steps / pieces(least_k, block_k)));
  while (parts > 1 && std::int64_t{parts} * parts > 2 * std::int64_t{steps}) --parts;
  return greater(parts, 1);
}

/// Returns gemm_work::parts (0: stream-K) for a policy with k_parts_as_needed, by the constants of gemm_sharing.hpp.
/// `at_once` is the number of blocks that run at once. Below, `wanted` is the number of blocks whose warps keep all SMs
/// busy, and a wave is `wanted` tiles.
template <class Policy>
constexpr std::int32_t parts_as_needed(const Policy& p, const gemm_work& w, arch target, std::int64_t at_once) {
  const gemm_sharing_row& row = sharing_on(target);
  const gemm_sharing_costs& costs = row.*Policy::sharing_costs;
  const int warps = p.reads_singles() ? costs.warps_of_singles : costs.warps;
  const std::int64_t wanted = std::int64_t{peaks(target).multiprocessors} * greater(warps * 32 / p.threads(), 1);
  if (w.tiles < wanted) {
    const std::int32_t parts = parts_along_k(w.tiles, wanted, w.steps, p.block.k, costs.least_k);
    if (100 * w.tiles * parts >= row.enough_percent * wanted || row.always_from_parts * w.tiles <= wanted) return parts;
  }
  const std::int64_t waves = (w.tiles + wanted - 1) / wanted, k_a_block = w.tiles * w.steps * p.block.k / at_once;
  const bool streams = waves <= row.most_waves_of_stream &&
                       100 * w.tiles < row.full_percent_of_stream * waves * wanted &&
                       k_a_block >= costs.least_k_of_stream;
  return streams ? 0 : 1;
}

/// Divides the `batches` GEMMs of a problem among blocks. Shared tiles number the k steps of all tiles in 32 bits: if
/// there are more than largest_extent k steps, no tile is shared.
template <class Policy>
constexpr gemm_work work_of(const Policy& p, const gemm_problem& asked, int staged_bytes, int sum_bytes) {
  const gemm_problem problem = transposed_if_needed(p, asked);
  gemm_work w;
  w.tiles = tiles_of(p, problem.m, problem.n) * problem.batches;
  w.steps = problem.taps * pieces(problem.k, p.block.k);
  w.blocks = w.tiles;
  const std::int64_t all_steps = w.tiles * w.steps;
  if (w.tiles == 0 || w.steps < 2 || p.k_parts == 1 || all_steps > largest_extent) return w;
  const std::int64_t at_once = blocks_at_once(p, problem.target, staged_bytes, sum_bytes);
  if (p.k_parts == stream_k)
    w.parts = 0;
  else if (p.k_parts > 1)
    w.parts = lesser(p.k_parts, w.steps);
  else
    w.parts = parts_as_needed(p, w, problem.target, at_once);
  w.blocks = w.parts == 0 ? lesser(at_once, all_steps) : w.tiles * w.parts;
  return w;
}

}  // namespace tilery::inline TILERY_ABI
