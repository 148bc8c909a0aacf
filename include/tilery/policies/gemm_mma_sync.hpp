// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the GEMM on tensor cores through mma.sync (sm_80 and later), and its rules.
#pragma once
#pragma GCC system_header

#include <tilery/policies/gemm_rules.hpp>

namespace tilery::inline TILERY_ABI {

/// The type in which tensor cores multiply. itself: the elements' own type, for all elements but float, for which
/// tensor cores have no instruction. For float: tf32 keeps 10 bits of fraction of each operand; tf32x3 splits each
/// operand into two tf32 parts and adds three products of these parts, which is nearly as accurate as float.
enum class multiply_as : int { itself, tf32, tf32x3 };

/// How `gemm_mma_sync` cuts a problem. A block computes block.m x block.n of C in steps of block.k; each of its warps
/// computes warp.m x warp.n. Shared memory holds `stages` tiles of A and of B, of which `stages` - 1 are in flight.
struct gemm_mma_sync_policy {
  static constexpr literal name = "gemm_mma_sync_policy";

  tile_mnk block = {128, 128, 64};
  tile_mn warp = {64, 64};
  int stages = 3;
  along a = along::k;      // which dimension of A is contiguous: k (row-major), outer (column-major), or any
  along b = along::outer;  // of B: outer (row-major), k (column-major), or any
  int vector = 8;          // elements of one access to A, B; 1 serves any strides and alignment
  // True: the policy is for a C with few rows or few columns. block.m then goes along C's shorter dimension (along m,
  // if A and B differ in type), and the operand of that dimension may have any layout and alignment.
  bool few = false;
  int c_vector = 4;  // elements of one access to C (double: 2); 1 serves any strides and alignment
  multiply_as math = multiply_as::itself;  // float: must be tf32 or tf32x3
  int k_parts = 0;      // blocks that share a tile along k; 0: chosen for the problem; stream_k: see gemm_work.hpp
  int raster_rows = 8;  // rows of tiles in a band; blocks take a band's tiles column by column, for the L2 cache
  arch lowest = arch::sm_80;  // the first arch that the kernel is compiled for
  friend constexpr bool operator==(const gemm_mma_sync_policy&, const gemm_mma_sync_policy&) = default;

  /// True if the policy can serve a problem as the transposed problem C^T = B^T A^T (`transposed_if_needed`): a problem
  /// with two column-major operands, or, with `few`, with fewer columns than rows. A and B must then have the same
  /// type.
  constexpr bool may_transpose() const { return few || (vector > 1 && a == along::k && b == along::outer); }
  /// True if the kernel looks up the layouts of A and B, both along::any, at run time. The kernel then contains one k
  /// loop for each layout. False with vector = 1: a single k loop serves every layout.
  constexpr bool looks_up() const { return vector > 1 && a == along::any; }
  /// Returns this policy with `a` and `b` replaced.
  constexpr gemm_mma_sync_policy laid_out(along new_a, along new_b) const {
    gemm_mma_sync_policy p = *this;
    p.a = new_a, p.b = new_b;
    return p;
  }
  static constexpr bool m_is_longer_side = false;  // block.m goes along m of C (or of C^T), even if n is larger
  static constexpr auto sharing_costs = &gemm_sharing_row::mma_sync;  // for the choice of k_parts (gemm_work.hpp)
  /// True if each access to A and B is one element; gemm_work.hpp asks this for the choice of k_parts.
  constexpr bool reads_singles() const { return vector == 1; }

