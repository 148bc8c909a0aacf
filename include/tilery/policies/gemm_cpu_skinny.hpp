// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the CPU GEMM for a C with few rows or few columns, and its rules. Memory bandwidth limits the speed of
// such a problem. The long operand is the operand of C's longer dimension: B if C has few rows, A if C has few columns.
// The long operand is read from memory once, in place, and never packed. The short operand is the other one of A and B;
// the short operand is packed.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/error.hpp>
#include <tilery/policies/gemm_problem.hpp>

namespace tilery::inline TILERY_ABI {

/// How `gemm_cpu_skinny` cuts a problem. The defaults serve AVX-512 and narrower vectors.
///
/// Lines. A line is a contiguous part of the long operand. If the long operand is contiguous along k, a line runs along
/// k, at one index of C's longer dimension. Otherwise the long operand is contiguous along C's longer dimension, and a
/// line runs along that dimension, at one index of k.
///
/// Rows. A row of the short operand is all its elements at one index of C's shorter dimension.
///
/// Pieces. A piece is the part of the long operand that one thread multiplies by the whole short operand before it
/// takes its next piece.
///
/// Register tiles. If lines run along k, a piece is multiplied in one of two ways: in the register tiles of gemm_cpu
/// (if has_tiles(), C's shorter dimension is at least tile_few, and the elements need no conversion), or line by line.
struct gemm_cpu_skinny_policy {
  int few = 16;                                       // largest extent that C's shorter dimension may have
  int rows = native_isa == host_isa::avx512 ? 4 : 2;  // rows of the short operand that are multiplied at once
  int lines = 4;                                      // lines of the long operand that are read at once
  int group = 16;       // lines of a piece, if lines run along k and register tiles are not used
  int tile_few = 5;     // smallest extent of C's shorter dimension with which register tiles are used
  int tile_group = 48;  // lines of a piece, if lines run along k and register tiles are used
  // If lines run along k: the steps of k that are multiplied by all rows before the next steps, so that the elements of
  // these steps stay in the L1 cache. (Without register tiles, and with few rows, the kernel takes more steps: they fit
  // the L1 cache, too.) If lines run along C's longer dimension: the steps of one partial sum over k.
  int k_block = 512;
  int span = 4096;            // most elements of a line, if lines run along C's longer dimension: whole pages of memory
  host_isa isa = native_isa;  // the instruction set, and so the vector registers, that the kernel may use
  friend constexpr bool operator==(const gemm_cpu_skinny_policy&, const gemm_cpu_skinny_policy&) = default;

  /// A register tile multiplies tile_lines lines along k by tile_vectors() vector registers of the packed short
  /// operand, with the code of gemm_cpu. With AVX-512 or AVX2, the tile's accumulators fill most of the vector
  /// registers. There are no such tiles for the baseline instruction set.
  static constexpr int tile_lines = 6;
  constexpr int tile_vectors() const { return isa == host_isa::avx512 ? 4 : 2; }
  constexpr bool has_tiles() const { return isa != host_isa::baseline; }
  /// Returns the number of elements of the accumulation type in a vector register.
  constexpr int lanes(int accumulator_bytes) const { return vector_bytes(isa) / accumulator_bytes; }
  /// Returns the extent along C's longer dimension of a piece that is not multiplied in register tiles. `along_k`: true
  /// if lines run along k; the piece is then `group` lines. Otherwise the piece is the same range of C's longer
  /// dimension at every k. This range has at most `span` elements, at most 4096 / short_extent elements (so that the
  /// piece has at most 4096 accumulators, 16 KiB of float), and at most long_extent / threads elements, rounded up. It
  /// is a multiple of a vector register's elements, and at least one vector register.
  constexpr int piece(bool along_k, int short_extent, int long_extent, int threads, int accumulator_bytes) const {
    if (along_k) return group;
    const int vector = lanes(accumulator_bytes), share = pieces(pieces(long_extent, threads), vector) * vector;
    return greater(lesser(lesser(span, share), 4096 / short_extent) / vector, 1) * vector;
  }
};

// A compile error quotes the source line of the call of broken(): each rule's sentence must be on that line.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const gemm_cpu_skinny_policy& p, int accumulator_bytes, when_broken how = when_broken::say) {
  if (p.few < 1 || p.few > 64 || p.rows < 1 || p.lines < 1 || p.group < 1 || p.tile_few < 1 || p.tile_group < 1 || p.k_block < 1 || p.span < 1)
    return broken("gemm_cpu_skinny_policy: few must be 1 to 64, rows, lines, group, tile_few, tile_group, k_block and span positive", how);
  if (static_cast<int>(p.isa) > static_cast<int>(native_isa))
    return broken("gemm_cpu_skinny_policy.isa must not be wider than the instructions that this unit is compiled for; link tilery::native", how);
  // Vector registers: the accumulators, one register of each line, and one register of a row of the short operand.
  if (p.rows * p.lines + p.lines + 1 > (p.isa == host_isa::avx512 ? 32 : 16))
    return broken("gemm_cpu_skinny_policy: rows * lines + lines + 1 must be at most the vector registers of its isa (32 with AVX-512, else 16), because the sums stay in registers", how);
  if (p.group % p.lines)
    return broken("gemm_cpu_skinny_policy.group must be a multiple of lines, which are read together", how);
  if (p.k_block % p.lanes(accumulator_bytes) || p.span % p.lanes(accumulator_bytes))
    return broken("gemm_cpu_skinny_policy.k_block and span must be multiples of a vector", how);
  return nullptr;
}
// clang-format on

/// The policy in words.
inline sentence describe(const gemm_cpu_skinny_policy& p) {
  return {"gemm_cpu_skinny with ", p.rows, " rows by ", p.lines, " lines of the long operand, read in place"};
}

/// Returns the layout of the long operand, the operand of C's longer dimension (B if m and n are equal).
constexpr const gemm_operand_shape& long_operand(const gemm_problem& p) { return p.m <= p.n ? p.b : p.a; }

/// Returns null if the policy can run the problem, otherwise the reason.
constexpr const char* misfit(const gemm_cpu_skinny_policy& p, const gemm_problem& problem) {
  if (problem.target != arch::cpu) return "a gemm_cpu_skinny_policy runs on the cpu executor only";
  if (lesser(problem.m, problem.n) > p.few) return "C has more rows and columns than the policy's `few`";
  if (!problem.alike)
    return "a gemm_cpu_skinny_policy runs no groups, because m may be short in one member and n in another";
  if (!problem.one_type) return "A and B must have one element type, because either may be the long operand";
  if (long_operand(problem).contiguous == along::any)
    return "the operand of C's long dimension must be contiguous along k or along that dimension";
  return nullptr;
}

}  // namespace tilery::inline TILERY_ABI
