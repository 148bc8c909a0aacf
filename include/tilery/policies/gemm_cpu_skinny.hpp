// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The policy of the CPU GEMM for a C with few rows or few columns, its rules, its candidate and the selector. Memory
// bandwidth bounds such a problem. The long operand, that is the operand of C's longer dimension (B where C has few
// rows, A where it has few columns), is read once, in place, and never packed.
#pragma once
#pragma GCC system_header

#include <tilery/core/arch.hpp>
#include <tilery/core/element.hpp>
#include <tilery/core/error.hpp>
#include <tilery/policies/choice.hpp>
#include <tilery/policies/gemm_problem.hpp>

namespace tilery::inline TILERY_ABI {

/// How `gemm_cpu_skinny` cuts a problem. A line is a contiguous part of the long operand: it runs along k, or along C's
/// longer dimension, where it is one step of k. The defaults serve AVX-512 and narrower vectors.
struct gemm_cpu_skinny_policy {
  int few = 16;                                       // largest extent of C's shorter dimension
  int rows = native_isa == host_isa::avx512 ? 4 : 2;  // rows of the short operand that are multiplied at once
  int lines = 4;                                      // lines of the long operand that are read at once
  int group = 16;                                     // lines along k whose sums are kept at once
  int tile_few = 5;     // from this extent of C's shorter dimension on, lines along k go through register tiles
  int tile_group = 48;  // lines along k of one piece of work that goes through register tiles
  int k_block = 512;    // k of one pass: the lines' elements stay in the L1 cache
  int span = 4096;      // most elements of a line along C's longer dimension in a piece of work: whole pages of memory
  host_isa isa = native_isa;