  constexpr int warps_m() const { return block.m / warp.m; }
  constexpr int warps_n() const { return block.n / warp.n; }
  constexpr int threads() const { return 32 * warps_m() * warps_n(); }
  /// Bytes of the tiles of A and B in all stages.
  constexpr int ring_bytes(int element_bytes) const { return stages * (block.m + block.n) * block.k * element_bytes; }
  /// Bytes of shared memory that the epilogue needs: after the k loop, the memory of the stages holds accumulators of
  /// each warp, 16 rows of 4-byte accumulators or 8 rows of 8-byte accumulators. A row has 8 columns of padding.
  constexpr int store_bytes() const { return warps_m() * warps_n() * 16 * (warp.n + 8) * 4; }
  /// Bytes of shared memory, a multiple of 128: the tiles, or the accumulators that replace them after the k loop.
  constexpr int shared_bytes(int element_bytes) const {
    const int bytes = ring_bytes(element_bytes) > store_bytes() ? ring_bytes(element_bytes) : store_bytes();
    return (bytes + 127) / 128 * 128;
  }
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const gemm_mma_sync_policy& p, int element_bytes,
                                  when_broken how = when_broken::say) {
  if (element_bytes == 4 && p.math == multiply_as::itself)
    return broken("gemm_mma_sync_policy.math must be tf32 or tf32x3 for float, because tensor cores cannot multiply float elements", how);
  if (element_bytes != 4 && p.math != multiply_as::itself)
    return broken("gemm_mma_sync_policy.math is for float alone; it must be multiply_as::itself for other elements", how);
  if (const char* common = broken_extents(p, p.warp, how)) return common;
  if (p.warp.m % 16 || p.warp.n % 16)
    return broken("gemm_mma_sync_policy.warp must be a multiple of 16 in m and n, because ldmatrix loads fragments of 16", how);
  if (p.block.m % p.warp.m || p.block.n % p.warp.n)
    return broken("gemm_mma_sync_policy.block must be a multiple of warp in m and n", how);
  if (p.block.k * element_bytes % 64)
    return broken("gemm_mma_sync_policy.block.k must be a multiple of 64 bytes, because the k loop alternates between two register buffers, of 32 bytes of k each", how);
  // In shared memory, a row of a tile of A or B runs along the tile's contiguous dimension, in 16-byte chunks. These
  // are the lengths, in elements, of the rows that run along k, m and n in the kernel's k loops; 0: there are none.
  const int k_row = p.a != along::outer || p.b != along::outer ? p.block.k : 0;
  const int m_row = p.a == along::outer || (p.looks_up() && !p.few) ? p.block.m : 0;
  const int n_row = p.b == along::outer || p.looks_up() ? p.block.n : 0;
  const auto each_row = [&](auto holds) { return (k_row == 0 || holds(k_row)) && (m_row == 0 || holds(m_row)) && (n_row == 0 || holds(n_row)); };
  if (!each_row(is_power_of_two))
    return broken("gemm_mma_sync_policy.block must be a power of two along the contiguous dimension of A and of B, because the swizzle permutes 16-byte chunks by exclusive or", how);
  if (p.stages < 2)
    return broken("gemm_mma_sync_policy.stages must be at least 2: one that is multiplied and one in flight", how);
  if (p.vector * element_bytes > 16)
    return broken("gemm_mma_sync_policy.vector must be at most 16 bytes, because cp.async copies at most 16 bytes", how);
  if ((p.a == along::any) != (p.b == along::any) && p.vector != 1)
    return broken("gemm_mma_sync_policy.a and b must both be along::any, or neither, where vector is more than 1, because the kernel reads both layouts at run time, or neither", how);
  if (p.few && !p.looks_up())
    return broken("gemm_mma_sync_policy.few needs a and b along::any and vector above 1, because either of them may be the long operand", how);
  if (p.c_vector != 1 && p.c_vector != (element_bytes == 8 ? 2 : 4))
    return broken("gemm_mma_sync_policy.c_vector must be 1, or 4 (double: 2), because a store to C takes 16 bytes of accumulators", how);
  if (p.raster_rows < 1) return broken("gemm_mma_sync_policy.raster_rows must be at least 1", how);
  if (!each_row([&](int row) { return row * element_bytes >= 16; }))
    return broken("gemm_mma_sync_policy: a row of A's and B's tiles must be at least 16 bytes", how);
  if (!has_features(p.lowest, features::copy_async | features::mma_f16))
    return broken("gemm_mma_sync_policy.lowest must be sm_80 or later, which have cp.async and mma.sync of 16 x 8 x 16", how);
  if (!each_row([&](int row) { return p.threads() % (row * element_bytes / 16) == 0; }))
    return broken("gemm_mma_sync_policy: the threads must be a multiple of the 16-byte chunks in a row of A's and B's tiles, because lanes copy whole rows", how);
  return broken_limits(p, p.shared_bytes(element_bytes), how);
}
// clang-format on

/// The policy in words.
inline sentence describe(const gemm_mma_sync_policy& p) {
  const sentence block(p.block.m, " x ", p.block.n, " x ", p.block.k), warp(p.warp.m, " x ", p.warp.n);
  return {sentence("gemm_mma_sync with blocks of ", block, ", warps of ", warp, ", "), p.stages, " stages, ", p.vector,
          " elements a copy"};
}

/// Returns null if the policy can run the problem, otherwise the reason.
constexpr const char* misfit(const gemm_mma_sync_policy& p, const gemm_problem& problem) {
  if (const char* why = misfit_of_arch(p, problem)) return why;
  return misfit_of_operands(p, transposed_if_needed(p, problem), p.few);
}

}  // namespace tilery::inline TILERY_ABI
