// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the GEMM for a C with few rows or few columns (gemm_skinny), and its rules. The long operand is the
// operand of C's longer dimension: B if C has few rows, A if C has few columns. If one tile holds C's shorter
// dimension, the long operand is read once, from global memory into registers. The short operand is the other one of A
// and B.
#pragma once
#pragma GCC system_header

#include <tilery/policies/gemm_rules.hpp>

namespace tilery::inline TILERY_ABI {

/// How `gemm_skinny` cuts a problem. A block computes block.m elements of C along its longer dimension by block.n along
/// the shorter one. The block's warps share k: a piece is 4 * lane_k steps of k, and each warp takes every warps()-th
/// piece. The sums of all warps are added up at the end. A row of an operand is all its elements at one index of m (A)
/// or n (B).
///
/// Loads. A warp reads 32 rows x 4 * lane_k steps of k of the long operand in one iteration. If the operand is aligned
/// for them, the accesses are packs of 16 bytes along k, or packs of up to 4 elements along the longer dimension;
/// otherwise they are single elements.
struct gemm_skinny_policy {
  static constexpr literal name = "gemm_skinny_policy";

  tile_mnk block = {32, 16, 256};  // extents along C's longer and shorter dimension, and k of an iteration of all warps
  int lane_k = 8;                  // steps of k of one iteration of a lane, in each of its 4 rows of the long operand
  int k_parts = 0;  // blocks that share a tile along k; 0: chosen for the problem; stream_k: see gemm_work.hpp
  arch lowest = arch::sm_75;  // the first arch that the kernel is compiled for
  friend constexpr bool operator==(const gemm_skinny_policy&, const gemm_skinny_policy&) = default;

  static constexpr bool m_is_longer_side = true;                    // block.m goes along C's longer dimension
  static constexpr auto sharing_costs = &gemm_sharing_row::skinny;  // for the choice of k_parts (gemm_work.hpp)
  /// False: for the choice of k_parts, gemm_work.hpp uses the same number of warps for accesses of one element as for
  /// accesses of several elements.
  constexpr bool reads_singles() const { return false; }
  // A warp's lanes form a grid of 8 (C's longer dimension) x 4 (k). A lane has lane_long = 4 rows of the long operand.
  static constexpr int warp_long = 8, warp_k = 4, lane_long = 4;

  /// Estimated 32-bit registers of a lane: 4 accumulators (one for each of its rows of the long operand) for each of
  /// the block.n elements of the shorter dimension, the lane's elements of two pieces of the long operand and of one
  /// piece of the short operand, and 96 others.
  constexpr int registers_a_lane(int element_bytes) const {
    const int sums = 4 * block.n * (element_bytes == 8 ? 2 : 1);
    return 96 + sums + (8 + block.n / 8) * lane_k * element_bytes / 4;
  }

  constexpr int warps() const { return block.k / (warp_k * lane_k); }
  constexpr int threads() const { return 32 * warps(); }
  /// Bytes of shared memory. In the k loop: the piece of the short operand of each warp, in the accumulation type, with
  /// 32 bytes of padding after every 16 / element_bytes steps of k. After the k loop, in the same memory: the sums of
  /// each warp, with 32 bytes of padding after every 128 bytes (tile/skinny_sums.hpp).
  constexpr int shared_bytes(int element_bytes) const {
    const int sum_bytes = element_bytes == 8 ? 8 : 4;
    const int pieces = block.k * block.n * sum_bytes + block.k * element_bytes / 16 * 32;
    const int sums = warps() * block.n * sum_bytes * (block.m + 8);
    return greater(pieces, sums);
  }
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const gemm_skinny_policy& p, int element_bytes,
                                  when_broken how = when_broken::say) {
  const int run = 16 / element_bytes;
  if (p.block.m != p.warp_long * p.lane_long)
    return broken("gemm_skinny_policy.block.m must be 32, because a warp has 8 lanes along it, of 4 elements each", how);
  if (p.lane_k < 4 || p.lane_k < run || !is_power_of_two(p.lane_k))
    return broken("gemm_skinny_policy.lane_k must be a power of two, at least 4 and 16 bytes of elements, because a lane reads packs along k", how);
  if (p.block.k < p.warp_k * p.lane_k || p.block.k % (p.warp_k * p.lane_k))
    return broken("gemm_skinny_policy.block.k must be a multiple of 4 lane_k, which is what a warp reads in one iteration", how);
  if (p.block.n < 8 || p.block.n % 8)
    return broken("gemm_skinny_policy.block.n must be a multiple of 8, because a warp loads 8 rows of the short operand at a time", how);
  if (p.block.n % p.warps())
    return broken("gemm_skinny_policy.block.n must be a multiple of the warps, block.k / (4 lane_k), because all lanes finish the same number of sums", how);
  return broken_limits(p, p.shared_bytes(element_bytes), how);
}
// clang-format on

/// The policy in words.
inline sentence describe(const gemm_skinny_policy& p) {
  const sentence block(p.block.m, " x ", p.block.n, " x ", p.block.k);
  return {"gemm_skinny with blocks of ", block, ", ", p.threads(), " threads"};
}

/// Returns null if the policy can run the problem, otherwise the reason. Every shape, stride and alignment is allowed.
constexpr const char* misfit(const gemm_skinny_policy& p, const gemm_problem& problem) {
  return misfit_of_arch(p, problem);
}

}  // namespace tilery::inline TILERY_ABI