  /// Lines and vectors of such a tile: as many as the registers of the isa hold, if those of AVX2 or AVX-512.
  static constexpr int tile_lines = 6;
  constexpr int tile_vectors() const { return isa == host_isa::avx512 ? 4 : 2; }
  constexpr bool has_tiles() const { return isa != host_isa::baseline; }
  constexpr int lanes(int accumulator_bytes) const { return vector_bytes(isa) / accumulator_bytes; }
  /// Elements of C's longer dimension in one piece of work. Lines along k: a group. Other lines: at most `span`, at
  /// most as many as have 4096 sums (16 KiB of float), and at most a thread's share.
  constexpr int piece(bool along_k, int short_extent, int long_extent, int threads, int accumulator_bytes) const {
    if (along_k) return group;
    const int vector = lanes(accumulator_bytes), share = pieces(pieces(long_extent, threads), vector) * vector;
    return greater(lesser(lesser(span, share), 4096 / short_extent) / vector, 1) * vector;
  }
};

// Compilers quote the line of a call, and the sentence must stand on it.
// clang-format off
/// Returns the sentence of the first rule that the policy breaks, or null.
constexpr const char* broken_rule(const gemm_cpu_skinny_policy& p, int accumulator_bytes, when_broken how = when_broken::say) {
  if (p.few < 1 || p.few > 64 || p.rows < 1 || p.lines < 1 || p.group < 1 || p.tile_few < 1 || p.tile_group < 1 || p.k_block < 1 || p.span < 1)
    return broken("gemm_cpu_skinny_policy: few must be 1 to 64, rows, lines, group, tile_few, tile_group, k_block and span positive", how);
  if (static_cast<int>(p.isa) > static_cast<int>(native_isa))
    return broken("gemm_cpu_skinny_policy.isa must not be wider than the instructions that this unit is compiled for; link tilery::native", how);
  // Registers: the accumulators, one vector of each line, and one vector of a row of the short operand.
  if (p.rows * p.lines + p.lines + 1 > (p.isa == host_isa::avx512 ? 32 : 16))
    return broken("gemm_cpu_skinny_policy: rows * lines + lines + 1 must be at most the vector registers of its isa (32 with AVX-512, else 16), because the sums stay in registers", how);
  if (p.group % p.lines)
    return broken("gemm_cpu_skinny_policy.group must be a multiple of lines, which are read side by side", how);
  if (p.k_block % p.lanes(accumulator_bytes) || p.span % p.lanes(accumulator_bytes))
    return broken("gemm_cpu_skinny_policy.k_block and span must be multiples of a vector", how);
  return nullptr;
}
// clang-format on

/// The policy in words.
inline sentence describe(const gemm_cpu_skinny_policy& p) {
  return {"gemm_cpu_skinny with ", p.rows, " rows by ", p.lines, " lines of the long operand, read where it lies"};
}

/// The long operand: that of C's longer dimension.
constexpr const gemm_operand_shape& long_operand(const gemm_problem& p) { return p.m <= p.n ? p.b : p.a; }

/// Returns null if the policy can run the problem, otherwise the reason.
constexpr const char* misfit(const gemm_cpu_skinny_policy& p, const gemm_problem& problem) {
  if (problem.target != arch::cpu) return "a gemm_cpu_skinny_policy runs on the cpu executor only";
  if (lesser(problem.m, problem.n) > p.few) return "C has more rows and columns than the policy's `few`";
  if (!problem.alike) return "of a group's members, each may have its short side elsewhere";
  if (!problem.one_type) return "A and B must have one element type, because either may be the long operand";
  if (long_operand(problem).contiguous == along::any)
    return "the operand of C's long dimension must be contiguous along k or along that dimension";
  return nullptr;
}

/// The candidate, and the selector's condition for it.
///
/// Evidence. Speed in GFLOP/s of this kernel / of the packed kernel (gemm_cpu), one thread, float, 2 virtual CPUs of an
/// EPYC of the Zen 4 family (1 MiB of L2 cache), g++ 12 -O3 -march=znver3 (AVX2), 2026-11-30. The long operand is
/// contiguous along k; from 5 rows or columns on, it goes through register tiles:
///
///   long operand   B along k (C of few x n)          A along k (C of m x few)
///   of few =       2        4        8        16       2        4        8        16
///   4096 x 4096    18 / 7   25 / 13  66 / 20  95 / 34  18 / 11  24 / 23  66 / 50  95 / 71
///   512 x 512      41 / 18  45 / 29  77 / 42 103 / 71  42 / 18  48 / 37  79 / 77 107 / 109
///   256 x 256      37 / 20  45 / 33  74 / 44  97 / 75  33 / 17  40 / 35  76 / 77 103 / 107
///
/// If the long operand is contiguous along C's longer dimension (n of B, m of A): time of the packed kernel divided by
/// the time of this one, one thread, float, on a Xeon of the Cascade Lake family (1 MiB of L2 cache), g++ 12 -O3,
/// 2026-11-23 (512 x 512 and 256 x 256 with another program running on the machine):
///
///   long operand    B along n           A along m: gemm_cpu transposes A
///   of few =        1    4    8   16    1    4    8   16
///   4096 x 4096     3.1  2.4  1.5 0.7   8.8  6.2  3.4 1.9
///   512 x 512       0.9       0.8 0.8   9.3       3.0 1.2
///   256 x 256       0.5       0.5 0.5   7.8       2.0 1.0
///
/// In the column "B along n", gemm_cpu reads B in place, except for 4096 x 4096, where it packs B.
template <class T>
struct gemm_cpu_skinny_table {
  static constexpr gemm_cpu_skinny_policy candidates[1] = {{}};

  static constexpr bool serves(const gemm_problem& p) {
    if (misfit(candidates[0], p)) return false;
    const int few = lesser(p.m, p.n);
    const bool packing_transposes = p.n < p.m;
    const bool fits_second_cache =
        std::int64_t{greater(p.m, p.n)} * p.k * static_cast<std::int64_t>(sizeof(T)) < 1 << 20;
    if (long_operand(p).contiguous == along::k) {
      constexpr bool has_tiles = candidates[0].has_tiles() && std::is_same_v<T, accumulator_t<T>>;
      return has_tiles || few == 1 || !fits_second_cache;
    }
    if (few == 1) return !fits_second_cache || packing_transposes;
    if (fits_second_cache) return packing_transposes && few <= 8;
    return few <= (packing_transposes ? 16 : 8);
  }
  static constexpr choice choose(const gemm_problem&) {
    return {0, "few rows or columns: the long operand is read once, where it lies"};
  }
};

}  // namespace tilery::inline TILERY_ABI
