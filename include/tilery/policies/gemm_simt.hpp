// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the SIMT GEMM (gemm_simt) and its rules. This kernel uses FMA instructions, no tensor cores, and runs
// on any GPU.
#pragma once
#pragma GCC system_header

#include <tilery/policies/gemm_rules.hpp>

namespace tilery::inline TILERY_ABI {

/// How `gemm_simt` cuts a problem. A block computes block.m x block.n of C in steps of block.k; each of its lanes
/// computes lane.m x lane.n, with the accumulators in registers.
struct gemm_simt_policy {
  static constexpr literal name = "gemm_simt_policy";

  tile_mnk block = {128, 128, 8};
  tile_mn lane = {8, 8};
  along a = along::k;      // which dimension of A is contiguous: k (row-major), outer (column-major), or any
  along b = along::outer;  // of B: outer (row-major), k (column-major), or any
  int vector = 4;          // elements of one access to A, B; 1 serves any strides and alignment
  int c_vector = 4;        // elements of one access to C
  int k_parts = 0;         // blocks that share a tile along k; 0: chosen for the problem; stream_k: see gemm_work.hpp
  arch lowest = arch::sm_75;  // the first arch that the kernel is compiled for
  friend constexpr bool operator==(const gemm_simt_policy&, const gemm_simt_policy&) = default;

  /// True if the policy can serve two column-major operands as the transposed problem C^T = B^T A^T
  /// (`transposed_if_needed`).
  constexpr bool may_transpose() const { return vector > 1 && a == along::k && b == along::outer; }
  static constexpr bool m_is_longer_side = false;                 // block.m goes along m of C (or of C^T)
  static constexpr auto sharing_costs = &gemm_sharing_row::simt;  // for the choice of k_parts (gemm_work.hpp)
  /// True if each access to A and B is one element; gemm_work.hpp asks this for the choice of k_parts.
  constexpr bool reads_singles() const { return vector == 1; }
  // A warp's lanes form a grid of 4 (m) x 8 (n). One read of a warp from shared memory broadcasts: it reads 4 packs of
  // A, each for 8 lanes, or 8 packs of B, each for 4 lanes.
  static constexpr int warp_m = 4, warp_n = 8;

  constexpr int warps_m() const { return block.m / (warp_m * lane.m); }
  constexpr int warps_n() const { return block.n / (warp_n * lane.n); }
  constexpr int threads() const { return 32 * warps_m() * warps_n(); }
  /// Estimated 32-bit registers of a lane: its accumulators, 96 others, and with vector = 1 another 16 for addresses.
  constexpr int registers_a_lane(int accumulator_bytes) const {
    return 96 + lane.m * lane.n * accumulator_bytes / 4 + (vector == 1 ? 16 : 0);
  }
  /// Bytes of shared memory: two buffers, each for a tile of A and a tile of B in the accumulation type. In a tile, the
  /// elements of each k are followed by 16 bytes of padding, against bank conflicts.
  constexpr int shared_bytes(int accumulator_bytes) const {
    return 2 * block.k * (block.m * accumulator_bytes + 16 + block.n * accumulator_bytes + 16);
  }
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null. The sentence is the kernel's compile error
/// and the op's error message; the tuner skips policies that break a rule.
constexpr const char* broken_rule(const gemm_simt_policy& p, int accumulator_bytes,
                                  when_broken how = when_broken::say) {
  const int quad = 16 / accumulator_bytes;
  if (const char* common = broken_extents(p, p.lane, how)) return common;
  if (p.lane.m % quad || p.lane.n % quad)
    return broken("gemm_simt_policy.lane must be a multiple of 16 bytes of the accumulation type in m and n, because a lane reads whole packs", how);
  if (p.block.m % (p.warp_m * p.lane.m))
    return broken("gemm_simt_policy.block.m must be a multiple of 4 lane.m, because a warp has 4 lanes along m", how);
  if (p.block.n % (p.warp_n * p.lane.n))
    return broken("gemm_simt_policy.block.n must be a multiple of 8 lane.n, because a warp has 8 lanes along n", how);
  if ((p.a != along::outer || p.b != along::outer) && p.block.k % p.vector)
    return broken("gemm_simt_policy.block.k must be a multiple of vector, because a pack of an operand may be contiguous along k", how);
  if (p.block.m % p.vector || p.block.n % p.vector)
    return broken("gemm_simt_policy.block.m and block.n must be multiples of vector, because a pack of an operand may be contiguous along m or n", how);
  if (p.c_vector != 1 && p.c_vector != quad)
    return broken("gemm_simt_policy.c_vector must be 1 or 16 bytes of the accumulation type, because a store to C takes whole packs of accumulators", how);
  return broken_limits(p, p.shared_bytes(accumulator_bytes), how);
}
// clang-format on

/// The policy in words.
inline sentence describe(const gemm_simt_policy& p) {
  const sentence block(p.block.m, " x ", p.block.n, " x ", p.block.k), lane(p.lane.m, " x ", p.lane.n);
  return {"gemm_simt with blocks of ", block, ", lanes of ", lane, ", ", p.threads(), " threads, ", p.vector,
          " elements a load"};
}

/// Returns null if the policy can run the problem, otherwise the reason.
constexpr const char* misfit(const gemm_simt_policy& p, const gemm_problem& problem) {
  if (const char* why = misfit_of_arch(p, problem)) return why;
  // With vector = 1, every layout is served: `a` and `b` only say along which dimension neighbouring lanes load.
  gemm_simt_policy loads = p;
  if (p.vector == 1) loads.a = loads.b = along::any;
  return misfit_of_operands(loads, transposed_if_needed(p, problem));
}

}  // namespace tilery::inline TILERY_ABI
