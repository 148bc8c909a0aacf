// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the CPU GEMM and its rules. The policy says which part of the problem stays in which memory: a tile of
// C in vector registers, a strip of A (rows of A) in the L1 cache, a block of B (columns of B) in the L2 cache, and the
// packed copies of A and B, if they are made, in the L3 cache. A packed copy holds elements in the order of their use.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/error.hpp>
#include <tilery/policies/gemm_problem.hpp>

namespace tilery::inline TILERY_ABI {

/// How `gemm_cpu` cuts a problem. The defaults are for float and AVX-512. A pass multiplies at most k_block
/// steps of k; the sums of C are kept in memory between two passes.
struct gemm_cpu_policy {
  int rows = 6;               // rows of the register tile
  int vectors = 4;            // columns of the register tile, in vector registers
  int k_block = 512;          // extent of a pass along k: a strip of A, rows x k_block, stays in the L1 cache
  int n_block = 320;          // columns of B: a block of B, k_block x n_block, stays in the L2 cache
  int m_span = 4096;          // rows of A that are packed at once: a limit for the size of the workspace
  int n_span = 4096;          // columns of B that are packed at once: a limit for the size of the workspace
  bool a_in_place = true;     // do not pack an A that is contiguous along k and needs no conversion
  bool b_in_place = false;    // do not pack a B that is contiguous along n and needs no conversion
  host_isa isa = native_isa;  // the instruction set, and so the vector registers, that the kernel may use
  friend constexpr bool operator==(const gemm_cpu_policy&, const gemm_cpu_policy&) = default;

  /// Returns the number of elements of the accumulation type in a vector register.
  constexpr int lanes(int accumulator_bytes) const { return vector_bytes(isa) / accumulator_bytes; }
  /// Returns the number of columns of the register tile.
  constexpr int columns(int accumulator_bytes) const { return vectors * lanes(accumulator_bytes); }
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const gemm_cpu_policy& p, int accumulator_bytes, when_broken how = when_broken::say) {
  if (p.rows < 1 || p.vectors < 1 || p.k_block < 1 || p.n_block < 1 || p.m_span < 1 || p.n_span < 1)
    return broken("gemm_cpu_policy: rows, vectors, blocks and spans must be positive", how);
  if (static_cast<int>(p.isa) > static_cast<int>(native_isa))
    return broken("gemm_cpu_policy.isa must not be wider than the instructions that this unit is compiled for; link tilery::native", how);
  // Registers: the tile's accumulators, one row of B, and one broadcast element of A.
  if (p.rows * p.vectors + p.vectors + 1 > (p.isa == host_isa::avx512 ? 32 : 16))
    return broken("gemm_cpu_policy: rows * vectors + vectors + 1 must be at most the vector registers of its isa (32 with AVX-512, else 16), because the sums stay in registers", how);
  if (p.n_block % p.columns(accumulator_bytes) || p.n_span % p.columns(accumulator_bytes))
    return broken("gemm_cpu_policy.n_block and n_span must be multiples of the register tile's columns, because B is packed in panels as wide as the tile", how);
  return nullptr;
}
// clang-format on

/// The policy in words.
inline sentence describe(const gemm_cpu_policy& p) {
  const char* const a = p.a_in_place ? "A read in place" : "A packed";
  const char* const b = p.b_in_place ? "B read in place" : "B packed";
  const sentence tile(p.rows, " rows x ", p.vectors, " vectors of ", vector_bytes(p.isa), " bytes");
  return {"gemm_cpu with register tiles of ", tile, ", ", p.k_block, " k a pass, ", a, ", ", b};
}

/// Returns null if the policy can run the problem, otherwise the reason. The only condition is the CPU: every shape,
/// stride and alignment is allowed.
constexpr const char* misfit(const gemm_cpu_policy&, const gemm_problem& problem) {
  return problem.target == arch::cpu ? nullptr : "a gemm_cpu_policy runs on the cpu executor only";
}

}  // namespace tilery::inline TILERY_ABI
